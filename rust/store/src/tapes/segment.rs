//! Segments of a live tape: plain DBN files, each named by the index of its first record.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use booktape_core::error::Fault;
use booktape_core::feed::{Metadata, Options, Piece, write_whole};
use booktape_core::tape::{Segment, Survey};
use booktape_core::{Error, Result};

use super::files;
use super::finished::{self, Finished, is_cut_in_metadata};
use crate::folder::io_error;

/// A segment's name begins with the index in so many digits, so that names sort as the records do.
pub(super) const DIGITS: usize = 20;

/// A segment as the folder shows it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Place {
    /// Index of its first record.
    pub first: u64,
    /// Sessions without a record leave segments that begin at the same index.
    number: u32,
    pub path: PathBuf,
}

/// The segments in a folder, in order.
pub(super) fn places(folder: &Path) -> Result<Vec<Place>> {
    let io = io_error(folder);
    let mut places = Vec::new();
    for entry in fs::read_dir(folder).map_err(&io)? {
        places.extend(Place::of(entry.map_err(&io)?.path()));
    }
    places.sort();
    Ok(places)
}

impl Place {
    fn of(path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_suffix(".dbn")?;
        let (first, number) = name.split_once('-').unwrap_or((name, "0"));
        let first = (first.len() == DIGITS).then(|| first.parse().ok()).flatten()?;
        Some(Self { first, number: number.parse().ok()?, path })
    }

    /// The first place for a segment that begins at an index.
    fn free(folder: &Path, first: u64) -> PathBuf {
        let name = |number: u32| match number {
            0 => folder.join(format!("{first:0DIGITS$}.dbn")),
            _ => folder.join(format!("{first:0DIGITS$}-{number:04}.dbn")),
        };
        (0..u32::MAX).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(u32::MAX))
    }
}

/// The segment that is written.
#[derive(Debug)]
pub(super) struct Writing {
    path: PathBuf,
    file: Arc<File>,
    /// Where what was published ends.
    end: u64,
    /// Where what was written ends: ahead of `end` only within an append.
    written: u64,
    /// Bytes of a write that failed may lie behind `end`.
    littered: bool,
    survey: Survey,
}

impl Writing {
    /// A segment without records. Its name need not be on the disk yet.
    pub fn create(folder: &Path, first: u64, metadata: &Metadata) -> Result<Self> {
        let path = Place::free(folder, first);
        let options = File::options().read(true).write(true).create_new(true).clone();
        let file = options.open(&path).map_err(io_error(&path))?;
        if let Err(error) = file.write_all_at(metadata.raw(), 0).map_err(io_error(&path)) {
            // If it stays it is removed when the tape is opened.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        let end = metadata.raw().len() as u64;
        let survey = Survey::new(metadata.clone());
        Ok(Self { path, file: Arc::new(file), end, written: end, littered: false, survey })
    }

    /// The last segment of a folder, to go on with, and what was cut off behind its last whole record. Nothing where not even
    /// its metadata are whole: then it is gone.
    pub fn reopen(path: &Path) -> Result<(Option<Self>, Option<String>)> {
        let io = io_error(path);
        let file = File::options().read(true).write(true).open(path).map_err(&io)?;
        let size = file.metadata().map_err(&io)?.len();
        let name = path.to_string_lossy();
        let options = Options { tolerant: true, ..Options::default() };
        let (survey, contents) = match Survey::read(&file, &name, size, options, &mut |_, _| Ok(())) {
            Ok(read) => read,
            Err(_) if is_cut_in_metadata(path)? => {
                fs::remove_file(path).map_err(&io)?;
                let said = format!("{name}: removed, it had {size} bytes of its metadata and no record");
                return Ok((None, Some(said)));
            }
            Err(error) => return Err(error),
        };
        let end = contents.end;
        let cut = match contents.left {
            Some(fault) => Some(cut_off(path, &file, end, size, &fault)?),
            None => None,
        };
        finished::reopened(path)?;
        let file = Arc::new(file);
        Ok((Some(Self { path: path.to_owned(), file, end, written: end, littered: false, survey }), cut))
    }

    pub const fn metadata(&self) -> &Metadata {
        self.survey.metadata()
    }

    pub const fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Whether there is no record in it, and no room for so many bytes.
    pub fn is_full(&self, bytes: usize, limit: u64) -> bool {
        !self.survey.is_empty() && self.written + bytes as u64 > limit
    }

    /// Writes whole records behind what was written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if self.littered {
            self.undo()?;
        }
        self.littered = true;
        self.file.write_all_at(bytes, self.written).map_err(io_error(&self.path))?;
        self.littered = false;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Forgets what was written and not published.
    pub fn undo(&mut self) -> Result<()> {
        self.littered = true;
        self.file.set_len(self.end).map_err(io_error(&self.path))?;
        (self.written, self.littered) = (self.end, false);
        Ok(())
    }

