//! A source for live tapes: another tape's records, at a pace.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use booktape_core::feed::encode_record;
use booktape_core::tape::Tape;
use booktape_core::{Error, Result};

use super::live::LiveTape;
use super::now;
use crate::folder::io_error;

/// Records are due one by one, and appended together that come within this time: two thousand batches a second are no load.
const TOGETHER: Duration = Duration::from_micros(500);
/// Records of a batch at most.
const LARGEST: u64 = 16_384;

/// How a tape is fed to another.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// As fast as they can be appended if there is none.
    pub records_per_second: Option<u64>,
    /// Whether `ts_recv` becomes the time at which a record is fed.
    pub restamp: bool,
}

/// A thread that appends a tape's MBO records to a live tape, as a session with the tape's metadata. It ends with the tape, an
/// error, or [`Feeder::stop`], and leaves the live tape open.
#[derive(Debug)]
pub struct Feeder {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    fed: u64,
    stopped: bool,
    ended: bool,
    failed: Option<Error>,
}

impl Feeder {
    /// Starts feeding.
    ///
    /// # Errors
    /// [`Error::Io`] where no thread can be had.
    pub fn start(live: Arc<LiveTape>, tape: Arc<Tape>, pace: Pace) -> Result<Self> {
        let shared = Arc::<Shared>::default();
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("booktape-feeder".to_owned())
            .spawn(move || {
                let fed = of_thread.feed(&live, &tape, pace);
                let mut state = of_thread.lock();
                state.ended = true;
                state.failed = fed.err();
                of_thread.changed.notify_all();
            })
            .map_err(io_error("booktape-feeder".as_ref()))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Records fed so far.
    #[must_use]
    pub fn fed(&self) -> u64 {
        self.shared.lock().fed
    }

    /// Whether no more will be fed.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.shared.lock().ended
    }

    /// Waits until no more will be fed, or the time is over; whether it ended.
    ///
    /// # Errors
    /// What ended it, if that was an error: told once.
    pub fn wait(&self, longest: Duration) -> Result<bool> {
        let waited =
            self.shared.changed.wait_timeout_while(self.shared.lock(), longest, |state| !state.ended);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.failed.take().map_or(Ok(state.ended), Err)
    }

    /// Feeds no more, once the batch under way is on the tape.
    pub fn stop(&self) {
        self.shared.lock().stopped = true;
        self.shared.changed.notify_all();
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // Whoever wanted to know how it ended has asked.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn feed(&self, live: &LiveTape, tape: &Tape, pace: Pace) -> Result<()> {
        live.begin(tape.metadata())?;
        let (began, mut last) = (Instant::now(), Duration::ZERO);
        let mut fed = 0;
        let mut bytes = Vec::new();
        let mut ts_recv = 0;
        while fed < tape.len() {
            let Some(until) = self.due(began, last, fed, tape.len(), pace) else { break };
            last = began.elapsed();
            ts_recv = now().max(ts_recv);
            bytes.clear();
            for block in tape.blocks(fed..until) {
                let (_, block) = block?;
                for (at, record) in block.iter().enumerate() {
                    let mut record = *record;
                    if pace.restamp {
                        record.ts_recv = ts_recv;
                    }
                    encode_record(&record, block.ts_outs().get(at).copied(), &mut bytes);
                }
            }
            live.append_records(&bytes)?;
            fed = until;
            self.lock().fed = fed;
        }
        Ok(())
    }

    /// Waits until records are due, and a while after the batch before; up to which. `None` when it shall stop.
    fn due(&self, began: Instant, last: Duration, fed: u64, end: u64, pace: Pace) -> Option<u64> {
        let most = end.min(fed + LARGEST);
        let Some(rate) = pace.records_per_second.map(|rate| u128::from(rate.max(1))) else {
            return (!self.lock().stopped).then_some(most);
        };
        let nanos = u128::from(fed + 1) * 1_000_000_000 / rate;
        let next = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)).max(last + TOGETHER);
        let mut state = self.lock();
        while !state.stopped {
            let elapsed = began.elapsed();
            if elapsed >= next {
                let due = u64::try_from(elapsed.as_nanos() * rate / 1_000_000_000).unwrap_or(u64::MAX);
                return Some(due.clamp(fed + 1, most));
            }
            let waited = self.changed.wait_timeout(state, next.saturating_sub(elapsed));
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        None
    }
}
