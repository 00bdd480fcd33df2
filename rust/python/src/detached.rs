//! The one place that releases the GIL, and listens for Ctrl-C and reports progress while it is released.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use booktape_core::{Error, Result};
use booktape_store::StoreError;
use booktape_store::sql::Stop;
use pyo3::prelude::*;

use crate::errors::{store_to_python, to_python};

/// Often enough for a smooth bar and a quick Ctrl-C, rare enough to cost nothing.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// What long work calls now and then.
pub struct Watcher {
    callback: Option<Py<PyAny>>,
    next: Instant,
    raised: Option<PyErr>,
}

impl Watcher {
    /// Reports progress, and stops the work if Python wants it to stop.
    pub fn look(&mut self, done: u64, total: u64) -> Result<()> {
        let now = Instant::now();
        if now < self.next && done < total {
            return Ok(());
        }
        self.tell(done, total)
    }

    /// The same, whenever the last time was.
    pub fn tell(&mut self, done: u64, total: u64) -> Result<()> {
        self.next = Instant::now() + BETWEEN_LOOKS;
        let looked = Python::attach(|py| {
            py.check_signals()?;
            match &self.callback {
                Some(callback) => callback.call1(py, (done, total)).map(drop),
                None => Ok(()),
            }
        });
        looked.map_err(|raised| {
            self.raised = Some(raised);
            Error::Interrupted
        })
    }
}

/// Runs long work without the GIL. An exception of the progress callback, or Ctrl-C, ends it and is raised.
pub fn detached<T: Send>(
    py: Python<'_>,
    callback: Option<Py<PyAny>>,
    work: impl FnOnce(&mut Watcher) -> Result<T> + Send,
) -> PyResult<T> {
    watched(py, callback, work, to_python)
}

/// The same for work of the store.
pub fn detached_store<T: Send>(
    py: Python<'_>,
    callback: Option<Py<PyAny>>,
    work: impl FnOnce(&mut Watcher) -> Result<T, StoreError> + Send,
) -> PyResult<T> {
    watched(py, callback, work, store_to_python)
}

fn watched<T: Send, E: Send>(
    py: Python<'_>,
    callback: Option<Py<PyAny>>,
    work: impl FnOnce(&mut Watcher) -> Result<T, E> + Send,
    exception: fn(E) -> PyErr,
) -> PyResult<T> {
    let mut watcher = Watcher { callback, next: Instant::now() + BETWEEN_LOOKS, raised: None };
    let done = py.detach(|| work(&mut watcher));
    done.map_err(|error| watcher.raised.take().unwrap_or_else(|| exception(error)))
}

/// What work that has no watcher asks now and then: whether Ctrl-C was pressed.
pub fn signals() -> Stop {
    let next = Mutex::new(Instant::now() + BETWEEN_LOOKS);
    Arc::new(move || {
        let (mut next, now) = (lock(&next), Instant::now());
        if now < *next {
            return false;
        }
        *next = now + BETWEEN_LOOKS;
        Python::attach(|py| py.check_signals().is_err())
    })
}

/// Locks without the GIL in hand: only from detached code. A holder that panicked left whole values behind.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at something shared: at once where it is free, else waiting without the GIL, since its holder may need it.
pub fn with_locked<T: Send, R: Send>(
    py: Python<'_>,
    mutex: &Mutex<T>,
    see: impl FnOnce(&mut T) -> R + Send,
) -> R {
    match mutex.try_lock() {
        Ok(mut guard) => see(&mut guard),
        Err(TryLockError::Poisoned(poisoned)) => see(&mut poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => py.detach(|| see(&mut lock(mutex))),
    }
}
