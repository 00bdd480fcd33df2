//! `Pieces`: the bytes of a file as an iterator, for whoever sends them on.

use std::sync::Mutex;

use booktape_core::Error;
use booktape_core::feed::{Compressed, Pieces as CorePieces};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::detached::{detached, lock};
use crate::errors::to_python;

/// Bytes in the making.
#[pyclass(frozen, module = "booktape._native")]
pub struct Pieces {
    /// None after an error: bytes are missing, and whoever asks on is told again.
    pieces: Mutex<Option<Box<dyn CorePieces + Send>>>,
    progress: Option<Py<PyAny>>,
}

impl Pieces {
    pub fn new(pieces: impl CorePieces + Send + 'static, progress: Option<Py<PyAny>>) -> Self {
        Self { pieces: Mutex::new(Some(Box::new(pieces))), progress }
    }

    /// Of a DBN file, compressed with zstd if wanted.
    pub fn of_dbn(
        pieces: impl CorePieces + Send + 'static,
        compressed: bool,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        if compressed {
            let pieces = Compressed::new(pieces).map_err(to_python)?;
            return Ok(Self::new(pieces, progress));
        }
        Ok(Self::new(pieces, progress))
    }
}

#[pymethods]
impl Pieces {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let progress = self.progress.as_ref().map(|progress| progress.clone_ref(py));
        let piece = detached(py, progress, |watcher| {
            let mut held = lock(&self.pieces);
            let mut pieces = held.take().ok_or(Error::Interrupted)?;
            let mut piece = Vec::new();
            let any = pieces.next(&mut piece, &mut |done, total| watcher.look(done, total))?;
            *held = Some(pieces);
            Ok(any.then_some(piece))
        })?;
        Ok(piece.map(|piece| PyBytes::new(py, &piece)))
    }
}
