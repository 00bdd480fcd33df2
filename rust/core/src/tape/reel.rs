//! Where a tape's records are: in memory, or in a plain DBN file that is read by position.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use zerocopy::{FromBytes, IntoBytes};

use super::cache::BlockCache;
use crate::error::{Error, Fault, Result};
use crate::feed::Aside;
use crate::types::{MboRecord, Nanos, TS_OUT};

/// Records that are read, cached and skipped together: 56 KiB, a few microseconds from the page cache.
pub const BLOCK: u64 = 1_024;

/// Bytes at any place, from any thread: what a file gives.
pub trait ReadAt: Send + Sync + fmt::Debug {
    /// Fills the buffer with the bytes at an offset.
    ///
    /// # Errors
    /// Those of the system; `UnexpectedEof` where there are fewer.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()>;
}

#[cfg(unix)]
impl ReadAt for std::fs::File {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buffer, offset)
    }
}

/// MBO records in memory, with their `ts_out` where they have it.
#[derive(Debug, Default)]
pub struct Records {
    /// The records.
    pub records: Vec<MboRecord>,
    /// One for each record, or none at all.
    pub ts_outs: Vec<u64>,
}

/// Consecutive records of a tape; holding it keeps them in memory.
#[derive(Clone, Debug, Default)]
pub struct Block {
    whole: Arc<Records>,
    from: usize,
    to: usize,
}

impl Block {
    fn new(whole: Arc<Records>, from: usize) -> Self {
        let to = whole.records.len();
        Self { from: from.min(to), to, whole }
    }

    /// The same, cut after at most so many records.
    #[must_use]
    pub fn up_to(mut self, records: u64) -> Self {
        self.to = self.to.min(self.from.saturating_add(usize::try_from(records).unwrap_or(usize::MAX)));
        self
    }

    /// `ts_out` of every record, or nothing where the tape has none.
    #[must_use]
    pub fn ts_outs(&self) -> &[u64] {
        self.whole.ts_outs.get(self.from..self.to).unwrap_or_default()
    }
}

impl Deref for Block {
    type Target = [MboRecord];

    fn deref(&self) -> &[MboRecord] {
        self.whole.records.get(self.from..self.to).unwrap_or_default()
    }
}

/// One file's, or one stretch's, records.
#[derive(Clone, Debug)]
pub(super) enum Reel {
    Memory { whole: Arc<Records>, aside: Arc<Vec<Aside>> },
    File(Arc<FileReel>),
}

/// Where a block of a file begins, and its times.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Start {
    /// Byte of its first record, or of a record of another type before it.
    pub offset: u64,
    /// The earliest `ts_recv` in it.
    pub min: Nanos,
    /// The latest.
    pub max: Nanos,
}

/// Where everything is in a plain DBN file: found by one scan, kept with the index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Directory {
    /// MBO records.
    pub len: u64,
    /// Bytes of metadata before the first record.
    pub head: u64,
    /// Byte after the last whole record.
    pub end: u64,
    /// Whether every record carries `ts_out`.
    pub ts_out: bool,
    /// Every block of [`BLOCK`] records, in order.
    pub starts: Vec<Start>,
}

/// A plain DBN file.
#[derive(Debug)]
pub(super) struct FileReel {
    name: String,
    file: Arc<dyn ReadAt>,
    directory: Directory,
    cache: Arc<BlockCache>,
    /// Its number among the reels that share the cache.
    number: u64,
}

