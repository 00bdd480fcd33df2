//! `Ingest`: what a client of a live upstream writes to, on its way to a live tape.

use std::sync::Arc;
use std::time::Duration;

use booktape_store::ingest::{Figures, Ingest as StoreIngest, Inlet, Resume};
use pyo3::prelude::*;

use crate::detached::detached;
use crate::errors::{parameter, to_python};
use crate::live::LiveTape;

/// The sessions of an upstream, joined on a live tape; a thread of its own writes.
#[pyclass(frozen, module = "booktape._native")]
pub struct Ingest {
    inlet: Inlet,
}

#[pymethods]
impl Ingest {
    #[new]
    fn new(live: &LiveTape) -> PyResult<Self> {
        let ingest = Arc::new(StoreIngest::new(Arc::clone(&live.live)));
        Ok(Self { inlet: Inlet::new(ingest).map_err(to_python)? })
    }

    /// A session begins: how it goes on, and from which `ts_event`, where that is by one.
    fn resume(&self, py: Python<'_>, overlap: f64) -> PyResult<(&'static str, Option<u64>)> {
        let overlap = Duration::try_from_secs_f64(overlap);
        let overlap = overlap.map_err(|error| parameter("overlap", error, "seconds"))?;
        let resume = detached(py, None, |_| self.inlet.ingest().resume(overlap))?;
        Ok(match resume {
            Resume::Begin => ("begin", None),
            Resume::Whole => ("whole", None),
            Resume::From(start) => ("from", Some(start.0)),
        })
    }

    /// Takes the next bytes of the session; how many.
    fn write(&self, py: Python<'_>, data: &[u8]) -> PyResult<usize> {
        if !self.inlet.offer(data).map_err(to_python)? {
            detached(py, None, |_| self.inlet.write(data))?;
        }
        Ok(data.len())
    }

    /// As of a file; what was written needs no more than `finish`.
    #[allow(clippy::unused_self)] // a file's method
    const fn flush(&self) {}

    /// As of a file.
    #[allow(clippy::unused_self)] // a file's method
    const fn writable(&self) -> bool {
        true
    }

    /// As of a file.
    #[getter]
    fn closed(&self) -> bool {
        self.inlet.ingest().live().is_closed()
    }

    /// Waits until all of the session is on the tape, and raises what could not be put there.
    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, None, |_| self.inlet.finish())
    }

    /// Says on the tape that records are missing from here on.
    fn miss(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, None, |_| self.inlet.ingest().miss())
    }

    /// What the upstream said since the last time: whether it is an error, its code, its words.
    fn messages(&self) -> Vec<(bool, u8, String)> {
        let said = self.inlet.ingest().messages().into_iter();
        said.map(|said| (said.is_error, said.code, said.text)).collect()
    }

    /// Records put on the tape, of MBO and of other types; those that came again; gaps.
    fn figures(&self, py: Python<'_>) -> (u64, u64, u64, u64) {
        let Figures { records, others, repeated, gaps } = py.detach(|| self.inlet.ingest().figures());
        (records, others, repeated, gaps)
    }

    /// Seconds since the oldest bytes came that are not on the tape yet.
    #[getter]
    fn lag(&self) -> f64 {
        self.inlet.lag()
    }

    /// Seconds since anything came, a heartbeat among it; None before the first.
    #[getter]
    fn silence(&self) -> Option<f64> {
        self.inlet.silence()
    }
}
