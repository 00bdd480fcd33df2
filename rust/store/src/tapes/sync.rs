//! When what was written is brought to the disk.

use std::fs::File;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// When a live tape asks the system to bring its records to the disk. A process that is killed loses nothing either way; this
/// is about a system that crashes, or loses power.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SyncWhen {
    /// Before the next segment begins; the most of it in the background, while the segment is written.
    #[default]
    SegmentEnds,
    /// Before each batch is published: what anybody has seen is on the disk.
    EveryBatch,
    /// In the background, so long after the first record that is not.
    Every(Duration),
}

/// Brings a file to the disk a while after it was written.
#[derive(Debug)]
pub(super) struct Background {
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
    written: Option<Arc<File>>,
    failed: Option<io::Error>,
    stopped: bool,
}

impl Background {
    pub fn start(delay: Duration) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("booktape-sync".to_owned())
            .spawn(move || of_thread.run(delay))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// The file has more.
    pub fn wrote(&self, file: &Arc<File>) {
        let mut state = self.shared.lock();
        if state.written.is_none() {
            state.written = Some(Arc::clone(file));
            self.shared.changed.notify_one();
        }
    }

    /// What went wrong since the last time.
    pub fn failure(&self) -> Option<io::Error> {
        self.shared.lock().failed.take()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, delay: Duration) {
        let mut state = self.lock();
        loop {
            let idle = |state: &mut State| state.written.is_none() && !state.stopped;
            state = self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
            let waited = self.changed.wait_timeout_while(state, delay, |state| !state.stopped);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            let Some(file) = state.written.take() else { break };
            drop(state);
            let synced = file.sync_data();
            state = self.lock();
            if let Err(error) = synced {
                state.failed = Some(error);
            }
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It does nothing that can panic; what it could not bring to the disk was never promised to be there.
            let _ = thread.join();
        }
    }
}