impl Reel {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Memory { whole, .. } => whole.records.len() as u64,
            Self::File(reel) => reel.directory.len,
        }
    }

    /// Records from a position of this reel to the end of the block there.
    pub(super) fn block(&self, position: u64) -> Result<Block> {
        match self {
            Self::Memory { whole, .. } => Ok(Block::new(Arc::clone(whole), position as usize)),
            Self::File(reel) => {
                let block = reel.block(position / BLOCK)?;
                Ok(Block::new(block, (position % BLOCK) as usize))
            }
        }
    }

    /// How many records at the beginning have `ts_recv` at or before a time, in a reel whose time never goes back.
    pub(super) fn count_until(&self, ts: Nanos) -> Result<u64> {
        let until = |records: &[MboRecord]| records.partition_point(|record| record.ts_recv() <= ts) as u64;
        match self {
            Self::Memory { whole, .. } => Ok(until(&whole.records)),
            Self::File(reel) => {
                let blocks = reel.directory.starts.partition_point(|start| start.min <= ts) as u64;
                let Some(last) = blocks.checked_sub(1) else { return Ok(0) };
                Ok(last * BLOCK + until(&reel.block(last)?.records))
            }
        }
    }

    /// The last record with `ts_recv` at or before a time, however time runs.
    pub(super) fn last_until(&self, ts: Nanos) -> Result<Option<u64>> {
        let last = |records: &[MboRecord]| records.iter().rposition(|record| record.ts_recv() <= ts);
        match self {
            Self::Memory { whole, .. } => Ok(last(&whole.records).map(|at| at as u64)),
            Self::File(reel) => {
                let Some(number) = reel.directory.starts.iter().rposition(|start| start.min <= ts) else {
                    return Ok(None);
                };
                let number = number as u64;
                Ok(last(&reel.block(number)?.records).map(|at| number * BLOCK + at as u64))
            }
        }
    }

    /// The first record from a position on with `ts_recv` after a time, however time runs.
    pub(super) fn first_after(&self, position: u64, ts: Nanos) -> Result<Option<u64>> {
        let first = |records: &[MboRecord]| records.iter().position(|record| record.ts_recv() > ts);
        match self {
            Self::Memory { whole, .. } => {
                let rest = whole.records.get(position as usize..).unwrap_or_default();
                Ok(first(rest).map(|at| position + at as u64))
            }
            Self::File(reel) => {
                let number = position / BLOCK;
                if let Some(at) = first(&self.block(position)?) {
                    return Ok(Some(position + at as u64));
                }
                let later = reel.directory.starts.get(number as usize + 1..).unwrap_or_default();
                let Some(blocks) = later.iter().position(|start| start.max > ts) else { return Ok(None) };
                let number = number + 1 + blocks as u64;
                Ok(first(&reel.block(number)?.records).map(|at| number * BLOCK + at as u64))
            }
        }
    }
}

impl FileReel {
    pub(super) fn new(
        name: String,
        file: Arc<dyn ReadAt>,
        directory: Directory,
        cache: &Arc<BlockCache>,
    ) -> Self {
        Self { name, file, directory, number: cache.next_reel(), cache: Arc::clone(cache) }
    }

    pub(super) const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// One block, from the cache or the file.
    fn block(&self, number: u64) -> Result<Arc<Records>> {
        self.cache.block((self.number, number), |records| self.read_block(number, records))
    }

    fn read_block(&self, number: u64, into: &mut Records) -> Result<()> {
        let starts = &self.directory.starts;
        let Some(start) = starts.get(number as usize) else { return Ok(()) };
        let end = starts.get(number as usize + 1).map_or(self.directory.end, |next| next.offset);
        let count = (self.directory.len - number * BLOCK).min(BLOCK) as usize;
        let changed = || self.changed(start.offset);
        if end - start.offset == (count * MboRecord::SIZE) as u64 {
            into.records.resize(count, MboRecord::default());
            self.read_bytes(into.records.as_mut_bytes(), start.offset)?;
        } else {
            let mut offset = start.offset;
            let mut piece = vec![0; MboRecord::SIZE * BLOCK as usize];
            while offset < end && into.records.len() < count {
                let size = piece.len().min((end - offset) as usize);
                self.read_bytes(&mut piece[..size], offset)?;
                let used = take_records(&piece[..size], count, into);
                if used == 0 {
                    return Err(changed());
                }
                offset += used as u64;
            }
        }
        let is_mbo =
            |record: &MboRecord| record.length == MboRecord::WORDS && record.rtype == MboRecord::RTYPE;
        if into.records.len() == count && into.records.iter().all(is_mbo) { Ok(()) } else { Err(changed()) }
    }

    /// What to say where the file is not what its directory says.
    pub(super) fn changed(&self, offset: u64) -> Error {
        Error::Input { name: self.name.clone(), fault: Fault::Changed { offset } }
    }

    /// Bytes of the file as they are.
    pub(super) fn read_bytes(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        self.file.read_exact_at(buffer, offset).map_err(|source| {
            let fault = match source.kind() {
                std::io::ErrorKind::UnexpectedEof => Fault::Changed { offset },
                _ => Fault::Read { source },
            };
            Error::Input { name: self.name.clone(), fault }
        })
    }
}

/// Takes whole records out of bytes, MBO only, until there are `count`; how many bytes that was.
fn take_records(bytes: &[u8], count: usize, into: &mut Records) -> usize {
    let mut used = 0;
    while into.records.len() < count
        && let Some(&[length, rtype]) = bytes.get(used..used + 2)
        && let size = usize::from(length) * 4
        && size > 0
        && let Some(whole) = bytes.get(used..used + size)
    {
        if rtype == MboRecord::RTYPE
            && (size == MboRecord::SIZE || size == MboRecord::SIZE + TS_OUT)
            && let Ok((mut record, rest)) = MboRecord::read_from_prefix(whole)
        {
            if let Ok(ts_out) = rest.try_into() {
                into.ts_outs.push(u64::from_le_bytes(ts_out));
                record.length = MboRecord::WORDS;
            }
            into.records.push(record);
        }
        used += size;
    }
    used
}