    /// What was written is published.
    pub fn publish(&mut self, piece: &Piece, bytes: u64) {
        self.survey.see(piece);
        self.end += bytes;
    }

    /// Brings everything to the disk.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(io_error(&self.path))
    }

    /// Removes it: nothing in it was published.
    pub fn discard(self) {
        // It has no record that anybody has seen, and is taken up or removed when the tape is opened again.
        let _ = fs::remove_file(&self.path);
    }

    /// As a segment, as it is now.
    pub fn segment(&self) -> Segment {
        let scan = self.survey.clone().finish(self.end);
        Segment { scan, path: self.path.to_string_lossy().into_owned(), file: Arc::clone(&self.file) as _ }
    }

    /// Says beside it how many bytes it will have, for the next one begins before the disk has them.
    pub fn mark(&self) -> Result<()> {
        finished::mark(&self.path, self.written)
    }

    /// There will be no next one for now.
    pub fn unmark(&self) {
        finished::unmark(&self.path, self.written);
    }

    /// As a segment that grows no more, and what is left to do for it.
    pub fn finish(self) -> (Segment, Finished) {
        let Self { path, file, end, survey, .. } = self;
        let scan = survey.finish(end);
        let encoded = scan.encode();
        (files::segment(&path, scan), Finished { path, file, end, scan: encoded })
    }
}

/// Cuts a file behind its last whole record. Half a record is of no use to anybody; what is damaged is kept beside it.
fn cut_off(path: &Path, file: &File, end: u64, size: u64, fault: &Fault) -> Result<String> {
    let io = io_error(path);
    let bytes = size.saturating_sub(end);
    let kept = if matches!(fault, Fault::Truncated { .. }) {
        String::new()
    } else {
        let aside = path.with_extension(format!("damaged-{end}"));
        write_whole(&aside, |out| copy_tail(file, end, size, out).map_err(|source| out.failed(source)))?;
        format!(", kept as {}", aside.display())
    };
    file.set_len(end).and_then(|()| file.sync_data()).map_err(io)?;
    Ok(format!("{}: cut off {bytes} bytes behind its last whole record{kept}: {fault}", path.display()))
}

fn copy_tail(file: &File, mut at: u64, end: u64, out: &mut dyn io::Write) -> io::Result<()> {
    let mut bytes = vec![0; 1 << 16];
    while at < end {
        let size = bytes.len().min((end - at) as usize);
        let Some(piece) = bytes.get_mut(..size) else { break };
        file.read_exact_at(piece, at)?;
        out.write_all(piece)?;
        at += size as u64;
    }
    Ok(())
}

/// The error of a segment that does not begin where the one before it ends.
pub(super) fn out_of_order(place: &Place, before: Option<&Place>, expected: u64) -> Error {
    let what = if place.first > expected { "records are missing" } else { "records are there twice" };
    let before = before
        .map_or_else(|| "the beginning of the tape".to_owned(), |before| before.path.display().to_string());
    let why = format!("it begins at index {}, not {expected}: {what}", place.first);
    Error::Input { name: place.path.display().to_string(), fault: Fault::Sequence { before, why } }
}
