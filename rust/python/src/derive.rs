//! `derive_rows`.

use booktape_core::derive::{DeriveOptions, Deriver, Schema};
use booktape_core::tape::{Step, Turn};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::detached::detached;
use crate::errors::to_python;
use crate::tape::Tape;

/// All rows of a derived schema, as the bytes of DBN records.
#[pyfunction]
pub fn derive_rows<'py>(py: Python<'py>, tape: &Tape, schema: &str) -> PyResult<Bound<'py, PyBytes>> {
    let schema = Schema::named(schema).map_err(to_python)?;
    let tape = &tape.core;
    let options = DeriveOptions::for_dataset(tape.metadata().dataset());
    let rows = detached(py, None, |watcher| {
        let (mut deriver, mut rows) = (Deriver::new(schema, options), Vec::new());
        tape.walk(0..tape.len(), &mut |done, total| watcher.look(done, total), |step| {
            match step {
                Step::Turn(Turn::Name(instrument_id, symbol)) => deriver.name(*instrument_id, symbol),
                Step::Turn(Turn::Settle(..)) => {}
                Step::Records(_, records) => {
                    for record in records {
                        deriver.apply(record, &mut rows);
                    }
                }
            }
            Ok(())
        })?;
        deriver.finish(&mut rows);
        Ok(rows)
    })?;
    Ok(PyBytes::new(py, &rows))
}
