//! Files that appear under their name when they are complete, or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::behind::write_behind;
use crate::error::{Error, Result};

pub(super) const ZSTD_LEVEL: i32 = 3;

/// Where bytes go, and what to call it where that fails.
pub struct Sink<'a> {
    name: &'a Path,
    out: &'a mut dyn Write,
}

impl<'a> Sink<'a> {
    /// Anything that takes bytes; `name` is what errors call it.
    pub fn new(name: &'a Path, out: &'a mut dyn Write) -> Self {
        Self { name, out }
    }

    /// Writes all of the bytes.
    ///
    /// # Errors
    /// [`Error::Io`] naming the sink.
    pub fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(|source| self.failed(source))
    }

    /// Sends on what is held back on the way.
    ///
    /// # Errors
    /// [`Error::Io`] naming the sink.
    pub fn finish(&mut self) -> Result<()> {
        self.out.flush().map_err(|source| self.failed(source))
    }

    /// The error for a write that failed.
    #[must_use]
    pub fn failed(&self, source: io::Error) -> Error {
        Error::Io { path: self.name.to_owned(), source }
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A file in the making: its bytes go to [`Whole::part`], beside it, which takes its name in [`Whole::finish`].
///
/// Dropped before that, it leaves nothing. What is there already but is no plain file, such as a pipe or a device, cannot
/// be replaced so: its part is itself.
#[derive(Debug)]
pub struct Whole {
    path: PathBuf,
    part: PathBuf,
    finished: bool,
}

impl Whole {
    /// Makes the empty part.
    ///
    /// # Errors
    /// [`Error::Io`] naming the path.
    pub fn begin(path: &Path) -> Result<Self> {
        static BEGUN: AtomicU64 = AtomicU64::new(0);
        let io = |source| Error::Io { path: path.to_owned(), source };
        let name = path.file_name().ok_or_else(|| io(io::Error::other("not a file name")))?;
        let is_special = match std::fs::metadata(path) {
            Ok(about) if about.is_dir() => return Err(io(io::ErrorKind::IsADirectory.into())),
            Ok(about) => !about.is_file(),
            Err(_) => false,
        };
        if is_special {
            return Ok(Self { path: path.to_owned(), part: path.to_owned(), finished: false });
        }
        let number = BEGUN.fetch_add(1, Relaxed);
        let name = format!(".{}.{}-{number}.part", name.to_string_lossy(), std::process::id());
        let part = path.with_file_name(name);
        File::create(&part).map_err(io)?;
        Ok(Self { path: path.to_owned(), part, finished: false })
    }

    /// Where the bytes go meanwhile.
    #[must_use]
    pub fn part(&self) -> &Path {
        &self.part
    }

    /// Brings the bytes to the disk and gives them their name.
    ///
    /// # Errors
    /// [`Error::Io`] naming the path; nothing is left then.
    pub fn finish(mut self) -> Result<()> {
        if self.part != self.path {
            let io = |source| Error::Io { path: self.path.clone(), source };
            File::open(&self.part).and_then(|file| file.sync_all()).map_err(io)?;
            std::fs::rename(&self.part, &self.path).map_err(io)?;
        }
        self.finished = true;
        Ok(())
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        if !self.finished && self.part != self.path {
            // Whatever went wrong before is what will be reported; there may be no part any more.
            let _ = std::fs::remove_file(&self.part);
        }
    }
}

/// Writes a file whole or not at all; zstd-compressed where the name ends in `.zst`.
///
/// # Errors
/// [`Error::Io`] naming the path; whatever `work` returns.
pub fn write_whole(path: &Path, work: impl FnOnce(&mut Sink<'_>) -> Result<()>) -> Result<()> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let whole = Whole::begin(path)?;
    let file = File::options().write(true).open(whole.part()).map_err(io)?;
    let work = |out: &mut dyn Write| work(&mut Sink::new(path, out));
    if path.extension().is_some_and(|extension| extension == "zst") {
        let encoder = zstd::stream::write::Encoder::new(file, ZSTD_LEVEL).map_err(io)?;
        write_behind(encoder, io, work)?.finish().map_err(io)?;
    } else {
        write_behind(file, io, work)?;
    }
    whole.finish()
}
