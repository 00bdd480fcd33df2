//! A tape back into a DBN file, as it was read: records of other types in their places, `ts_out` where there was one.

use std::path::Path;

use super::reel::Reel;
use super::{BLOCK, Tape};
use crate::error::Result;
use crate::feed::{Progress, Sink, write_records, write_whole};
use crate::types::MboRecord;

/// Records, or their bytes of a file, written between two looks at the progress.
const PIECE: usize = 64 * BLOCK as usize;

impl Tape {
    /// Writes the tape as a DBN file, zstd where the path ends in `.zst`: whole, or not at all.
    ///
    /// # Errors
    /// [`crate::Error::Io`]; those of [`Tape::block`]; whatever `on_progress` returns.
    pub fn write_dbn(&self, path: &Path, on_progress: Progress<'_>) -> Result<()> {
        write_whole(path, |out| self.write_stream(out, on_progress))
    }

    fn write_stream(&self, out: &mut Sink<'_>, on_progress: Progress<'_>) -> Result<()> {
        out.put(self.metadata.raw())?;
        for (base, reel) in &self.reels {
            match reel {
                Reel::Memory { whole, aside } => {
                    let mut done = 0;
                    for records in whole.records.chunks(PIECE) {
                        let from = aside.partition_point(|other| other.index < done as u64);
                        let end = done + records.len();
                        let to = aside.partition_point(|other| other.index < end as u64);
                        let ts_outs = whole.ts_outs.get(done..end).unwrap_or_default();
                        write_records(out, done as u64, records, ts_outs, &aside[from..to])
                            .map_err(|source| out.failed(source))?;
                        done = end;
                        on_progress(base + done as u64, self.len)?;
                    }
                    let behind = aside.partition_point(|other| other.index < done as u64);
                    write_records(out, done as u64, &[], &[], &aside[behind..])
                        .map_err(|source| out.failed(source))?;
                }
                Reel::File(file) => {
                    let directory = file.directory();
                    let mut bytes = vec![0; PIECE * MboRecord::SIZE];
                    let mut offset = directory.head;
                    while offset < directory.end {
                        let size = bytes.len().min((directory.end - offset) as usize);
                        file.read_bytes(&mut bytes[..size], offset)?;
                        out.put(&bytes[..size])?;
                        offset += size as u64;
                        let share =
                            (offset - directory.head) as f64 / (directory.end - directory.head) as f64;
                        on_progress(base + (share * directory.len as f64) as u64, self.len)?;
                    }
                }
            }
        }
        on_progress(self.len, self.len)
    }
}
