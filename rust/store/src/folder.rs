//! Where things are in the data folder.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use booktape_core::tape::BlockCache;
use booktape_core::{Error, Result};

/// Blocks of all files that are read by position: one cache, so that one bound holds for the whole process.
static CACHE: LazyLock<Arc<BlockCache>> = LazyLock::new(Arc::default);

/// A data folder: made when something is first written to it.
#[derive(Clone, Debug)]
pub struct DataFolder {
    path: PathBuf,
}

impl DataFolder {
    /// The data folder at a path, which need not exist yet.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    #[allow(clippy::unused_self)] // where the cache lives is nobody else's business
    pub(crate) fn cache(&self) -> &Arc<BlockCache> {
        &CACHE
    }

    /// A folder in it, made if need be.
    pub(crate) fn folder(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// An empty file without a name, gone when it is closed.
    pub(crate) fn spool(&self) -> io::Result<File> {
        tempfile::tempfile_in(self.folder("spool")?)
    }
}

/// Makes sure that the names in a folder survive a loss of power.
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(io_error(path))
}

/// The error of a file that the system refuses.
pub(crate) fn io_error(path: &Path) -> impl Fn(io::Error) -> Error + '_ {
    move |source| Error::Io { path: path.to_owned(), source }
}
