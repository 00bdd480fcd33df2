//! `WholeFile`: a file that others write, under its name when it is complete or not at all.

use std::path::PathBuf;
use std::sync::Mutex;

use booktape_core::feed::Whole;
use pyo3::prelude::*;

use crate::detached::{detached, lock};
use crate::errors::to_python;

/// A context manager: entered, it gives the path to write to; left without an exception, that takes the final name.
#[pyclass(frozen, module = "booktape._native")]
pub struct WholeFile {
    path: PathBuf,
    whole: Mutex<Option<Whole>>,
}

#[pymethods]
impl WholeFile {
    #[new]
    fn new(path: PathBuf) -> Self {
        Self { path, whole: Mutex::new(None) }
    }

    fn __enter__(&self) -> PyResult<PathBuf> {
        let whole = Whole::begin(&self.path).map_err(to_python)?;
        let part = whole.part().to_owned();
        *lock(&self.whole) = Some(whole);
        Ok(part)
    }

    #[pyo3(signature = (raised, value, traceback))]
    fn __exit__(
        &self,
        py: Python<'_>,
        raised: Option<Py<PyAny>>,
        value: Option<Py<PyAny>>,
        traceback: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        drop((value, traceback));
        detached(py, None, |_| match lock(&self.whole).take() {
            Some(whole) if raised.is_none() => whole.finish(),
            // Dropped, it leaves nothing.
            _ => Ok(()),
        })
    }
}
