//! `Rows`: a tape's rows of one schema on their way out, as files, batches, an Arrow stream or plain blocks.

mod columns;
mod stream;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use booktape_core::derive::{DeriveOptions, Kind};
use booktape_core::export::{Rows as CoreRows, Wanted, What, write_csv, write_dbn};
use booktape_core::feed::{Progress, Sink, write_whole};
use booktape_core::tape::Tape as CoreTape;
use booktape_core::types::Nanos;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule};

use columns::{Prices, Table};
pub use stream::{Batch, Batches};
use stream::{Source, schema_capsule, stream_capsule};

use crate::detached::{detached, lock};
use crate::errors::{parameter, to_python};
use crate::tape::Tape;

/// Which rows of a tape; every use makes them anew.
#[pyclass(frozen, module = "booktape._native")]
pub struct Rows {
    tape: Arc<CoreTape>,
    wanted: Wanted,
}

impl Rows {
    fn rows(&self) -> PyResult<CoreRows> {
        CoreRows::new(Arc::clone(&self.tape), self.wanted).map_err(to_python)
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

    /// Writes a file, or to standard output where there is no path; gives the number of rows.
    fn write(
        &self,
        py: Python<'_>,
        path: Option<PathBuf>,
        progress: Option<Py<PyAny>>,
        work: impl FnOnce(&mut CoreRows, &mut Sink<'_>, Progress<'_>) -> booktape_core::Result<()> + Send,
    ) -> PyResult<u64> {
        let mut rows = self.rows()?;
        detached(py, progress, |watcher| {
            let mut look = |done, total| watcher.look(done, total);
            if let Some(path) = path {
                write_whole(&path, |out| work(&mut rows, out, &mut look))?;
            } else {
                let mut out = std::io::stdout().lock();
                let mut out = Sink::new(Path::new("standard output"), &mut out);
                work(&mut rows, &mut out, &mut look)?;
                out.finish()?;
            }
            Ok(rows.given())
        })
    }
}

#[pymethods]
impl Rows {
    #[new]
    #[pyo3(signature = (
        tape, schema, *, start=0, stop=None, since=0, instrument_id=None, publisher_id=None, dataset=None, clear_depth=0
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
        dataset: Option<&str>,
        clear_depth: u8,
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
        };
        let rows = Self { tape, wanted };
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
    fn write_dbn(&self, py: Python<'_>, path: Option<PathBuf>, progress: Option<Py<PyAny>>) -> PyResult<u64> {
        self.write(py, path, progress, write_dbn)
    }

    #[pyo3(signature = (path, *, decimal=true, symbols=true, progress=None))]
    fn write_csv(
        &self,
        py: Python<'_>,
        path: Option<PathBuf>,
        decimal: bool,
        symbols: bool,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<u64> {
        self.write(py, path, progress, |rows, out, look| write_csv(rows, out, decimal, symbols, look))
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

    fn blocks(&self) -> PyResult<Blocks> {
        Ok(Blocks { rows: Mutex::new(self.rows()?) })
    }
}

/// The bytes of rows, a few thousand at a time.
#[pyclass(frozen, module = "booktape._native")]
pub struct Blocks {
    rows: Mutex<CoreRows>,
}

#[pymethods]
impl Blocks {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let block = detached(py, None, |watcher| {
            let mut block = Vec::new();
            let any = lock(&self.rows).fill(&mut block, &mut |done, total| watcher.look(done, total))?;
            Ok(any.then_some(block))
        })?;
        Ok(block.map(|block| PyBytes::new(py, &block)))
    }
}
