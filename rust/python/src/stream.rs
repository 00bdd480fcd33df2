//! `RecordStream`, `SharedFrames`, `DepthStream`: frames for streams. Each call is handed the tape as it is at that moment, so
//! that a stream goes on along a tape that grows.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use booktape_core::wire::{Depth, DepthOptions, Format, FrameShare, Frames};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::book::view_of;
use crate::counters::{Meter, framed};
use crate::detached::{detached, lock, with_locked};
use crate::errors::to_python;
use crate::tape::Tape;

/// A lossless stream of a tape's records as frames; private to one client.
#[pyclass(frozen, module = "booktape._native")]
pub struct RecordStream {
    format: Format,
    frames: Mutex<(Frames, Meter)>,
}

#[pymethods]
impl RecordStream {
    #[new]
    #[pyo3(signature = (tape, format, *, start=0, instrument_id=None, ids=""))]
    fn new(tape: &Tape, format: &str, start: u64, instrument_id: Option<u32>, ids: &str) -> PyResult<Self> {
        let format = Format::named(format).map_err(to_python)?;
        let frames = Frames::new(&tape.core, format, start, instrument_id, ids.into()).map_err(to_python)?;
        Ok(Self { format, frames: Mutex::new((frames, Meter::default())) })
    }

    #[getter]
    fn position(&self, py: Python<'_>) -> u64 {
        with_locked(py, &self.frames, |(frames, _)| frames.position())
    }

    /// The records from the position on, up to `until` or to the end of a frame, and the position after them; moves there.
    fn next<'py>(&self, py: Python<'py>, tape: &Tape, until: u64) -> PyResult<(Bound<'py, PyBytes>, u64)> {
        let tape = Arc::clone(&tape.core);
        let (bytes, end) = detached(py, None, |watcher| {
            let (frames, meter) = &mut *lock(&self.frames);
            let end = until.min(frames.position().saturating_add(self.format.frame_records()));
            let began = Instant::now();
            let bytes = frames.next(&tape, end, &mut |done, total| watcher.look(done, total))?;
            meter.batch(frames.market(), began.elapsed());
            Ok((bytes, frames.position()))
        })?;
        framed(bytes.len());
        Ok((PyBytes::new(py, &bytes), end))
    }
}

impl Drop for RecordStream {
    fn drop(&mut self) {
        let (frames, meter) = &mut *lock(&self.frames);
        meter.settle(frames.market());
    }
}

/// Builds the frames that all clients of a tape share; who keeps them is somebody else.
#[pyclass(frozen, module = "booktape._native")]
pub struct SharedFrames {
    format: Format,
    share: Mutex<FrameShare>,
}

#[pymethods]
impl SharedFrames {
    #[new]
    #[pyo3(signature = (format, *, instrument_id=None, ids=""))]
    fn new(format: &str, instrument_id: Option<u32>, ids: &str) -> PyResult<Self> {
        let format = Format::named(format).map_err(to_python)?;
        Ok(Self { format, share: Mutex::new(FrameShare::new(format, instrument_id, ids.into())) })
    }

    /// Where the next frame ends of a client at `position` that may have everything up to `until`.
    fn end_of(&self, position: u64, until: u64) -> u64 {
        FrameShare::end_of(self.format, position, until)
    }

    /// Whether the frame at a position is built without going along the tape first; not while another is being built.
    fn is_there(&self, position: u64) -> bool {
        self.share.try_lock().is_ok_and(|share| share.is_there(position))
    }

    /// The records from a position up to `end` as one frame.
    fn frame<'py>(
        &self,
        py: Python<'py>,
        tape: &Tape,
        position: u64,
        end: u64,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let tape = Arc::clone(&tape.core);
        let bytes = detached(py, None, |watcher| {
            lock(&self.share).frame(&tape, position..end, &mut |done, total| watcher.look(done, total))
        })?;
        framed(bytes.len());
        Ok(PyBytes::new(py, &bytes))
    }
}

/// The top of one book as it moves along a tape.
#[pyclass(frozen, module = "booktape._native")]
pub struct DepthStream {
    depth: Mutex<(Depth, Meter)>,
}

#[pymethods]
impl DepthStream {
    #[new]
    #[pyo3(signature = (
        tape, instrument_id, publisher_id=None, *, start=0, levels=10, view="matched", trades=false, ids=""
    ))]
    #[allow(clippy::too_many_arguments)] // the keyword arguments of a Python constructor
    fn new(
        py: Python<'_>,
        tape: &Tape,
        instrument_id: u32,
        publisher_id: Option<u16>,
        start: u64,
        levels: usize,
        view: &str,
        trades: bool,
        ids: &str,
    ) -> PyResult<Self> {
        let options = DepthOptions { levels, view: view_of(view)?, trades };
        let (tape, ids) = (Arc::clone(&tape.core), ids.into());
        let depth =
            detached(py, None, |_| Depth::new(&tape, instrument_id, publisher_id, start, options, ids))?;
        let meter = Meter::of(depth.market());
        Ok(Self { depth: Mutex::new((depth, meter)) })
    }

    #[getter]
    fn position(&self, py: Python<'_>) -> u64 {
        with_locked(py, &self.depth, |(depth, _)| depth.position())
    }

    /// Moves to a position, or the last event end before it; whether it shows anything else than after the last call.
    fn advance(&self, py: Python<'_>, tape: &Tape, position: u64) -> PyResult<bool> {
        let tape = Arc::clone(&tape.core);
        detached(py, None, |_| {
            let (depth, meter) = &mut *lock(&self.depth);
            let began = Instant::now();
            depth.advance(&tape, position)?;
            meter.batch(depth.market(), began.elapsed());
            Ok(depth.has_changed())
        })
    }

    /// The event of the state as it is, with the trades since a position where they are wanted, and how far these go.
    fn frame<'py>(&self, py: Python<'py>, tape: &Tape, since: u64) -> PyResult<(Bound<'py, PyBytes>, u64)> {
        let tape = Arc::clone(&tape.core);
        let (bytes, until) = detached(py, None, |_| lock(&self.depth).0.frame(&tape, since))?;
        framed(bytes.len());
        Ok((PyBytes::new(py, &bytes), until))
    }
}

impl Drop for DepthStream {
    fn drop(&mut self) {
        let (depth, meter) = &mut *lock(&self.depth);
        meter.settle(depth.market());
    }
}
