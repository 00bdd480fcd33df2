//! `Rows`: a tape's rows of one schema on their way out, as files, their bytes, batches or an Arrow stream.

mod columns;
mod pieces;
mod stream;

use std::path::PathBuf;
use std::sync::Arc;

use booktape_core::derive::{DeriveOptions, Kind};
use booktape_core::export::{Bytes, Form, Rows as CoreRows, Wanted, What};
use booktape_core::feed::{Pieces as _, Text, write_whole};
use booktape_core::tape::Tape as CoreTape;
use booktape_core::types::Nanos;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use columns::{Prices, Table};
pub use pieces::Pieces;
pub use stream::{Batch, Batches};
use stream::{Source, schema_capsule, stream_capsule};

use crate::detached::detached;
use crate::errors::{parameter, to_python};
use crate::tape::Tape;

/// Which rows of a tape; every use makes them anew.
#[pyclass(frozen, module = "booktape._native")]
pub struct Rows {
    tape: Arc<CoreTape>,
    wanted: Wanted,
    among: Option<Vec<u32>>,
}

impl Rows {
    fn rows(&self) -> PyResult<CoreRows> {
        let rows = CoreRows::new(Arc::clone(&self.tape), self.wanted).map_err(to_python)?;
        Ok(match &self.among {
            Some(instruments) => rows.among(instruments),
            None => rows,
        })
    }

    fn table(&self, prices: &str, symbols: bool) -> PyResult<Table> {
        let prices = match prices {
            "float" => Prices::Float,
            "int" => Prices::Int,
            "decimal" => Prices::Decimal,
            other => return Err(parameter("prices", other, "float, int (units of 1e-9) or decimal")),
        };
        let what = self.wanted.what;
        Ok(Table::new(what.layout(), what.row_size(), prices, symbols))
    }

    fn bytes(&self, form: Form) -> PyResult<Bytes> {
        Ok(Bytes::new(self.rows()?, form))
    }

    /// Writes a file; gives the number of rows.
    fn write(&self, py: Python<'_>, path: PathBuf, form: Form, progress: Option<Py<PyAny>>) -> PyResult<u64> {
        let mut bytes = self.bytes(form)?;
        detached(py, progress, |watcher| {
            write_whole(&path, |out| bytes.write(out, &mut |done, total| watcher.look(done, total)))?;
            Ok(bytes.given())
        })
    }
}

#[pymethods]
impl Rows {
    #[new]
    #[pyo3(signature = (
        tape, schema, *, start=0, stop=None, since=0, instrument_id=None, publisher_id=None, limit=None, dataset=None,
        clear_depth=0, among=None
    ))]
    #[allow(clippy::too_many_arguments)] // each is a word of its own in Python
    fn new(
        tape: &Tape,
        schema: &str,
        start: u64,
        stop: Option<u64>,
        since: u64,
        instrument_id: Option<u32>,
        publisher_id: Option<u16>,
        limit: Option<u64>,
        dataset: Option<&str>,
        clear_depth: u8,
        among: Option<Vec<u32>>,
    ) -> PyResult<Self> {
        let tape = Arc::clone(&tape.core);
        let rules = DeriveOptions::for_dataset(dataset.unwrap_or_else(|| tape.metadata().dataset()));
        let wanted = Wanted {
            what: What::named(schema).map_err(to_python)?,
            options: DeriveOptions { clear_depth, ..rules },
            start,
            stop: stop.unwrap_or(tape.len()),
            since: Nanos(since),
            instrument_id,
            publisher_id,
            limit,
        };
        let rows = Self { tape, wanted, among };
        rows.rows().map(|_| rows)
    }

    #[getter]
    fn schema(&self) -> &'static str {
        self.wanted.what.name()
    }

    #[getter]
    fn row_size(&self) -> usize {
        self.wanted.what.row_size()
    }

    /// (name, numpy's code of the type, offset) of every column.
    fn columns(&self) -> Vec<(&'static str, &'static str, usize)> {
        let columns = self.wanted.what.layout().iter();
        columns
            .map(|column| {
                let code = match column.kind {
                    Kind::U8 | Kind::Flags => "u1",
                    Kind::U16 => "<u2",
                    Kind::U32 => "<u4",
                    Kind::I32 => "<i4",
                    Kind::U64 | Kind::Time => "<u8",
                    Kind::Price => "<i8",
                    Kind::Char => "S1",
                };
                (column.name, code, column.offset)
            })
            .collect()
    }

    #[pyo3(signature = (path, *, progress=None))]
    fn write_dbn(&self, py: Python<'_>, path: PathBuf, progress: Option<Py<PyAny>>) -> PyResult<u64> {
        self.write(py, path, Form::Dbn, progress)
    }

    #[pyo3(signature = (path, *, decimal=true, symbols=true, progress=None))]
    fn write_csv(
        &self,
        py: Python<'_>,
        path: PathBuf,
        decimal: bool,
        symbols: bool,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<u64> {
        self.write(py, path, Form::Text(Text::Csv { is_decimal: decimal }, symbols), progress)
    }

    /// The rows alone, as the bytes of DBN records.
    fn blocks(&self) -> PyResult<Pieces> {
        Ok(Pieces::new(self.bytes(Form::Bare)?, None))
    }

    #[pyo3(signature = (*, compressed=false, progress=None))]
    fn dbn(&self, compressed: bool, progress: Option<Py<PyAny>>) -> PyResult<Pieces> {
        Pieces::of_dbn(self.bytes(Form::Dbn)?, compressed, progress)
    }

    #[pyo3(signature = (*, decimal=true, symbols=true, progress=None))]
    fn csv(&self, decimal: bool, symbols: bool, progress: Option<Py<PyAny>>) -> PyResult<Pieces> {
        let form = Form::Text(Text::Csv { is_decimal: decimal }, symbols);
        Ok(Pieces::new(self.bytes(form)?, progress))
    }

    #[pyo3(signature = (*, symbols=true, progress=None))]
    fn json(&self, symbols: bool, progress: Option<Py<PyAny>>) -> PyResult<Pieces> {
        Ok(Pieces::new(self.bytes(Form::Text(Text::Json, symbols))?, progress))
    }

    #[pyo3(signature = (prices="float", *, symbols=true, progress=None))]
    fn batches(&self, prices: &str, symbols: bool, progress: Option<Py<PyAny>>) -> PyResult<Batches> {
        Ok(Batches::new(Source::new(self.rows()?, self.table(prices, symbols)?), progress))
    }

    #[pyo3(signature = (prices="float", *, symbols=true))]
    fn arrow_schema<'py>(
        &self,
        py: Python<'py>,
        prices: &str,
        symbols: bool,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, self.table(prices, symbols)?.schema())
    }

    #[pyo3(signature = (prices="float", *, symbols=true))]
    fn arrow_stream<'py>(
        &self,
        py: Python<'py>,
        prices: &str,
        symbols: bool,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        stream_capsule(py, Source::new(self.rows()?, self.table(prices, symbols)?))
    }
}
