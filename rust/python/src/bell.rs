//! `Bell`, `Alarm`: waking an event loop from other threads, without the GIL and without a call into Python.

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use booktape_core::Error;
use pyo3::prelude::*;

use crate::detached::lock;
use crate::errors::{parameter, to_python};

/// A pipe whose reading end an event loop watches: readable once somebody has rung, however often.
#[derive(Debug)]
pub struct Ringing {
    reader: PipeReader,
    writer: PipeWriter,
    rung: AtomicBool,
}

impl Ringing {
    /// Makes the bell readable, unless it is already.
    pub fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            // One byte at most is ever in the pipe, so there is room.
            let _ = (&self.writer).write(&[1]);
        }
    }
}

/// What an event loop hears.
#[pyclass(frozen, module = "booktape._native")]
pub struct Bell {
    pub ringing: Arc<Ringing>,
}

fn io_error(source: std::io::Error) -> PyErr {
    to_python(Error::Io { path: "a pipe".into(), source })
}

#[pymethods]
impl Bell {
    #[new]
    fn new() -> PyResult<Self> {
        let (reader, writer) = pipe().map_err(io_error)?;
        Ok(Self { ringing: Arc::new(Ringing { reader, writer, rung: AtomicBool::new(false) }) })
    }

    /// What the event loop watches for reading.
    fn fileno(&self) -> i32 {
        self.ringing.reader.as_raw_fd()
    }

    /// To be called when it is readable, before looking at what it was rung for: what comes later rings it again.
    fn heard(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| (&self.ringing.reader).read(&mut [0]))
            .map(|_| self.ringing.rung.store(false, Ordering::Release))
            .map_err(io_error)
    }
}

/// When to ring, and whether to go on.
#[derive(Debug, Default)]
struct Due {
    at: Option<Instant>,
    ended: bool,
}

/// Rings a bell at a time, by a thread of its own: event loops round their timers to milliseconds.
#[pyclass(frozen, module = "booktape._native")]
pub struct Alarm {
    due: Arc<(Mutex<Due>, Condvar)>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[pymethods]
impl Alarm {
    #[new]
    fn new(bell: &Bell) -> PyResult<Self> {
        let due = Arc::<(Mutex<Due>, Condvar)>::default();
        let (of_thread, ringing) = (Arc::clone(&due), Arc::clone(&bell.ringing));
        let thread = std::thread::Builder::new()
            .name("booktape-alarm".to_owned())
            .spawn(move || ring_when_due(&of_thread, &ringing))
            .map_err(|source| to_python(Error::Io { path: "booktape-alarm".into(), source }))?;
        Ok(Self { due, thread: Mutex::new(Some(thread)) })
    }

    /// Rings in so many seconds, and not at the time that was set before.
    fn set(&self, seconds: f64) -> PyResult<()> {
        let wait = Duration::try_from_secs_f64(seconds)
            .map_err(|_| parameter("seconds", seconds, "seconds, from 0"))?;
        lock(&self.due.0).at = Some(Instant::now() + wait);
        self.due.1.notify_one();
        Ok(())
    }

    /// Ends the thread.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.end());
    }
}

impl Alarm {
    fn end(&self) {
        lock(&self.due.0).ended = true;
        self.due.1.notify_one();
        if let Some(thread) = lock(&self.thread).take() {
            // It has nothing to tell.
            let _ = thread.join();
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.end();
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
