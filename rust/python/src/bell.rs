//! `Bell`: waking an event loop from other threads, without the GIL and without a call into Python.

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use booktape_core::Error;
use pyo3::prelude::*;

use crate::errors::to_python;

/// A pipe whose reading end an event loop watches: readable once somebody has rung, however often.
#[derive(Debug)]
pub struct Ringing {
    reader: PipeReader,
    writer: PipeWriter,
    rung: AtomicBool,
}

impl Ringing {
    /// Silent so far.
    pub fn new() -> PyResult<Self> {
        let (reader, writer) = pipe().map_err(io_error)?;
        Ok(Self { reader, writer, rung: AtomicBool::new(false) })
    }

    /// What an event loop watches for reading.
    pub fn fileno(&self) -> i32 {
        self.reader.as_raw_fd()
    }

    /// Lets it be rung again.
    pub fn heard(&self) -> PyResult<()> {
        (&self.reader).read(&mut [0]).map_err(io_error)?;
        self.rung.store(false, Ordering::Release);
        Ok(())
    }

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

/// A file of the system's that is none on a disk did not do as it should.
pub fn io_error(source: std::io::Error) -> PyErr {
    to_python(Error::Io { path: "a pipe".into(), source })
}

#[pymethods]
impl Bell {
    #[new]
    fn new() -> PyResult<Self> {
        Ok(Self { ringing: Arc::new(Ringing::new()?) })
    }

    /// What the event loop watches for reading.
    fn fileno(&self) -> i32 {
        self.ringing.fileno()
    }

    /// To be called when it is readable, before looking at what it was rung for: what comes later rings it again.
    fn heard(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.ringing.heard())
    }
}
