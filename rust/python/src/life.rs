//! The life of an order.

use booktape_core::tape::{Every, PathRow};
use booktape_core::types::BookKey;
use booktape_core::wire;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::detached::detached;
use crate::tape::Tape;

/// Bytes of a row of [`order_path`].
const ROW: usize = 28;

/// All that a tape tells of an order, as JSON.
#[pyfunction]
#[pyo3(signature = (tape, order_id, instrument_id=None, publisher_id=None, *, progress=None))]
pub fn order_life<'py>(
    py: Python<'py>,
    tape: &Tape,
    order_id: u64,
    instrument_id: Option<u32>,
    publisher_id: Option<u16>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyBytes>> {
    let json = detached(py, progress, |watcher| {
        let mut look = |done, total| watcher.look(done, total);
        let life = tape.core.order(order_id, instrument_id, publisher_id, &mut look)?;
        wire::order_life(&tape.core, &life)
    })?;
    Ok(PyBytes::new(py, &json))
}

/// Each moment of records [start, stop) at which what is ahead of an order changed.
#[pyfunction]
#[pyo3(signature = (
    tape, order_id, instrument_id, publisher_id, start, stop, *, every_record=false, limit, progress=None
))]
#[allow(clippy::too_many_arguments)] // one for each of Python's
pub fn order_path<'py>(
    py: Python<'py>,
    tape: &Tape,
    order_id: u64,
    instrument_id: u32,
    publisher_id: u16,
    start: u64,
    stop: u64,
    every_record: bool,
    limit: usize,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyBytes>> {
    let key = BookKey { publisher_id, instrument_id };
    let every = if every_record { Every::Record } else { Every::Event };
    let rows = detached(py, progress, |watcher| {
        let mut look = |done, total| watcher.look(done, total);
        let path = tape.core.order_path(order_id, key, start..stop, every, limit, &mut look)?;
        let mut rows = Vec::with_capacity(ROW * path.len());
        for PathRow { index, ts_recv, orders_ahead, size_ahead } in path {
            rows.extend_from_slice(&index.to_le_bytes());
            rows.extend_from_slice(&ts_recv.to_le_bytes());
            rows.extend_from_slice(&orders_ahead.to_le_bytes());
            rows.extend_from_slice(&size_ahead.to_le_bytes());
        }
        Ok(rows)
    })?;
    Ok(PyBytes::new(py, &rows))
}
