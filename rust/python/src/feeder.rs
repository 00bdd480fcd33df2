//! `Feeder`: a tape's records onto a live tape, at a pace.

use std::sync::Arc;
use std::time::Duration;

use booktape_store::{Feeder as StoreFeeder, Pace};
use pyo3::prelude::*;

use crate::detached::detached;
use crate::errors::to_python;
use crate::live::LiveTape;
use crate::tape::Tape;

/// Between two looks whether Python wants to stop waiting.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// A thread that feeds; nothing is done per record in Python.
#[pyclass(frozen, module = "booktape._native")]
pub struct Feeder {
    /// Always there until it is dropped.
    feeder: Option<StoreFeeder>,
}

impl Feeder {
    fn get(&self) -> PyResult<&StoreFeeder> {
        let gone = || to_python(booktape_core::Error::Invariant("a feeder that is gone".to_owned()));
        self.feeder.as_ref().ok_or_else(gone)
    }
}

#[pymethods]
impl Feeder {
    #[new]
    #[pyo3(signature = (live, tape, *, records_per_second=None, restamp=false))]
    fn new(live: &LiveTape, tape: &Tape, records_per_second: Option<u64>, restamp: bool) -> PyResult<Self> {
        let pace = Pace { records_per_second, restamp };
        let feeder = StoreFeeder::start(Arc::clone(&live.live), Arc::clone(&tape.core), pace);
        Ok(Self { feeder: Some(feeder.map_err(to_python)?) })
    }

    /// Records fed so far.
    #[getter]
    fn fed(&self) -> PyResult<u64> {
        self.get().map(StoreFeeder::fed)
    }

    /// Whether no more will be fed.
    #[getter]
    fn has_ended(&self) -> PyResult<bool> {
        self.get().map(StoreFeeder::has_ended)
    }

    /// Waits for the end, and raises what ended it if that was an error.
    fn wait(&self, py: Python<'_>) -> PyResult<()> {
        let feeder = self.get()?;
        detached(py, None, |watcher| {
            while !feeder.wait(BETWEEN_LOOKS)? {
                watcher.look(0, 1)?;
            }
            Ok(())
        })
    }

    /// Feeds no more.
    fn stop(&self) -> PyResult<()> {
        self.get().map(StoreFeeder::stop)
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        // Its thread may be about to tell Python of a batch, and is waited for.
        let mut feeder = self.feeder.take();
        if Python::try_attach(|py| py.detach(|| drop(feeder.take()))).is_none() {
            // The interpreter is going, and with it the process; its thread waits for an answer that cannot come.
            std::mem::forget(feeder);
        }
    }
}
