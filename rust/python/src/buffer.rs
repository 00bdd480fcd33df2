//! A tape's records as a Python buffer, without copying.
//!
//! This is the only file with `unsafe`: Python's buffer protocol hands out a pointer, which Rust cannot follow. It is
//! sound because a tape never changes and the view keeps this object, and so the tape, alive.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::sync::Arc;

use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use zerocopy::IntoBytes;

/// A tape's records as one read-only block of bytes.
#[pyclass(frozen, module = "booktape._native")]
pub struct RecordBuffer {
    pub tape: Arc<booktape_core::tape::Tape>,
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
        let bytes = slf.get().tape.records().as_bytes();
        // SAFETY: `bytes` lives as long as the tape, which `slf` owns; PyBuffer_FillInfo takes a reference to `slf` that
        // the view gives back, and refuses writable views of a read-only block.
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
