//! Segments that grow no more, and what is kept beside them.
//!
//! The next segment begins while the one before is still on its way to the disk. So that nobody takes part of one for all of
//! it after the power failed, an empty file beside it says by its name how many bytes it has, from before the next one begins
//! until the disk has them all. Then what it holds is written beside it, and vouches for it from there on.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use booktape_core::Result;
use booktape_core::feed::{Fragments, Options, write_whole};
use booktape_core::tape::{Scan, Survey, Tape};

use super::files;
use crate::folder::{io_error, sync_folder};

/// A segment that grows no more, and may not be on the disk yet.
#[derive(Debug)]
pub(super) struct Finished {
    pub path: PathBuf,
    pub file: Arc<File>,
    /// Its bytes.
    pub end: u64,
    /// What it holds, encoded.
    pub scan: Vec<u8>,
}

impl Finished {
    /// Brings it to the disk, which then knows it for whole.
    pub fn bring_to_disk(&self) -> Result<()> {
        self.file.sync_data().map_err(io_error(&self.path))?;
        // Without it the segment is read when it is opened.
        let _ = write_whole(&scan_path(&self.path), |out| out.put(&self.scan));
        unmark(&self.path, self.end);
        self.path.parent().map_or(Ok(()), sync_folder)
    }
}

/// What a finished segment holds is kept beside it, so that it need not be read to be opened.
fn scan_path(segment: &Path) -> PathBuf {
    segment.with_extension("scan")
}

fn mark_path(segment: &Path, end: u64) -> PathBuf {
    segment.with_extension(format!("ends-{end}"))
}

/// Says beside a segment how many bytes it has. Names reach the disk in the order in which they are made, or this one does
/// when the segment has: a next segment without it follows one that is whole.
pub(super) fn mark(segment: &Path, end: u64) -> Result<()> {
    let path = mark_path(segment, end);
    File::create(&path).map(drop).map_err(io_error(&path))
}

/// Says so no more.
pub(super) fn unmark(segment: &Path, end: u64) {
    // One that stays says something true of a segment that is finished, and is not asked of one that is written.
    let _ = fs::remove_file(mark_path(segment, end));
}

/// How many bytes a segment should have, by what stands beside it.
fn marks(segment: &Path) -> Result<Vec<u64>> {
    let (Some(folder), Some(stem)) = (segment.parent(), segment.file_stem()) else { return Ok(Vec::new()) };
    let io = io_error(folder);
    let prefix = format!("{}.ends-", stem.to_string_lossy());
    let mut marks = Vec::new();
    for found in fs::read_dir(folder).map_err(&io)? {
        let name = found.map_err(&io)?.file_name();
        marks.extend(name.to_str().and_then(|name| name.strip_prefix(&prefix)?.parse::<u64>().ok()));
    }
    Ok(marks)
}

/// Forgets what stands beside a segment that is to be written again.
pub(super) fn reopened(segment: &Path) -> Result<()> {
    for end in marks(segment)? {
        unmark(segment, end);
    }
    Ok(())
}

/// What is kept beside a segment of that many bytes says of it.
fn kept(path: &Path, size: u64) -> Option<Scan> {
    let scan = Scan::decode(&fs::read(scan_path(path)).ok()?)?;
    (scan.directory.end == size).then_some(scan)
}

fn open(path: &Path) -> Result<(File, u64)> {
    let io = io_error(path);
    let file = File::open(path).map_err(&io)?;
    let size = file.metadata().map_err(&io)?.len();
    Ok((file, size))
}

/// What a finished segment holds.
pub(super) fn finished(path: &Path) -> Result<Scan> {
    let (file, size) = open(path)?;
    match kept(path, size) {
        Some(scan) => Ok(scan),
        None => Tape::scan(&file, &path.to_string_lossy(), size, Options::default(), &mut |_, _| Ok(())),
    }
}

/// What the last segment but one holds, if it is all there: it may not have been on the disk when the last one began. `records`
/// are between the beginnings of the two.
pub(super) fn whole(path: &Path, records: u64) -> Result<Option<Scan>> {
    let (file, size) = open(path)?;
    if let Some(scan) = kept(path, size) {
        return Ok(Some(scan));
    }
    let options = Options { tolerant: true, ..Options::default() };
    let name = path.to_string_lossy();
    let (survey, contents) = match Survey::read(&file, &name, size, options, &mut |_, _| Ok(())) {
        Err(_) if is_cut_in_metadata(path)? => return Ok(None),
        read => read?,
    };
    let marks = marks(path)?;
    let is_marked = marks.is_empty() || marks.contains(&size);
    if contents.left.is_some() || survey.len() < records || !is_marked {
        return Ok(None);
    }
    let scan = survey.finish(contents.end);
    let (path, file) = (path.to_owned(), Arc::new(file));
    Finished { path, file, end: size, scan: scan.encode() }.bring_to_disk()?;
    Ok(Some(scan))
}

/// Whether a file ends before its metadata do.
pub(super) fn is_cut_in_metadata(path: &Path) -> Result<bool> {
    let bytes = fs::read(path).map_err(io_error(path))?;
    let decoded = Fragments::default().decode(&bytes);
    Ok(decoded.fault.is_none() && decoded.parts.is_empty() && decoded.next.metadata().is_none())
}

/// Takes a segment out of the tape and keeps it; under which name.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf> {
    let name = |number: u32| path.with_extension(format!("apart-{number}"));
    let aside = (0..u32::MAX).map(name).find(|aside| !aside.exists()).unwrap_or_else(|| name(u32::MAX));
    fs::rename(path, &aside).map_err(io_error(path))?;
    remove_scan(path);
    path.parent().map_or(Ok(()), sync_folder)?;
    Ok(aside)
}

/// Removes a segment that nobody needs any more; whoever reads it reads on.
pub(super) fn remove(path: &Path) -> Result<()> {
    files::keep_open(path);
    remove_scan(path);
    fs::remove_file(path).map_err(io_error(path))
}

fn remove_scan(path: &Path) {
    // A scan without its segment means nothing, and there may be none.
    let _: io::Result<()> = fs::remove_file(scan_path(path));
}
