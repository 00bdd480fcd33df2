//! A tape's records as a Python buffer, without copying where they are in memory.
//!
//! One of two files with `unsafe`: Python's buffer protocol hands out a pointer, which Rust cannot follow. It is
//! sound because neither a tape nor a copy ever changes, and the view keeps this object, and so the records, alive.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::ops::Range;
use std::sync::Arc;

use booktape_core::Result;
use booktape_core::tape::Tape;
use booktape_core::types::MboRecord;
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use zerocopy::IntoBytes;

/// A stretch of a tape's records as one read-only block of bytes.
#[pyclass(frozen, module = "booktape._native")]
pub struct RecordBuffer {
    records: Stretch,
}

/// The records themselves where they are in memory, otherwise a copy.
enum Stretch {
    InTape(Arc<Tape>, Range<usize>),
    Copied(Vec<MboRecord>),
}

impl RecordBuffer {
    /// The records of a range.
    pub fn new(tape: &Arc<Tape>, range: Range<u64>) -> Result<Self> {
        let records = if tape.in_memory().is_some() {
            Stretch::InTape(Arc::clone(tape), range.start as usize..range.end as usize)
        } else {
            let mut copied = Vec::with_capacity((range.end - range.start) as usize);
            for block in tape.blocks(range) {
                let (_, records) = block?;
                copied.extend_from_slice(&records);
            }
            Stretch::Copied(copied)
        };
        Ok(Self { records })
    }

    fn records(&self) -> &[MboRecord] {
        match &self.records {
            Stretch::InTape(tape, range) => {
                tape.in_memory().and_then(|records| records.get(range.clone())).unwrap_or_default()
            }
            Stretch::Copied(records) => records,
        }
    }
}

#[pymethods]
impl RecordBuffer {
    /// Fills a view of the records.
    ///
    /// # Safety
    /// Called by Python with a view to fill.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("no view to fill"));
        }
        let bytes = slf.get().records().as_bytes();
        // SAFETY: `bytes` lives as long as `slf`, which owns or shares it and never changes it; PyBuffer_FillInfo takes a
        // reference to `slf` that the view gives back, and refuses writable views of a read-only block.
        let filled = unsafe {
            ffi::PyBuffer_FillInfo(
                view,
                slf.as_ptr(),
                bytes.as_ptr().cast::<c_void>().cast_mut(),
                isize::try_from(bytes.len())?,
                1,
                flags,
            )
        };
        if filled == 0 { Ok(()) } else { Err(PyErr::fetch(slf.py())) }
    }
}
