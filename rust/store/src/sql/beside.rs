//! The journal of a load, written back to the database while more is added.

use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use super::file::writing;

/// A thread with a connection of its own that writes back what was committed, whenever it is asked to. It helps, and no more:
/// what it leaves, for whatever reason, is written back by who commits, once it is much.
#[derive(Debug)]
pub(super) struct Beside {
    /// `None` when it shall end.
    asked: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Beside {
    /// Starts the thread; `None` where it cannot be had, and the load does without.
    pub fn start(database: &Path) -> Option<Self> {
        let connection = Connection::open_with_flags(database, writing()).ok()?;
        // One that is not taken yet stands for all that come after it.
        let (asked, asks) = sync_channel(1);
        let work = move || {
            while asks.recv().is_ok() {
                let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(()));
            }
        };
        let thread = thread::Builder::new().name("booktape-journal".to_owned()).spawn(work).ok()?;
        Some(Self { asked: Some(asked), thread: Some(thread) })
    }

    /// Something was committed.
    pub fn ask(&self) {
        if let Some(asked) = &self.asked {
            let _ = asked.try_send(());
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.asked = None;
        if let Some(thread) = self.thread.take() {
            // One that panicked has said so, and nothing depends on it.
            let _ = thread.join();
        }
    }
}
