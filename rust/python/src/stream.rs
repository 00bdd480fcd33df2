//! `RecordStream`, `SharedFrames`, `DepthStream`: frames for streams.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use booktape_core::tape::Tape as CoreTape;
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
    tape: Arc<CoreTape>,
    format: Format,
    frames: Mutex<(Frames, Meter)>,
}

#[pymethods]
impl RecordStream {
    #[new]
    #[pyo3(signature = (tape, format, *, start=0, instrument_id=None))]
    fn new(tape: &Tape, format: &str, start: u64, instrument_id: Option<u32>) -> PyResult<Self> {
        let tape = Arc::clone(&tape.core);
        let format = Format::named(format).map_err(to_python)?;
        let frames = Frames::new(&tape, format, start, instrument_id).map_err(to_python)?;
        Ok(Self { tape, format, frames: Mutex::new((frames, Meter::default())) })
    }

    #[getter]
    fn position(&self, py: Python<'_>) -> u64 {
        with_locked(py, &self.frames, |(frames, _)| frames.position())
    }

    /// Frames of the records from the position on, up to `until` or `max_records`; moves on.
    #[pyo3(signature = (until, max_records=1024))]
    fn next<'py>(&self, py: Python<'py>, until: u64, max_records: u64) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = detached(py, None, |watcher| {
            let (frames, meter) = &mut *lock(&self.frames);
            let until = until.min(frames.position().saturating_add(max_records));
            let began = Instant::now();
            let bytes = frames.next(&self.tape, until, &mut |done, total| watcher.look(done, total));
            meter.batch(frames.market(), began.elapsed());
            bytes
        })?;
        framed(bytes.len());
        Ok(PyBytes::new(py, &bytes))
    }

    /// What comes first: the metadata for `dbn`.
    fn prelude<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, if self.format == Format::Dbn { self.tape.metadata().raw() } else { b"" })
    }
}

impl Drop for RecordStream {
    fn drop(&mut self) {
        let (frames, meter) = &mut *lock(&self.frames);
        meter.settle(frames.market());
    }
}

/// Frames that all clients of a tape share.
#[pyclass(frozen, module = "booktape._native")]
pub struct SharedFrames {
    tape: Arc<CoreTape>,
    share: Mutex<FrameShare>,
    cache: Mutex<Cache>,
}

/// The latest frames as Python objects, up to a number of bytes.
struct Cache {
    limit: usize,
    bytes: usize,
    frames: VecDeque<(u64, Py<PyBytes>, usize)>,
}

impl Cache {
    fn find(&self, py: Python<'_>, position: u64) -> Option<Py<PyBytes>> {
        self.frames
            .iter()
            .rev()
            .find(|(start, ..)| *start == position)
            .map(|(_, frame, _)| frame.clone_ref(py))
    }

    fn keep(&mut self, position: u64, frame: Py<PyBytes>, size: usize) {
        self.bytes += size;
        self.frames.push_back((position, frame, size));
        while self.bytes > self.limit
            && let Some((_, _, size)) = self.frames.pop_front()
        {
            self.bytes -= size;
        }
    }
}

#[pymethods]
impl SharedFrames {
    #[new]
    #[pyo3(signature = (tape, format, *, instrument_id=None, cache_bytes=33_554_432))]
    fn new(tape: &Tape, format: &str, instrument_id: Option<u32>, cache_bytes: usize) -> PyResult<Self> {
        let format = Format::named(format).map_err(to_python)?;
        Ok(Self {
            tape: Arc::clone(&tape.core),
            share: Mutex::new(FrameShare::new(format, instrument_id)),
            cache: Mutex::new(Cache { limit: cache_bytes, bytes: 0, frames: VecDeque::new() }),
        })
    }

    /// The frame at a position and the position after it, if it is at hand.
    fn cached(&self, py: Python<'_>, position: u64) -> Option<(Py<PyBytes>, u64)> {
        let frame = with_locked(py, &self.cache, |cache| Python::attach(|py| cache.find(py, position)))?;
        Some((frame, FrameShare::end_of(&self.tape, position)))
    }

    /// The same, built if need be.
    fn frame(&self, py: Python<'_>, position: u64) -> PyResult<(Py<PyBytes>, u64)> {
        if let Some(found) = self.cached(py, position) {
            return Ok(found);
        }
        let bytes = detached(py, None, |watcher| {
            lock(&self.share).frame(&self.tape, position, &mut |done, total| watcher.look(done, total))
        })?;
        framed(bytes.len());
        let frame = PyBytes::new(py, &bytes).unbind();
        if FrameShare::is_shared(position) {
            with_locked(py, &self.cache, |cache| {
                Python::attach(|py| cache.keep(position, frame.clone_ref(py), bytes.len()));
            });
        }
        Ok((frame, FrameShare::end_of(&self.tape, position)))
    }
}

/// The top of one book as it moves along a tape.
#[pyclass(frozen, module = "booktape._native")]
pub struct DepthStream {
    tape: Arc<CoreTape>,
    depth: Mutex<(Depth, Meter)>,
}

#[pymethods]
impl DepthStream {
    #[new]
    #[pyo3(signature = (tape, instrument_id, publisher_id=None, *, start=0, levels=10, view="matched", trades=false))]
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
    ) -> PyResult<Self> {
        let options = DepthOptions { levels, view: view_of(view)?, trades };
        let tape = Arc::clone(&tape.core);
        let depth = detached(py, None, |_| Depth::new(&tape, instrument_id, publisher_id, start, options))?;
        let meter = Meter::of(depth.market());
        Ok(Self { tape, depth: Mutex::new((depth, meter)) })
    }

    #[getter]
    fn position(&self, py: Python<'_>) -> u64 {
        with_locked(py, &self.depth, |(depth, _)| depth.position())
    }

    /// Moves to a position; the event if what it shows changed.
    fn advance<'py>(&self, py: Python<'py>, position: u64) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let frame = detached(py, None, |_| {
            let (depth, meter) = &mut *lock(&self.depth);
            let began = Instant::now();
            depth.advance(&self.tape, position)?;
            meter.batch(depth.market(), began.elapsed());
            Ok(depth.changed_frame(&self.tape))
        })?;
        framed(frame.as_ref().map_or(0, Vec::len));
        Ok(frame.map(|bytes| PyBytes::new(py, &bytes)))
    }

    /// The event of the state as it is.
    fn frame<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes = with_locked(py, &self.depth, |(depth, _)| depth.frame(&self.tape));
        framed(bytes.len());
        PyBytes::new(py, &bytes)
    }
}

impl Drop for DepthStream {
    fn drop(&mut self) {
        let (depth, meter) = &mut *lock(&self.depth);
        meter.settle(depth.market());
    }
}
