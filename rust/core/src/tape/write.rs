//! A tape back into DBN, as it was read: records of other types in their places, `ts_out` where there was one.

use std::ops::ControlFlow;
use std::path::Path;

use super::reel::{FileReel, Records, Reel};
use super::{BLOCK, Tape};
use crate::error::{Error, Result};
use crate::feed::{Aside, Pieces, Progress, write_records, write_whole};
use crate::types::{MboRecord, TS_OUT};

/// Records of a piece.
const PIECE: usize = 4 * BLOCK as usize;

impl Tape {
    /// Writes the tape as a DBN file, zstd where the path ends in `.zst`: whole, or not at all.
    ///
    /// # Errors
    /// [`crate::Error::Io`]; those of [`Tape::block`]; whatever `on_progress` returns.
    pub fn write_dbn(&self, path: &Path, on_progress: Progress<'_>) -> Result<()> {
        write_whole(path, |out| Written::of(self.clone()).write(out, on_progress))
    }

    /// Records of [position, until) as they were read, a bounded number, and the position after them: those of other types in
    /// their places, and at the end of the tape what is behind the last record, `ts_out` where there was one.
    ///
    /// # Errors
    /// Those of [`Tape::block`] and [`Tape::beside`].
    pub fn as_read(&self, position: u64, until: u64) -> Result<(Vec<u8>, u64)> {
        let most = until.saturating_sub(position).min(PIECE as u64);
        let block = self.block(position)?.up_to(most);
        let end = position + block.len() as u64;
        let (version, mut aside) = (self.metadata.version(), Vec::new());
        let beside = position..if end == self.len { end + 1 } else { end };
        self.beside(beside, &mut |index, raw| {
            aside.push(Aside::new(index, version, raw));
            ControlFlow::Continue(())
        })?;
        let mut bytes = Vec::with_capacity(block.len() * (MboRecord::SIZE + TS_OUT));
        encode(&mut bytes, position, &block, block.ts_outs(), &aside)?;
        Ok((bytes, end))
    }
}

/// A tape's DBN, in the making.
#[derive(Debug)]
pub struct Written {
    tape: Tape,
    is_begun: bool,
    /// The reel that is being written.
    reel: usize,
    /// Records of it that are written, or bytes if it is a file.
    done: u64,
}

impl Written {
    /// Begins with the metadata.
    #[must_use]
    pub const fn of(tape: Tape) -> Self {
        Self { tape, is_begun: false, reel: 0, done: 0 }
    }
}

impl Pieces for Written {
    fn next(&mut self, piece: &mut Vec<u8>, on_progress: Progress<'_>) -> Result<bool> {
        piece.clear();
        if !self.is_begun {
            self.is_begun = true;
            piece.extend_from_slice(self.tape.metadata.raw());
            return Ok(true);
        }
        let Self { tape, reel: number, done, .. } = self;
        let Some((base, reel)) = tape.reels.get(*number) else {
            on_progress(tape.len, tape.len)?;
            return Ok(false);
        };
        let (records, is_over) = match reel {
            Reel::Memory { whole, aside } => of_memory(whole, aside, done, piece)?,
            Reel::File(file) => of_file(file, done, piece)?,
        };
        if is_over {
            (*number, *done) = (*number + 1, 0);
        }
        on_progress(base + records, tape.len)?;
        Ok(true)
    }
}

/// Puts the next records in memory into a piece; how many are written by then, and whether those are all.
fn of_memory(whole: &Records, aside: &[Aside], done: &mut u64, piece: &mut Vec<u8>) -> Result<(u64, bool)> {
    let first = *done as usize;
    let end = whole.records.len().min(first + PIECE);
    let is_over = end == whole.records.len();
    let place = |index: usize| aside.partition_point(|other| other.index < index as u64);
    // What is behind the last record has no record to precede.
    let beside = place(first)..if is_over { aside.len() } else { place(end) };
    let ts_outs = whole.ts_outs.get(first..end).unwrap_or_default();
    let records = whole.records.get(first..end).unwrap_or_default();
    encode(piece, first as u64, records, ts_outs, aside.get(beside).unwrap_or_default())?;
    *done = end as u64;
    Ok((end as u64, is_over))
}

/// [`write_records`] into memory, which takes whatever comes.
fn encode(
    bytes: &mut Vec<u8>,
    first: u64,
    records: &[MboRecord],
    ts_outs: &[u64],
    aside: &[Aside],
) -> Result<()> {
    write_records(bytes, first, records, ts_outs, aside)
        .map_err(|error| Error::Invariant(format!("memory takes bytes: {error}")))
}

/// Puts the next bytes of a file into a piece; how many records that may be by then, and whether those are all.
fn of_file(file: &FileReel, done: &mut u64, piece: &mut Vec<u8>) -> Result<(u64, bool)> {
    let directory = file.directory();
    let offset = directory.head + *done;
    let size = directory.end.saturating_sub(offset).min((PIECE * MboRecord::SIZE) as u64);
    piece.resize(size as usize, 0);
    file.read_bytes(piece, offset)?;
    *done += size;
    let share = *done as f64 / (directory.end - directory.head).max(1) as f64;
    Ok(((share * directory.len as f64) as u64, directory.head + *done >= directory.end))
}
