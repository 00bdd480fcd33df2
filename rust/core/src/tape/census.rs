//! What one pass over a tape's records tells: its books, its times, where its blocks are.

use std::collections::VecDeque;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::reel::{BLOCK, Directory, Start};
use crate::feed::{Aside, Metadata, Piece};
use crate::types::{BookKey, MboRecord, Nanos};

/// Books and times of records in order.
#[derive(Clone, Debug)]
pub struct Census {
    /// Every book, in order of appearance, with its number of records.
    pub books: Vec<(BookKey, u64)>,
    /// Time of the first record.
    pub start: Option<Nanos>,
    /// Time of the last record.
    pub end: Option<Nanos>,
    /// Whether `ts_recv` never goes back, so that times can be searched by halves.
    pub in_time_order: bool,
    slots: HashMap<BookKey, usize, FixedState>,
}

impl Default for Census {
    fn default() -> Self {
        Self { books: Vec::new(), start: None, end: None, in_time_order: true, slots: HashMap::default() }
    }
}

impl Census {
    /// A census taken earlier.
    #[must_use]
    pub fn restore(books: Vec<(BookKey, u64)>, times: Option<(Nanos, Nanos)>, in_time_order: bool) -> Self {
        let slots = books.iter().enumerate().map(|(slot, (key, _))| (*key, slot)).collect();
        let (start, end) = (times.map(|(start, _)| start), times.map(|(_, end)| end));
        Self { books, start, end, in_time_order, slots }
    }

    /// Takes note of the records that follow.
    pub fn see(&mut self, records: &[MboRecord]) {
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return };
        self.in_time_order &= self.end.is_none_or(|end| end <= first.ts_recv())
            && records.is_sorted_by_key(|record| record.ts_recv);
        self.start.get_or_insert(first.ts_recv());
        self.end = Some(last.ts_recv());
        for run in records.chunk_by(|a, b| a.key() == b.key()) {
            let Some(key) = run.first().map(MboRecord::key) else { continue };
            self.count(key, run.len() as u64);
        }
    }

    /// Takes note of all that another census saw after this one.
    pub fn follow(&mut self, next: &Self) {
        let (Some(start), Some(_)) = (next.start, next.end) else { return };
        self.in_time_order &= next.in_time_order && self.end.is_none_or(|end| end <= start);
        self.start.get_or_insert(start);
        self.end = next.end;
        for &(key, records) in &next.books {
            self.count(key, records);
        }
    }

    /// Forgets the records that another census saw, the first of this one: now it begins at a time. Books stay, even if none
    /// of their records do.
    pub(super) fn forget(&mut self, dropped: &Self, start: Option<Nanos>) {
        for (key, records) in &dropped.books {
            if let Some((_, left)) = self.slots.get(key).and_then(|&slot| self.books.get_mut(slot)) {
                *left = left.saturating_sub(*records);
            }
        }
        self.start = start;
    }

    fn count(&mut self, key: BookKey, records: u64) {
        let slot = *self.slots.entry(key).or_insert_with(|| {
            self.books.push((key, 0));
            self.books.len() - 1
        });
        self.books[slot].1 += records;
    }
}

/// Finds where the blocks of a file are while its records go by.
#[derive(Clone, Debug)]
pub(super) struct Surveyor {
    directory: Directory,
    record_size: u64,
    /// Index and bytes of records of other types that may lie in a block to come.
    aside: VecDeque<(u64, u64)>,
    aside_bytes: u64,
}

impl Surveyor {
    pub(super) fn new(metadata: &Metadata) -> Self {
        let head = metadata.raw().len() as u64;
        let record_size = (MboRecord::SIZE + if metadata.ts_out() { 8 } else { 0 }) as u64;
        let directory = Directory { len: 0, head, end: head, ts_out: metadata.ts_out(), starts: Vec::new() };
        Self { directory, record_size, aside: VecDeque::new(), aside_bytes: 0 }
    }

    /// Takes note of the records that follow, and of those of other types before or between them: the index of the record
    /// that each precedes, and its bytes.
    pub(super) fn see(&mut self, records: &[MboRecord], aside: impl IntoIterator<Item = (u64, u64)>) {
        self.aside.extend(aside);
        let mut rest = records;
        while !rest.is_empty() {
            let within = self.directory.len % BLOCK;
            if within == 0 {
                let offset = self.offset();
                self.directory.starts.push(Start { offset, min: Nanos::UNDEF, max: Nanos(0) });
            }
            let (block, later) = rest.split_at(rest.len().min((BLOCK - within) as usize));
            if let Some(start) = self.directory.starts.last_mut() {
                for record in block {
                    start.min = start.min.min(record.ts_recv());
                    start.max = start.max.max(record.ts_recv());
                }
            }
            self.directory.len += block.len() as u64;
            rest = later;
        }
    }

    /// Where the record at the end so far begins, or what lies just before it.
    fn offset(&mut self) -> u64 {
        while let Some((_, bytes)) = self.aside.pop_front_if(|(index, _)| *index < self.directory.len) {
            self.aside_bytes += bytes;
        }
        self.directory.head + self.directory.len * self.record_size + self.aside_bytes
    }

    /// MBO records so far.
    pub(super) const fn len(&self) -> u64 {
        self.directory.len
    }

    /// What was found, of a file that ends there.
    pub(super) fn finish(mut self, end: u64) -> Directory {
        self.directory.end = end;
        self.directory
    }
}

/// Tells what is new in a piece that grows.
#[derive(Debug, Default)]
pub(super) struct News {
    records: u64,
    aside: usize,
}

impl News {
    pub(super) fn of<'p>(&mut self, piece: &'p Piece) -> (&'p [MboRecord], &'p [Aside]) {
        let from = self.records.saturating_sub(piece.first) as usize;
        let records = piece.records.get(from..).unwrap_or_default();
        let aside = piece.aside.get(self.aside..).unwrap_or_default();
        *self = Self { records: piece.end(), aside: piece.aside.len() };
        (records, aside)
    }

    /// The piece was cleared.
    pub(super) const fn cleared(&mut self) {
        self.aside = 0;
    }
}
