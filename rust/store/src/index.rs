//! Indexes of moments as files: found by what identifies the tape's file, so that one of another file is never taken.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use booktape_core::Result;
use booktape_core::feed::write_whole;
use booktape_core::tape::{Keyframes, ReadAt, Scan, StoredError, Tape};
use xxhash_rust::xxh3::Xxh3;
use zerocopy::IntoBytes;

use crate::DataFolder;

/// Bytes hashed at each of the places sampled.
const SAMPLE: u64 = 4_096;
/// Places sampled, evenly from the first byte to the last.
const SAMPLES: u64 = 64;
/// Index files kept; those not used for longest go first.
const KEPT: usize = 64;

/// What tells a file from any other, and from itself before it changed: size, time of its last change, and a hash of
/// samples, since hashing gigabytes would take longer than opening them should.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Identity(u64);

impl Identity {
    pub(crate) fn of(file: &File, about: &fs::Metadata) -> io::Result<Self> {
        let changed = about.modified()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut hasher = Xxh3::new();
        hasher.update([about.len(), changed.as_nanos() as u64].as_bytes());
        let mut bytes = vec![0; SAMPLE.min(about.len()) as usize];
        let last = about.len().saturating_sub(SAMPLE);
        for place in 0..SAMPLES {
            let offset = (u128::from(last) * u128::from(place) / u128::from(SAMPLES - 1)) as u64;
            file.read_exact_at(&mut bytes, offset)?;
            hasher.update(&bytes);
        }
        Ok(Self(hasher.digest()))
    }
}

/// What an index file held.
pub(crate) struct Found {
    pub keyframes: Keyframes,
    /// The scan of a plain file; `None` for the index of a file that is read into memory.
    pub scan: Option<Scan>,
}

impl DataFolder {
    fn index_path(&self, identity: Identity) -> PathBuf {
        self.path().join("indexes").join(format!("{:016x}.index", identity.0))
    }

    /// The index of a file, if there is one; `Err` says why what is there cannot be used.
    pub(crate) fn find_index(&self, identity: Identity) -> std::result::Result<Option<Found>, StoredError> {
        let path = self.index_path(identity);
        let file = match File::options().read(true).open(path) {
            Ok(file) => file,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let size = file.metadata()?.len();
        // Used now: it stays longer. A folder that may only be read is no reason not to.
        let _ = file.set_modified(SystemTime::now());
        let (keyframes, about) = Keyframes::load(Arc::new(file), size, identity.0)?;
        let scan = if about.is_empty() {
            None
        } else {
            Some(Scan::decode(&about).ok_or(StoredError::Damaged("what it says of the file"))?)
        };
        Ok(Some(Found { keyframes, scan }))
    }

    /// Keeps the index of a file, whole or not at all.
    pub(crate) fn keep_index(&self, identity: Identity, tape: &Tape, scan: &[u8]) -> Result<()> {
        let path = self.index_path(identity);
        let folder = self.folder("indexes").map_err(crate::folder::io_error(&path))?;
        write_whole(&path, |out| tape.keyframes().store(identity.0, scan, out))?;
        // An index too many costs room, nothing else.
        let _ = remove_oldest(&folder, KEPT);
        Ok(())
    }
}

/// Removes the files of a folder that were not used for longest, all but so many.
fn remove_oldest(folder: &Path, kept: usize) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|extension| extension == "index") {
            files.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    files.sort();
    let surplus = files.len().saturating_sub(kept);
    files.into_iter().take(surplus).try_for_each(|(_, path)| fs::remove_file(path))
}
