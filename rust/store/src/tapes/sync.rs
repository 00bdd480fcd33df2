//! When what was written is brought to the disk, and by whom.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use booktape_core::tape::Tape;
use booktape_core::{Error, Result};

use super::finished::Finished;
use crate::folder::io_error;

/// When a live tape asks the system to bring its records to the disk. A process that is killed loses nothing either way; this
/// is about a system that crashes, or loses power.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SyncWhen {
    /// In the background, once a segment is finished, and before the segment after the next one begins. While the system brings
    /// a file to the disk, whoever writes at its end waits now and then for ten milliseconds: so not before.
    #[default]
    SegmentEnds,
    /// Before each batch is published: what anybody has seen is on the disk.
    EveryBatch,
    /// In the background, so long after the first record that is not.
    Every(Duration),
}

/// A thread that brings files of a live tape to the disk, so that nobody who appends waits for it.
#[derive(Debug)]
pub(super) struct Background {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    /// What errors name.
    folder: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Has more than the disk has.
    written: Option<Arc<File>>,
    /// Finished, in this order, and perhaps not on the disk yet.
    behind: VecDeque<Arc<Behind>>,
    /// Until somebody was told, nothing that is behind is tried again.
    failed: Option<Error>,
    stopped: bool,
}

/// A segment, and the tape that still has its records in memory: whoever is the last to let go of that one gives the memory
/// back, which takes milliseconds that those who append or send do not have.
type Behind = (Finished, Arc<Tape>);

enum Work {
    Finish(Arc<Behind>),
    Sync(Arc<File>),
}

impl Background {
    /// `delay` is how long a file may have more than the disk has.
    pub fn start(folder: PathBuf, delay: Duration) -> io::Result<Self> {
        let shared = Arc::new(Shared { folder, state: Mutex::default(), changed: Condvar::new() });
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("booktape-sync".to_owned())
            .spawn(move || of_thread.run(delay))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// The file that is written has more.
    pub fn wrote(&self, file: &Arc<File>) {
        let mut state = self.shared.lock();
        if state.written.is_none() {
            state.written = Some(Arc::clone(file));
            self.shared.changed.notify_all();
        }
    }

    /// The file that was written is finished, and the next one may have begun. `before` has its records in memory.
    pub fn finish(&self, segment: Finished, before: Arc<Tape>) {
        let mut state = self.shared.lock();
        state.written = None;
        state.behind.push_back(Arc::new((segment, before)));
        self.shared.changed.notify_all();
    }

    /// Waits until everything that is finished is on the disk, or something kept it from getting there; whether it is.
    pub fn settle(&self) -> bool {
        let waits = |state: &mut State| state.is_behind() && !state.stopped;
        let waited = self.shared.changed.wait_while(self.shared.lock(), waits);
        waited.unwrap_or_else(PoisonError::into_inner).behind.is_empty()
    }

    /// # Errors
    /// What went wrong since the last time. It is tried again.
    pub fn check(&self) -> Result<()> {
        let mut state = self.shared.lock();
        let Some(failed) = state.failed.take() else { return Ok(()) };
        self.shared.changed.notify_all();
        Err(failed)
    }

    /// Has it end once it has brought to the disk what is finished.
    pub fn stop(&self) {
        self.shared.lock().stopped = true;
        self.shared.changed.notify_all();
    }
}

impl State {
    /// Whether there is something behind that should be tried now.
    fn is_behind(&self) -> bool {
        !self.behind.is_empty() && self.failed.is_none()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, delay: Duration) {
        while let Some(work) = self.next(delay) {
            let done = match &work {
                Work::Finish(behind) => behind.0.bring_to_disk(),
                Work::Sync(file) => file.sync_data().map_err(io_error(&self.folder)),
            };
            let mut state = self.lock();
            match done {
                Err(error) => state.failed = Some(error),
                Ok(()) if matches!(work, Work::Finish(_)) => drop(state.behind.pop_front()),
                Ok(()) => {}
            }
            self.changed.notify_all();
            drop(state);
            drop(work); // not while anybody waits for the lock
        }
    }

    /// What is finished comes first, and at once: whoever finishes the next one waits for it.
    fn next(&self, delay: Duration) -> Option<Work> {
        let mut state = self.lock();
        loop {
            let is_idle = |state: &mut State| state.written.is_none() && !state.is_behind() && !state.stopped;
            state = self.changed.wait_while(state, is_idle).unwrap_or_else(PoisonError::into_inner);
            let is_early = |state: &mut State| !state.is_behind() && !state.stopped;
            let waited = self.changed.wait_timeout_while(state, delay, is_early);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if state.is_behind() {
                return state.behind.front().cloned().map(Work::Finish);
            }
            if state.stopped {
                return None; // what is left was never promised to be there
            }
            if let Some(file) = state.written.take() {
                return Some(Work::Sync(file));
            }
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // It does nothing that can panic.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use booktape_core::feed::Metadata;
    use booktape_core::tape::Growing;
    use booktape_core::types::Nanos;

    #[test]
    fn what_does_not_get_to_the_disk_is_told_once_and_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let path = gone.join("00000000000000000000.dbn");
        let file = Arc::new(tempfile::tempfile().unwrap());
        let metadata = Metadata::for_mbo("", &[], Nanos(0), Nanos(1)).unwrap();
        let before = Growing::new("feed".to_owned(), 1, metadata).unwrap().head();
        let background = Background::start(gone.clone(), Duration::ZERO).unwrap();
        background.finish(Finished { path: path.clone(), file, end: 0, scan: b"scan".to_vec() }, before);
        assert!(!background.settle());
        std::fs::create_dir(&gone).unwrap();
        assert!(!background.settle(), "nobody was told");
        let error = background.check().unwrap_err().to_string();
        assert!(error.contains("gone"), "{error}");
        assert!(background.settle());
        assert_eq!(std::fs::read(path.with_extension("scan")).unwrap(), b"scan");
        assert!(background.check().is_ok());
    }
}
