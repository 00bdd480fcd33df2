//! `Tapes`: the tapes of a data folder.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use booktape_core::Error;
use booktape_store::{DataFolder, Found, Kind, Opening, Owner, Tapes as StoreTapes, Upload as StoreUpload};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

use crate::detached::{detached, detached_store, lock};
use crate::live::{LiveTape, settings};
use crate::tape::Tape;

/// The tapes of a data folder, which this process owns for as long as this or one of its live tapes is there.
#[pyclass(frozen, module = "booktape._native")]
pub struct Tapes {
    tapes: Arc<StoreTapes>,
}

/// `id`, `name`, `kind` ("file", "upload", "live"), `created` (ns UTC), path of a file, whether a live tape is closed.
type Row = (String, String, &'static str, u64, Option<PathBuf>, Option<bool>);

impl Tapes {
    /// Those of a folder that this process owns.
    pub fn of(owner: Owner) -> booktape_core::Result<Self> {
        Ok(Self { tapes: Arc::new(StoreTapes::open(owner)?) })
    }
}

#[pymethods]
impl Tapes {
    #[new]
    fn new(py: Python<'_>, data_dir: PathBuf) -> PyResult<Self> {
        detached_store(py, None, |_| Ok(Self::of(DataFolder::new(data_dir).own()?)?))
    }

    /// Every tape, in the order in which they came.
    fn list(&self) -> Vec<Row> {
        let entries = self.tapes.list().into_iter();
        entries
            .map(|entry| {
                let (kind, path, closed) = match entry.kind {
                    Kind::File { path } => ("file", Some(path), None),
                    Kind::Upload { .. } => ("upload", None, None),
                    Kind::Live { closed, .. } => ("live", None, Some(closed)),
                };
                (entry.id, entry.name, kind, entry.created, path, closed)
            })
            .collect()
    }

    /// Registers a file by its path, and opens it.
    #[pyo3(signature = (path, *, in_memory, tolerant=false, max_decompressed=None, progress=None))]
    fn register(
        &self,
        py: Python<'_>,
        path: PathBuf,
        in_memory: u64,
        tolerant: bool,
        max_decompressed: Option<u64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Tape> {
        let opening = Opening { options: Tape::options(tolerant, max_decompressed), in_memory };
        let (_, opened) = detached(py, progress, |watcher| {
            self.tapes.register(&path, opening, &mut |done, total| watcher.look(done, total))
        })?;
        Ok(Tape::opened(self.tapes.data_folder().clone(), opened))
    }

    /// Begins a live tape.
    #[pyo3(signature = (name, *, dataset="", segment_bytes=67_108_864, sync="segment"))]
    fn create_live(
        &self,
        py: Python<'_>,
        name: &str,
        dataset: &str,
        segment_bytes: u64,
        sync: &str,
    ) -> PyResult<LiveTape> {
        let settings = settings(segment_bytes, sync)?;
        detached(py, None, |_| self.tapes.create_live(name, dataset, settings)).map(|live| LiveTape { live })
    }

    /// Opens a tape.
    #[pyo3(signature = (id, *, in_memory, max_decompressed=None, segment_bytes=67_108_864, sync="segment", progress=None))]
    #[allow(clippy::too_many_arguments)] // keyword arguments
    fn open(
        &self,
        py: Python<'_>,
        id: &str,
        in_memory: u64,
        max_decompressed: Option<u64>,
        segment_bytes: u64,
        sync: &str,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let opening = Opening { options: Tape::options(false, max_decompressed), in_memory };
        let settings = settings(segment_bytes, sync)?;
        let found = detached(py, progress, |watcher| {
            self.tapes.open_tape(id, opening, settings, &mut |done, total| watcher.look(done, total))
        })?;
        match found {
            Found::File(opened) => Tape::opened(self.tapes.data_folder().clone(), *opened).into_py_any(py),
            Found::Live(live) => LiveTape { live }.into_py_any(py),
        }
    }

    /// Begins an upload of at most so many bytes.
    #[pyo3(signature = (name, *, limit))]
    fn begin_upload(&self, py: Python<'_>, name: &str, limit: u64) -> PyResult<Upload> {
        let upload = detached(py, None, |_| self.tapes.begin_upload(name, limit))?;
        Ok(Upload { upload: Mutex::new(Some(upload)) })
    }

    /// Refuses a tape that `remove` would refuse.
    fn require_removable(&self, py: Python<'_>, id: &str) -> PyResult<()> {
        detached(py, None, |_| self.tapes.require_removable(id))
    }

    /// Removes a tape, with the files that the data folder owns and no other.
    fn remove(&self, py: Python<'_>, id: &str) -> PyResult<()> {
        detached(py, None, |_| self.tapes.remove(id))
    }
}

/// A file on its way into the data folder; let go before it is finished, it leaves nothing.
#[pyclass(frozen, module = "booktape._native")]
pub struct Upload {
    upload: Mutex<Option<StoreUpload>>,
}

fn over() -> Error {
    Error::Conflict("the upload is over".to_owned())
}

#[pymethods]
impl Upload {
    /// Takes the next bytes. Where that fails the upload is over.
    fn write(&self, py: Python<'_>, data: &[u8]) -> PyResult<()> {
        detached(py, None, |_| {
            let upload = &mut *lock(&self.upload);
            let written = upload.as_mut().ok_or_else(over)?.write(data);
            if written.is_err() {
                *upload = None;
            }
            written
        })
    }

    /// All bytes are there: makes it a tape.
    #[pyo3(signature = (*, in_memory, max_decompressed=None, progress=None))]
    fn finish(
        &self,
        py: Python<'_>,
        in_memory: u64,
        max_decompressed: Option<u64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Tape> {
        let opening = Opening { options: Tape::options(false, max_decompressed), in_memory };
        detached(py, progress, |watcher| {
            let upload = lock(&self.upload).take().ok_or_else(over)?;
            let folder = upload.data_folder().clone();
            let (_, opened) = upload.finish(opening, &mut |done, total| watcher.look(done, total))?;
            Ok(Tape::opened(folder, opened))
        })
    }

    /// Forgets it.
    fn abort(&self, py: Python<'_>) {
        py.detach(|| *lock(&self.upload) = None);
    }
}
