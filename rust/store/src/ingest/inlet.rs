//! Bytes on their way to a tape: taken at once, written by a thread in as large batches as have come meanwhile.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use booktape_core::{Error, Result};

use super::Ingest;
use crate::folder::io_error;

/// Bytes that may wait; whoever brings more waits, too.
const MOST: usize = 16 << 20;

/// Where a session's bytes go in.
#[derive(Debug)]
pub struct Inlet {
    shared: Arc<Shared>,
    ingest: Arc<Ingest>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    /// When the first of them came.
    since: Option<Instant>,
    /// When anything came last, a heartbeat among it.
    heard: Option<Instant>,
    is_writing: bool,
    /// Why nothing more goes on the tape until [`Inlet::finish`] was told.
    failure: Option<Error>,
    /// Whether whoever brings bytes was told.
    has_refused: bool,
    is_over: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(
        &self,
        state: MutexGuard<'s, State>,
        until: impl Fn(&State) -> bool,
    ) -> MutexGuard<'s, State> {
        self.changed.wait_while(state, |state| !until(state)).unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, ingest: &Ingest) {
        let mut state = self.state();
        loop {
            state = self.wait(state, |state| !state.waiting.is_empty() || state.is_over);
            if state.waiting.is_empty() {
                return;
            }
            let bytes = std::mem::take(&mut state.waiting);
            state.is_writing = true;
            drop(state);
            self.changed.notify_all();
            let written = ingest.take(&bytes);
            state = self.state();
            state.is_writing = false;
            if state.waiting.is_empty() {
                state.since = None;
            }
            if let Err(error) = written {
                // What came behind them must not stand on the tape without them.
                state.waiting.clear();
                state.failure.get_or_insert(error);
            }
            self.changed.notify_all();
        }
    }
}

impl Inlet {
    /// Begins the thread that writes.
    ///
    /// # Errors
    /// [`Error::Io`] where there is none to be had.
    pub fn new(ingest: Arc<Ingest>) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let (writing, onto) = (Arc::clone(&shared), Arc::clone(&ingest));
        thread::Builder::new()
            .name("booktape-ingest".to_owned())
            .spawn(move || writing.write(&onto))
            .map_err(io_error("a thread".as_ref()))?;
        Ok(Self { shared, ingest })
    }

    /// What the bytes go to.
    #[must_use]
    pub const fn ingest(&self) -> &Arc<Ingest> {
        &self.ingest
    }

    /// Takes bytes if there is room for them.
    ///
    /// # Errors
    /// [`Error::Conflict`], once, when something could not be written: what comes from then on, until [`Self::finish`] has told
    /// why, is dropped.
    pub fn offer(&self, bytes: &[u8]) -> Result<bool> {
        self.put(self.shared.state(), bytes)
    }

    /// The same, and waits for room.
    ///
    /// # Errors
    /// Those of [`Self::offer`].
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        let has_room = |state: &State| state.failure.is_some() || state.waiting.len() < MOST;
        let state = self.shared.wait(self.shared.state(), has_room);
        self.put(state, bytes).map(drop)
    }

    fn put(&self, mut state: MutexGuard<'_, State>, bytes: &[u8]) -> Result<bool> {
        // However long the disk takes with them: the upstream is not silent.
        state.heard = Some(Instant::now());
        if let Some(failure) = &state.failure {
            let told = Error::Conflict(format!("nothing more is recorded of this session: {failure}"));
            let has_refused = std::mem::replace(&mut state.has_refused, true);
            // What comes until the session has ended comes again with the next.
            return if has_refused { Ok(true) } else { Err(told) };
        }
        if state.waiting.len() >= MOST {
            return Ok(false);
        }
        state.waiting.extend_from_slice(bytes);
        state.since.get_or_insert_with(Instant::now);
        drop(state);
        self.shared.changed.notify_all();
        Ok(true)
    }

    /// Waits until everything is on the tape.
    ///
    /// # Errors
    /// What could not be written, once; a new session may begin then.
    pub fn finish(&self) -> Result<()> {
        let is_done = |state: &State| state.waiting.is_empty() && !state.is_writing;
        let mut state = self.shared.wait(self.shared.state(), is_done);
        state.has_refused = false;
        state.failure.take().map_or(Ok(()), Err)
    }

    /// Seconds since the oldest bytes came that are not on the tape yet.
    #[must_use]
    pub fn lag(&self) -> f64 {
        self.shared.state().since.map_or(0.0, |since| since.elapsed().as_secs_f64())
    }

    /// Seconds since anything came, a heartbeat among it; none before the first.
    #[must_use]
    pub fn silence(&self) -> Option<f64> {
        self.shared.state().heard.map(|heard| heard.elapsed().as_secs_f64())
    }
}

impl Drop for Inlet {
    /// The thread writes what it has, and ends.
    fn drop(&mut self) {
        self.shared.state().is_over = true;
        self.shared.changed.notify_all();
    }
}
