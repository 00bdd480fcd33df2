//! Uploads: bytes that become a tape of the data folder when all of them are there and can be read.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use booktape_core::feed::Progress;
use booktape_core::{Error, Result};
use tempfile::TempDir;

use super::Tapes;
use super::entry::{Entry, Kind};
use crate::folder::io_error;
use crate::{DataFolder, Opened, Opening};

/// Folders of uploads in `spool/` begin so.
const PREFIX: &str = "upload-";
/// Bytes of a name; a file system takes 255.
const LONGEST_NAME: usize = 200;

/// A file on its way into the data folder. Dropped before it is finished, it leaves nothing.
#[derive(Debug)]
pub struct Upload {
    tapes: Arc<Tapes>,
    name: String,
    /// Holds the file, under its name.
    folder: TempDir,
    file: File,
    bytes: u64,
    limit: u64,
}

impl Tapes {
    /// Begins an upload of at most so many bytes. The name is that of a DBN file, without a folder.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a name that is none; [`Error::Io`] where the data folder cannot be written.
    pub fn begin_upload(self: &Arc<Self>, name: &str, limit: u64) -> Result<Upload> {
        let is_name = name.strip_suffix(".zst").unwrap_or(name).strip_suffix(".dbn").is_some()
            && name.len() <= LONGEST_NAME
            && !name.starts_with('.')
            && !name.contains(['/', '\\', '\0']);
        if !is_name {
            return Err(Error::Parameter {
                name: "name",
                value: format!("{name:?}"),
                expected: format!(
                    "a file's name that ends in .dbn or .dbn.zst, of at most {LONGEST_NAME} bytes, without a folder"
                ),
            });
        }
        let spool = spool(self.data_folder())?;
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&spool).map_err(io_error(&spool))?;
        let path = folder.path().join(name);
        let file = File::create(&path).map_err(io_error(&path))?;
        Ok(Upload { tapes: Arc::clone(self), name: name.to_owned(), folder, file, bytes: 0, limit })
    }
}

impl Upload {
    fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    /// The data folder.
    #[must_use]
    pub fn data_folder(&self) -> &DataFolder {
        self.tapes.data_folder()
    }

    /// Bytes so far.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`Error::Parameter`] for more bytes than allowed, [`Error::Io`] where they cannot be written: the upload is of no use
    /// any more.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes += bytes.len() as u64;
        if self.bytes > self.limit {
            return Err(Error::Parameter {
                name: "upload",
                value: format!("more than {} bytes", self.limit),
                expected: format!("a file of at most {} bytes", self.limit),
            });
        }
        self.file.write_all(bytes).map_err(io_error(&self.path()))
    }

    /// All bytes are there: opens the file, and makes it a tape. What is a tape already stays the one it is.
    ///
    /// # Errors
    /// Those of [`DataFolder::open`]; [`Error::Io`] where the data folder cannot be written. Nothing is left then.
    pub fn finish(self, opening: Opening, on_progress: Progress<'_>) -> Result<(Entry, Opened)> {
        let path = self.path();
        self.file.sync_all().map_err(io_error(&path))?;
        let opened = self.tapes.data_folder().open(&[&path], opening, on_progress)?;
        let id = opened.tape.id();
        let mut state = self.tapes.state();
        let known = state.entries.get(&id).cloned();
        let upload = Kind::Upload { file: self.name.clone() };
        let entry = match known {
            // Registered by a path where it is no more: it is here from now on.
            Some(mut known) if matches!(&known.kind, Kind::File { path } if !path.exists()) => {
                let folder = self.tapes.folder.join(&id);
                fs::rename(&path, folder.join(&self.name)).map_err(io_error(&path))?;
                known.kind = upload;
                known.write(&folder)?;
                state.entries.insert(id, known.clone());
                known
            }
            Some(known) => known,
            None => self.tapes.add(&mut state, id, opened.tape.name().to_owned(), upload, |folder| {
                fs::rename(&path, folder.join(&self.name)).map_err(io_error(&path))
            })?,
        };
        drop(state);
        Ok((entry, opened))
    }
}

fn spool(folder: &DataFolder) -> Result<PathBuf> {
    folder.folder("spool").map_err(io_error(folder.path()))
}

/// Removes uploads that were not finished when a process ended.
pub(super) fn clear(folder: &DataFolder) -> Result<()> {
    let spool = spool(folder)?;
    for found in fs::read_dir(&spool).map_err(io_error(&spool))? {
        let found = found.map_err(io_error(&spool))?;
        if found.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            let path = found.path();
            fs::remove_dir_all(&path).map_err(io_error(&path))?;
        }
    }
    Ok(())
}
