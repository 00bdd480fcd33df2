//! The tape: MBO records in order, with an index from 0, and what stands beside them.
//!
//! A *position* is the number of records before a moment: 0 is the start, `len` the end. The record with index `i` has
//! been applied at position `i + 1`.

mod beside;
mod cache;
mod census;
mod cursor;
mod gaps;
mod grow;
mod keyframes;
mod life;
mod load;
mod names;
mod once;
mod origin;
mod parallel;
mod reel;
mod scan;
mod step;
mod survey;
mod symbols;
mod times;
mod walk;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::error::{Error, Result};
use crate::feed::{AsideFact, Metadata};
use crate::market::choose;
use crate::types::{AnomalyKind, BookKey, MboRecord, Nanos, Price};

pub use cache::BlockCache;
pub use census::Census;
pub use cursor::Cursor;
pub use gaps::Gap;
pub use grow::{Growing, Segment};
pub use keyframes::{IndexSize, Keyframes, StoredError};
pub use life::{
    Amounts, ClearedBy, Did, Ending, Entered, EnteredBy, Every, Left, Life, OrderLife, OrderRecord, PathRow,
    Place,
};
pub use load::Spool;
pub use once::{apply_file, apply_stream};
pub use origin::Origin;
pub use reel::{BLOCK, Block, Directory, ReadAt, Start};
pub use scan::Scan;
pub use step::Stride;
pub use survey::Survey;
pub use walk::Step;
pub use write::Written;

use reel::Reel;
use symbols::{Symbols, Turns};

/// Something that happens to books between two records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Turn {
    /// An instrument id means this symbol from here on; if it meant another, its books start again.
    Name(u32, String),
    /// The venue sent a settlement price.
    Settle(BookKey, Price),
    /// Records of a book are missing here, or of any: it cannot be trusted until a clear or a snapshot.
    Miss(Option<BookKey>),
}

/// An immutable sequence of MBO records, in memory or in files that are read by position. Cloning copies no record.
#[derive(Clone, Debug)]
pub struct Tape {
    name: String,
    hash: u64,
    metadata: Metadata,
    /// Where the records are, each with the index of its first.
    reels: Vec<(u64, Reel)>,
    len: u64,
    /// Where it begins, if records before were dropped.
    origin: Option<Arc<Origin>>,
    census: Census,
    /// What records of other types said.
    facts: Arc<Vec<(u64, AsideFact)>>,
    others: BTreeMap<&'static str, u64>,
    turns: Arc<Turns>,
    /// Places in `turns` by instrument.
    turns_by_instrument: Arc<HashMap<u32, Vec<u32>, FixedState>>,
    symbols: Arc<Symbols>,
    keyframes: Arc<Keyframes>,
    left: Option<String>,
    planted: Vec<(AnomalyKind, u32)>,
}

impl Tape {
    /// What people call it: the file's name, without its directory.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name made safe for URLs, a dash, and eight digits of the content's hash: the same content keeps its id.
    #[must_use]
    pub fn id(&self) -> String {
        let stem = self.name.trim_end_matches(".zst").trim_end_matches(".dbn");
        let safe: String = stem
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() || ".-_".contains(letter) { letter } else { '-' })
            .take(64)
            .collect();
        format!("{}-{:08x}", safe.to_lowercase(), self.hash >> 32)
    }

    /// The metadata at its head.
    #[must_use]
    pub const fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// All records as one slice, where they are in memory in one piece.
    #[must_use]
    pub fn in_memory(&self) -> Option<&[MboRecord]> {
        match self.reels.as_slice() {
            [] => Some(&[]),
            [(_, Reel::Memory { whole, .. })] => Some(&whole.records),
            _ => None,
        }
    }

    /// Whether no record from a position on is in a file that is read by position.
    #[must_use]
    pub fn is_in_memory(&self, position: u64) -> bool {
        let mut later = self.reels.iter().rev().take_while(|(base, reel)| base + reel.len() > position);
        later.all(|(_, reel)| matches!(reel, Reel::Memory { .. }))
    }

    /// Records from a position on: to the end of the block there, never none before the end of the tape.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a position outside the tape, [`Error::Input`] for a file that changed or cannot be read.
    pub fn block(&self, position: u64) -> Result<Block> {
        self.check_position("position", position)?;
        match self.reel_at(position) {
            Some((base, reel)) => reel.block(position - base),
            None => Ok(Block::default()),
        }
    }

    /// One record.
    ///
    /// # Errors
    /// Those of [`Tape::block`].
    pub fn record(&self, index: u64) -> Result<Option<MboRecord>> {
        if index >= self.len { Ok(None) } else { Ok(self.block(index)?.first().copied()) }
    }

    fn reel_at(&self, position: u64) -> Option<(u64, &Reel)> {
        let after = self.reels.partition_point(|(base, _)| *base <= position);
        // An empty reel has the place of the one behind it.
        self.reels.get(after.checked_sub(1)?).map(|(base, reel)| (*base, reel))
    }

    /// Number of records, those before [`Tape::first`] among them: the index of the next.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no record.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Time of the first record.
    #[must_use]
    pub const fn start(&self) -> Option<Nanos> {
        self.census.start
    }

    /// Time of the last record.
    #[must_use]
    pub const fn end(&self) -> Option<Nanos> {
        self.census.end
    }

    /// What a tolerant reading left behind, and why.
    #[must_use]
    pub fn left(&self) -> Option<&str> {
        self.left.as_deref()
    }

    /// Anomalies that the synthetic flow put in.
    #[must_use]
    pub fn planted(&self) -> &[(AnomalyKind, u32)] {
        &self.planted
    }

    /// The index of moments, as far as it is built.
    #[must_use]
    pub fn keyframes(&self) -> &Keyframes {
        &self.keyframes
    }

    /// The same tape with an index that was stored.
    #[must_use]
    pub fn with_keyframes(self, keyframes: Keyframes) -> Self {
        Self { keyframes: Arc::new(keyframes), ..self }
    }

    /// Symbols by instrument id: the latest where the meaning changes.
    #[must_use]
    pub fn symbols(&self) -> &BTreeMap<u32, String> {
        &self.symbols
    }

    /// Every book there are records for, in order of appearance, with their number.
    #[must_use]
    pub fn books(&self) -> &[(BookKey, u64)] {
        &self.census.books
    }

    /// The book of an instrument; the publisher may be left out where there is only one.
    ///
    /// # Errors
    /// Those of [`choose`].
    pub fn find_book(&self, instrument_id: u32, publisher_id: Option<u16>) -> Result<BookKey> {
        choose(self.census.books.iter().map(|(key, _)| *key), instrument_id, publisher_id)
    }

    /// Records of other types, by type.
    #[must_use]
    pub const fn other_records(&self) -> &BTreeMap<&'static str, u64> {
        &self.others
    }

    /// Everything that happens to books between records, in order, with the index of the record that each precedes.
    #[must_use]
    pub fn turns(&self) -> &[(u64, Turn)] {
        &self.turns
    }

    /// Refuses a position outside the tape.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the range; [`Error::Gone`] naming the first index, for one whose records were dropped.
    pub fn check_position(&self, name: &'static str, position: u64) -> Result<()> {
        let first = self.first();
        if position < first {
            return Err(Error::Gone { name, position, tape: self.id(), first });
        }
        if position <= self.len() {
            return Ok(());
        }
        let expected = format!("the tape has positions {first} to {}", self.len());
        Err(Error::Parameter { name, value: position.to_string(), expected })
    }
}
