//! Opening files as tapes: into memory where they fit, by position where not, with their index where there is one.

use std::path::Path;
use std::sync::Arc;

use booktape_core::Result;
use booktape_core::feed::{self, Options, Progress, open_file};
use booktape_core::tape::{ReadAt, Spool, Tape};

use crate::DataFolder;
use crate::folder::io_error;
use crate::index::Identity;

/// An index of fewer records is built faster than anybody notices, and not worth a file.
const WORTH_KEEPING: u64 = 1_000_000;

/// How to open files.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// How to read them.
    pub options: Options,
    /// Bytes of records that each may take in memory; more are read by position.
    pub in_memory: u64,
}

/// A tape, and what is needed to keep its index.
#[derive(Debug)]
pub struct Opened {
    /// The tape.
    pub tape: Tape,
    /// Why an index that was there is not used.
    pub index_refused: Option<String>,
    /// The file, and what its scan said; `None` for several files.
    source: Option<(Identity, Vec<u8>)>,
    /// Records of the index when it was opened.
    indexed: u64,
}

impl DataFolder {
    /// Opens DBN files that follow each other in time as one tape. Progress is in bytes.
    ///
    /// # Errors
    /// Those of [`Tape::open`] and [`Tape::join`], naming the file; whatever `on_progress` returns.
    pub fn open<P: AsRef<Path>>(
        &self,
        paths: &[P],
        opening: Opening,
        on_progress: Progress<'_>,
    ) -> Result<Opened> {
        let size = |path: &P| std::fs::metadata(path).map_or(0, |about| about.len());
        let total = paths.iter().map(size).sum();
        let mut before = 0;
        let mut opened = Vec::with_capacity(paths.len());
        for path in paths {
            let progress = &mut |done, _| on_progress(before + done, total);
            opened.push(self.open_one(path.as_ref(), opening, progress)?);
            before += size(path);
        }
        if opened.len() == 1
            && let Some(only) = opened.pop()
        {
            return Ok(only);
        }
        let refused: Vec<String> = opened.iter_mut().filter_map(|one| one.index_refused.take()).collect();
        let tape = Tape::join(opened.into_iter().map(|one| one.tape).collect())?;
        let index_refused = (!refused.is_empty()).then(|| refused.join("; "));
        Ok(Opened { tape, index_refused, source: None, indexed: 0 })
    }

    fn open_one(&self, path: &Path, opening: Opening, on_progress: Progress<'_>) -> Result<Opened> {
        let (file, about) = open_file(path)?;
        let file = Arc::new(file);
        let Opening { options, in_memory } = opening;
        // A pipe has neither size nor places, and comes only once.
        let identity =
            about.is_file().then(|| Identity::of(&file, &about)).transpose().map_err(io_error(path))?;
        let (found, index_refused) = match identity.map(|identity| self.find_index(identity)).transpose() {
            Ok(found) => (found.flatten(), None),
            Err(why) => (None, Some(format!("{}: its index is built again: {why}", path.display()))),
        };
        let name = path.to_string_lossy();
        let by_position = about.len() > in_memory && !is_zstd(file.as_ref());
        let (tape, source) = if by_position {
            let (scan, keyframes) = match found {
                Some(found) => (found.scan, Some(found.keyframes)),
                None => (None, None),
            };
            // What a tolerant reading left behind depends on the reading.
            let scan = match scan.filter(|scan| scan.left.is_none()) {
                Some(scan) => scan,
                None => Tape::scan(file.as_ref(), &name, about.len(), options, on_progress)?,
            };
            let encoded = if scan.left.is_none() { scan.encode() } else { Vec::new() };
            let tape = Tape::from_file(scan, &name, file, self.cache())?;
            let tape = match keyframes {
                Some(keyframes) => tape.with_keyframes(keyframes),
                None => tape,
            };
            (tape, encoded)
        } else {
            let make = || self.spool();
            let spool = Spool { in_memory, file: &make, cache: self.cache() };
            let tape = Tape::read(file.as_ref(), &name, about.len(), options, Some(&spool), on_progress)?;
            let tape = match found {
                Some(found) if tape.left().is_none() => tape.with_keyframes(found.keyframes),
                _ => tape,
            };
            (tape, Vec::new())
        };
        let indexed = tape.keyframes().size().records;
        let source = identity.filter(|_| tape.left().is_none()).map(|identity| (identity, source));
        Ok(Opened { tape, index_refused, source, indexed })
    }

    /// Keeps the index of an opened tape beside it, if it is of one file, worth it, and not kept yet.
    ///
    /// # Errors
    /// [`booktape_core::Error::Io`] where the folder cannot be written.
    pub fn keep(&self, opened: &Opened) -> Result<bool> {
        let records = opened.tape.keyframes().size().records;
        let is_whole = records == opened.tape.len() && records >= WORTH_KEEPING;
        let is_new = records > opened.indexed || opened.tape.keyframes().rebuilt().is_some();
        match &opened.source {
            Some((identity, scan)) if is_whole && is_new => {
                self.keep_index(*identity, &opened.tape, scan).map(|()| true)
            }
            _ => Ok(false),
        }
    }
}

/// Whether a file is compressed: then it is never read by position.
fn is_zstd(file: &impl ReadAt) -> bool {
    let mut magic = [0; 4];
    file.read_exact_at(&mut magic, 0).is_ok() && feed::is_zstd(&magic)
}
