//! Retention: the oldest segments of live tapes go, and every book as it was before the first record that stays is kept.
//!
//! In this order, so that a process may end anywhere: the books are written, whole and down to the disk; the tape begins there
//! for whoever takes its next head; the segments before are removed. A tape that is opened begins with the latest books that
//! were written, and what lies before them is removed then.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use booktape_core::feed::write_whole;
use booktape_core::tape::{Origin, Scan};
use booktape_core::types::Nanos;
use booktape_core::{Error, Result};

use super::finished::{finished, remove};
use super::live::LiveTape;
use super::segment::{DIGITS, Place, places};
use crate::folder::{io_error, sync_folder};

/// What live tapes keep. The last segment stays in any case.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Retention {
    /// Segments whose last record was received longer ago are dropped.
    pub longest: Option<Duration>,
    /// The oldest segments are dropped while there are more bytes than these.
    pub bytes: Option<u64>,
}

/// Records that were dropped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dropped {
    /// The tape's id.
    pub id: String,
    /// Index of the first.
    pub from: u64,
    /// Index of the first that stays.
    pub to: u64,
    /// Bytes of their segments.
    pub bytes: u64,
}

impl LiveTape {
    /// Drops the oldest segments as a retention says; what was dropped. `now` is the time that ages are counted to.
    ///
    /// # Errors
    /// [`Error::Io`] where the folder cannot be read or written; those of going along the tape. What is dropped from the tape
    /// and cannot be removed is removed the next time.
    pub fn retain(&self, retention: Retention, now: Nanos) -> Result<Option<Dropped>> {
        let _one_at_a_time = self.retaining();
        if !self.settle() {
            return Ok(None); // whoever appends next is told why
        }
        let head = self.head();
        let from = head.first();
        let all = places(self.folder())?;
        let (before, there): (Vec<_>, Vec<_>) = all.into_iter().partition(|place| place.first < from);
        before.iter().try_for_each(|place| remove(&place.path))?;
        let Some(to) = first_kept(&there, retention, now, head.len())? else { return Ok(None) };
        let going = || there.iter().filter(|place| place.first < to);
        let mut scans: Vec<Scan> = Vec::new();
        let (mut behind, mut bytes) = (Vec::new(), 0);
        for place in going() {
            let scan = finished(&place.path)?;
            let facts = scan.facts.iter().filter(|(index, _)| place.first + index == to);
            behind.extend(facts.map(|(_, fact)| fact.clone()));
            bytes += scan.directory.end;
            scans.push(scan);
        }
        let Some(session) = scans.last().map(|scan| &scan.metadata) else { return Ok(None) };
        let origin = head.origin_at(to, session, &behind)?;
        write_whole(&path_of(self.folder(), to), |out| out.put(&origin.encode()))?;
        sync_folder(self.folder())?;
        self.growing().drop_before(origin, &scans)?;
        going().try_for_each(|place| remove(&place.path))?;
        remove_origins(self.folder(), to)?;
        Ok(Some(Dropped { id: head.id(), from, to, bytes }))
    }
}

/// Index of the first record that stays; nothing where none go.
fn first_kept(places: &[Place], retention: Retention, now: Nanos, len: u64) -> Result<Option<u64>> {
    let size =
        |place: &Place| fs::metadata(&place.path).map(|about| about.len()).map_err(io_error(&place.path));
    let sizes = places.iter().map(size).collect::<Result<Vec<_>>>()?;
    let mut bytes: u64 = sizes.iter().sum();
    let oldest = retention
        .longest
        .map(|longest| Nanos(now.0.saturating_sub(u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX))));
    let mut first = None;
    for ((place, next), size) in places.iter().zip(places.iter().skip(1)).zip(sizes) {
        let is_too_much = retention.bytes.is_some_and(|most| bytes > most);
        let is_too_old = match oldest {
            Some(oldest) if !is_too_much => finished(&place.path)?.census.end.is_none_or(|end| end < oldest),
            _ => false,
        };
        // The tape begins with a record.
        if !(is_too_much || is_too_old) || next.first >= len {
            break;
        }
        bytes -= size;
        first = Some(next.first).filter(|first| *first > place.first).or(first);
    }
    Ok(first)
}

fn path_of(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:0DIGITS$}.origin"))
}

fn origins(folder: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let io = io_error(folder);
    let mut origins = Vec::new();
    for found in fs::read_dir(folder).map_err(&io)? {
        let path = found.map_err(&io)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(Ok(first)) = name.strip_suffix(".origin").map(str::parse) {
            origins.push((first, path));
        }
    }
    origins.sort();
    Ok(origins)
}

fn remove_origins(folder: &Path, before: u64) -> Result<()> {
    let origins = origins(folder)?;
    let mut old = origins.into_iter().filter(|(first, _)| *first < before);
    old.try_for_each(|(_, path)| fs::remove_file(&path).map_err(io_error(&path)))
}

/// Where the tape of a folder begins, if its earlier records were dropped; finishes dropping them.
pub(super) fn take_up(folder: &Path) -> Result<Option<Origin>> {
    let Some((first, path)) = origins(folder)?.pop() else { return Ok(None) };
    let bytes = fs::read(&path).map_err(io_error(&path))?;
    let origin = Origin::decode(&bytes).filter(|origin| origin.first() == first).ok_or_else(|| {
        let why = "the books that the tape begins with are damaged";
        Error::Conflict(format!("{}: {why}; take them from a backup, or remove the tape", path.display()))
    })?;
    let dropped = places(folder)?.into_iter().filter(|place| place.first < first);
    dropped.into_iter().try_for_each(|place| remove(&place.path))?;
    remove_origins(folder, first)?;
    Ok(Some(origin))
}
