//! Batches of rows, for Python one by one and for others as an Arrow stream.

use std::sync::{Arc, Mutex};

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{Array, RecordBatch, RecordBatchReader, StructArray};
use arrow_schema::{ArrowError, SchemaRef};
use booktape_core::export::Rows;
use booktape_core::{Error, Result};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use super::columns::Table;
use crate::detached::{Watcher, detached, lock};

const ROWS_A_BATCH: usize = 65_536;
/// Fewer of wide rows, so that a writer is never busy with a batch for longer than Ctrl-C may take.
const BYTES_A_BATCH: usize = 8 << 20;

/// Rows as they become columns.
pub struct Source {
    rows: Rows,
    table: Table,
    block: Vec<u8>,
    /// Rows were lost on the way: whoever asks on is told again.
    is_broken: bool,
}

impl Source {
    pub fn new(rows: Rows, table: Table) -> Self {
        Self { rows, table, block: Vec::new(), is_broken: false }
    }

    fn next(&mut self, watcher: &mut Watcher) -> Result<Option<RecordBatch>> {
        if self.is_broken {
            return Err(Error::Interrupted);
        }
        let made = self.make(watcher);
        self.is_broken = made.is_err();
        made
    }

    fn make(&mut self, watcher: &mut Watcher) -> Result<Option<RecordBatch>> {
        let enough = ROWS_A_BATCH.min(BYTES_A_BATCH / self.rows.what().row_size());
        let mut batch = self.table.batch(enough);
        while batch.len() < enough {
            if !self.rows.fill(&mut self.block, &mut |done, total| watcher.look(done, total))? {
                break;
            }
            batch.add(&self.block, |row| self.rows.symbol(row));
        }
        if batch.len() == 0 {
            return Ok(None);
        }
        batch.finish().map(Some).map_err(|why| Error::Invariant(format!("columns fit their schema: {why}")))
    }
}

/// The same for a consumer that knows nothing of Python.
struct Reader(Source);

impl Iterator for Reader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let failed = |what: String| ArrowError::ExternalError(what.replace('\0', " ").into());
        let made = Python::try_attach(|py| {
            detached(py, None, |watcher| self.0.next(watcher)).map_err(|raised| failed(raised.to_string()))
        });
        made.unwrap_or_else(|| Err(failed("Python has ended".to_owned()))).transpose()
    }
}

impl RecordBatchReader for Reader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.0.table.schema())
    }
}

/// The stream as the capsule that the protocol wants.
pub fn stream_capsule(py: Python<'_>, source: Source) -> PyResult<Bound<'_, PyCapsule>> {
    let stream = FFI_ArrowArrayStream::new(Box::new(Reader(source)));
    PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
}

/// The columns as the capsule that the protocol wants.
pub fn schema_capsule<'py>(py: Python<'py>, schema: &SchemaRef) -> PyResult<Bound<'py, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(schema.as_ref()).map_err(broken)?;
    PyCapsule::new_with_value(py, schema, c"arrow_schema")
}

fn broken(why: ArrowError) -> PyErr {
    crate::errors::to_python(Error::Invariant(why.to_string()))
}

/// Batches of some 65,536 rows, or fewer of wide ones.
#[pyclass(frozen, module = "booktape._native")]
pub struct Batches {
    source: Mutex<Source>,
    progress: Option<Py<PyAny>>,
}

impl Batches {
    pub fn new(source: Source, progress: Option<Py<PyAny>>) -> Self {
        Self { source: Mutex::new(source), progress }
    }
}

#[pymethods]
impl Batches {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Batch>> {
        let progress = self.progress.as_ref().map(|progress| progress.clone_ref(py));
        let made = detached(py, progress, |watcher| {
            let mut source = lock(&self.source);
            let made = source.next(watcher)?;
            // Batches are quick, and a bar should move with each.
            let (done, total) = source.rows.progress();
            watcher.tell(done, total)?;
            Ok(made)
        })?;
        Ok(made.map(|batch| Batch { batch }))
    }
}

/// Rows as Arrow columns.
#[pyclass(frozen, module = "booktape._native")]
pub struct Batch {
    batch: RecordBatch,
}

#[pymethods]
impl Batch {
    fn __len__(&self) -> usize {
        self.batch.num_rows()
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Py<PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        // The protocol lets a producer give what it has.
        drop(requested_schema);
        let schema = schema_capsule(py, &self.batch.schema())?;
        let array = FFI_ArrowArray::new(&StructArray::from(self.batch.clone()).to_data());
        Ok((schema, PyCapsule::new_with_value(py, array, c"arrow_array")?))
    }
}
