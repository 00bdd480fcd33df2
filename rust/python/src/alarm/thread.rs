//! A thread that rings a bell, where the system has no timers that are files.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use crate::bell::{Ringing, io_error};
use crate::detached::lock;

/// When to ring, and whether to go on.
#[derive(Debug, Default)]
struct Due {
    at: Option<Instant>,
    ended: bool,
}

/// A timer that is a thread; it never needs the GIL.
pub struct Timer {
    ringing: Arc<Ringing>,
    due: Arc<(Mutex<Due>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Timer {
    /// Not set.
    pub fn new() -> PyResult<Self> {
        let (ringing, due) = (Arc::new(Ringing::new()?), Arc::<(Mutex<Due>, Condvar)>::default());
        let (of_thread, bell) = (Arc::clone(&due), Arc::clone(&ringing));
        let thread = std::thread::Builder::new()
            .name("booktape-alarm".to_owned())
            .spawn(move || ring_when_due(&of_thread, &bell))
            .map_err(io_error)?;
        Ok(Self { ringing, due, thread: Some(thread) })
    }

    /// Readable once its time has come.
    pub fn fileno(&self) -> i32 {
        self.ringing.fileno()
    }

    /// Sets it anew.
    #[allow(clippy::unnecessary_wraps)] // the kernel's may fail
    pub fn set(&self, wait: Duration) -> PyResult<()> {
        lock(&self.due.0).at = Some(Instant::now() + wait);
        self.due.1.notify_one();
        Ok(())
    }

    /// Silent until it is set again.
    pub fn heard(&self) -> PyResult<()> {
        self.ringing.heard()
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        lock(&self.due.0).ended = true;
        self.due.1.notify_one();
        if let Some(thread) = self.thread.take() {
            // It has nothing to tell.
            let _ = thread.join();
        }
    }
}

fn ring_when_due((due, changed): &(Mutex<Due>, Condvar), ringing: &Ringing) {
    let mut now = lock(due);
    while !now.ended {
        let left = now.at.map(|at| at.saturating_duration_since(Instant::now()));
        now = match left {
            Some(Duration::ZERO) => {
                now.at = None;
                ringing.ring();
                continue;
            }
            Some(left) => changed.wait_timeout(now, left).unwrap_or_else(PoisonError::into_inner).0,
            None => changed.wait(now).unwrap_or_else(PoisonError::into_inner),
        };
    }
}
