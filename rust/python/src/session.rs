//! `SessionFrames`, `SnapshotFrames`: what a client of the live protocol gets. Each call is handed the tape as it is at that
//! moment, so that a session goes on along a tape that grows.

use std::sync::{Arc, Mutex};

use booktape_core::types::Instruments;
use booktape_core::types::Nanos;
use booktape_core::wire::{Session, Snapshot, Subject};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::counters::framed;
use crate::detached::{detached, lock};
use crate::errors::to_python;
use crate::tape::Tape;

fn instruments_of(ids: Option<Vec<u32>>) -> Instruments {
    ids.map_or(Instruments::All, |ids| ids.into_iter().collect())
}

fn framed_bytes<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyBytes> {
    framed(bytes.len());
    PyBytes::new(py, bytes)
}

/// What a client is subscribed to, and where it stands.
#[pyclass(frozen, module = "booktape._native")]
pub struct SessionFrames {
    wants_ts_out: bool,
    session: Mutex<Session>,
}

#[pymethods]
impl SessionFrames {
    #[new]
    #[pyo3(signature = (*, ts_out=false))]
    fn new(ts_out: bool) -> Self {
        Self { wants_ts_out: ts_out, session: Mutex::default() }
    }

    /// Subscribes to a schema of some instruments, or all, from a position on.
    #[pyo3(signature = (tape, schema, instruments, *, position, since=0))]
    fn subscribe(
        &self,
        py: Python<'_>,
        tape: &Tape,
        schema: &str,
        instruments: Option<Vec<u32>>,
        position: u64,
        since: u64,
    ) -> PyResult<()> {
        let subject = Subject::named(schema).map_err(to_python)?;
        let (tape, instruments) = (Arc::clone(&tape.core), instruments_of(instruments));
        detached(py, None, |watcher| {
            let look = &mut |done, total| watcher.look(done, total);
            lock(&self.session).subscribe(&tape, subject, instruments, position, Nanos(since), look)
        })
    }

    /// Some instruments of a schema, or all, are wanted no longer.
    fn unsubscribe(&self, schema: &str, instruments: Option<Vec<u32>>) -> PyResult<()> {
        let subject = Subject::named(schema).map_err(to_python)?;
        lock(&self.session).unsubscribe(subject, &instruments_of(instruments));
        Ok(())
    }

    /// A piece of the records of [position, until), and the position after it.
    #[pyo3(signature = (tape, position, until, *, ts_out=0))]
    fn next<'py>(
        &self,
        py: Python<'py>,
        tape: &Tape,
        position: u64,
        until: u64,
        ts_out: u64,
    ) -> PyResult<(Bound<'py, PyBytes>, u64)> {
        let tape = Arc::clone(&tape.core);
        let (bytes, end) = detached(py, None, |watcher| {
            lock(&self.session).next(&tape, position, until, self.stamp(ts_out), &mut |done, total| {
                watcher.look(done, total)
            })
        })?;
        Ok((framed_bytes(py, &bytes), end))
    }

    /// The rows of the intervals that are open where the tape ends.
    #[pyo3(signature = (*, ts_out=0))]
    fn finish<'py>(&self, py: Python<'py>, ts_out: u64) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = detached(py, None, |_| Ok(lock(&self.session).finish(self.stamp(ts_out))))?;
        Ok(framed_bytes(py, &bytes))
    }

    /// The client goes on at another position.
    fn restart(&self, py: Python<'_>, tape: &Tape, position: u64) -> PyResult<()> {
        let tape = Arc::clone(&tape.core);
        detached(py, None, |watcher| {
            lock(&self.session).restart(&tape, position, &mut |done, total| watcher.look(done, total))
        })
    }

    /// Books at a position as the records that build them.
    #[pyo3(signature = (tape, position, instruments, *, ts_out=0))]
    fn snapshot(
        &self,
        py: Python<'_>,
        tape: &Tape,
        position: u64,
        instruments: Option<Vec<u32>>,
        ts_out: u64,
    ) -> PyResult<SnapshotFrames> {
        let (tape, instruments) = (Arc::clone(&tape.core), instruments_of(instruments));
        let snapshot = detached(py, None, |_| Snapshot::new(&tape, position, &instruments))?;
        Ok(SnapshotFrames { tape, ts_out: self.stamp(ts_out), snapshot: Mutex::new(snapshot) })
    }
}

impl SessionFrames {
    fn stamp(&self, ts_out: u64) -> Option<u64> {
        self.wants_ts_out.then_some(ts_out)
    }
}

/// The pieces of a snapshot.
#[pyclass(frozen, module = "booktape._native")]
pub struct SnapshotFrames {
    tape: Arc<booktape_core::tape::Tape>,
    ts_out: Option<u64>,
    snapshot: Mutex<Snapshot>,
}

#[pymethods]
impl SnapshotFrames {
    const fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let piece = detached(py, None, |watcher| {
            lock(&self.snapshot).next(&self.tape, self.ts_out, &mut |done, total| watcher.look(done, total))
        })?;
        Ok(piece.map(|bytes| framed_bytes(py, &bytes)))
    }
}
