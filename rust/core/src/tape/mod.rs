//! The tape: MBO records in order, with an index from 0, and what stands beside them.
//!
//! A *position* is the number of records before a moment: 0 is the start, `len` the end. The record with index `i` has
//! been applied at position `i + 1`.

mod cursor;
mod load;
mod symbols;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use crate::error::{Error, Result};
use crate::feed::{self, Aside, Metadata, Progress};
use crate::market::{Market, choose};
use crate::types::{AnomalyKind, BookKey, MboRecord, Nanos, Price};

pub use cursor::Cursor;

/// Records applied between two looks at the clock, the progress bar and Ctrl-C.
const RECORDS_BETWEEN_PROGRESS: u64 = 65_536;

/// Something that happens to books between two records.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Turn {
    /// An instrument id means this symbol from here on; if it meant another, its books start again.
    Name(u32, String),
    /// The venue sent a settlement price.
    Settle(BookKey, Price),
}

/// An immutable sequence of MBO records.
#[derive(Debug)]
pub struct Tape {
    name: String,
    hash: u64,
    metadata: Metadata,
    records: Vec<MboRecord>,
    ts_outs: Vec<u64>,
    aside: Vec<Aside>,
    /// In order of the record each precedes.
    turns: Vec<(u64, Turn)>,
    symbols: BTreeMap<u32, String>,
    books: Vec<(BookKey, u64)>,
    /// Whether `ts_recv` never goes back, so that times can be searched by halves.
    in_time_order: bool,
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

    /// The records, in order.
    #[must_use]
    pub fn records(&self) -> &[MboRecord] {
        &self.records
    }

    /// `ts_out` of a record, where the tape has it.
    #[must_use]
    pub fn ts_out(&self, index: usize) -> Option<u64> {
        self.ts_outs.get(index).copied()
    }

    /// Number of records.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.records.len() as u64
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Time of the first record.
    #[must_use]
    pub fn start(&self) -> Option<Nanos> {
        self.records.first().map(MboRecord::ts_recv)
    }

    /// Time of the last record.
    #[must_use]
    pub fn end(&self) -> Option<Nanos> {
        self.records.last().map(MboRecord::ts_recv)
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

    /// Symbols by instrument id: the latest where the meaning changes.
    #[must_use]
    pub const fn symbols(&self) -> &BTreeMap<u32, String> {
        &self.symbols
    }

    /// Every book there are records for, in order of appearance, with their number.
    #[must_use]
    pub fn books(&self) -> &[(BookKey, u64)] {
        &self.books
    }

    /// The book of an instrument; the publisher may be left out where there is only one.
    ///
    /// # Errors
    /// Those of [`choose`].
    pub fn find_book(&self, instrument_id: u32, publisher_id: Option<u16>) -> Result<BookKey> {
        choose(self.books.iter().map(|(key, _)| *key), instrument_id, publisher_id)
    }

    /// Records of other types, by type.
    #[must_use]
    pub fn other_records(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for other in &self.aside {
            *counts.entry(other.type_name()).or_default() += 1;
        }
        counts
    }

    /// The position after the last record at or before a time.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the range, for a time outside the tape.
    pub fn position_at(&self, ts: Nanos) -> Result<u64> {
        let (Some(first), Some(last)) = (self.start(), self.end()) else {
            return Err(Error::NotFound(format!("{}: the tape is empty", self.name)));
        };
        let outside = || Error::Parameter {
            name: "time",
            value: ts.to_string(),
            expected: format!("the tape goes from {first} to {last}"),
        };
        if self.in_time_order {
            if ts < first || ts > last {
                return Err(outside());
            }
            return Ok(self.records.partition_point(|record| record.ts_recv() <= ts) as u64);
        }
        let found = self.records.iter().rposition(|record| record.ts_recv() <= ts).ok_or_else(outside)?;
        let is_after = found + 1 == self.records.len() && ts > last;
        if is_after { Err(outside()) } else { Ok(found as u64 + 1) }
    }

    /// How far a replay that stands at a position gets when its clock reads `ts`.
    #[must_use]
    pub fn due(&self, position: u64, ts: Nanos) -> u64 {
        let rest = self.records.get(position as usize..).unwrap_or_default();
        let due = if self.in_time_order {
            rest.partition_point(|record| record.ts_recv() <= ts)
        } else {
            rest.iter().position(|record| record.ts_recv() > ts).unwrap_or(rest.len())
        };
        position + due as u64
    }

    /// Applies a range of records to a market, with all that happens to books between them.
    ///
    /// # Errors
    /// Those of [`Market::apply`]; [`Error::Parameter`] for a range outside the tape; whatever `on_progress` returns.
    pub fn apply(&self, market: &mut Market, range: Range<u64>, on_progress: Progress<'_>) -> Result<()> {
        self.check_position("start", range.start)?;
        self.check_position("stop", range.end)?;
        if range.start > 0 && market.symbols().is_empty() {
            // A market that joins here needs the names that were given before.
            let given = self.turns.iter().take_while(|(index, _)| *index < range.start);
            given
                .filter(|(_, turn)| matches!(turn, Turn::Name(..)))
                .for_each(|(_, turn)| turn.happen(market));
        }
        let mut turns = self.turns_from(range.start);
        let mut at = range.start;
        while at < range.end {
            while let Some((_, turn)) = turns.next_if(|(index, _)| *index <= at) {
                turn.happen(market);
            }
            let next_turn = turns.peek().map_or(range.end, |(index, _)| *index);
            let until = range.end.min(next_turn).min(at + RECORDS_BETWEEN_PROGRESS);
            market.apply_all(&self.records[at as usize..until as usize])?;
            at = until;
            on_progress(at - range.start, range.end - range.start)?;
        }
        Ok(())
    }

    /// What happens to books at and after a position.
    fn turns_from(&self, position: u64) -> std::iter::Peekable<std::slice::Iter<'_, (u64, Turn)>> {
        let first = self.turns.partition_point(|(index, _)| *index < position);
        self.turns[first..].iter().peekable()
    }

    /// The market after the first `position` records.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a position outside the tape; whatever `on_progress` returns.
    pub fn market_at(&self, position: u64, on_progress: Progress<'_>) -> Result<Market> {
        let mut market = Market::new();
        self.apply(&mut market, 0..position, on_progress)?;
        Ok(market)
    }

    /// Refuses a position outside the tape.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the range.
    pub fn check_position(&self, name: &'static str, position: u64) -> Result<()> {
        if position <= self.len() {
            return Ok(());
        }
        let expected = format!("the tape has positions 0 to {}", self.len());
        Err(Error::Parameter { name, value: position.to_string(), expected })
    }

    /// Writes the tape as a DBN file, zstd where the path ends in `.zst`: whole, or not at all.
    ///
    /// # Errors
    /// [`Error::Io`]; whatever `on_progress` returns.
    pub fn write_dbn(&self, path: &Path, on_progress: Progress<'_>) -> Result<()> {
        feed::write_whole(path, |out| {
            feed::write_stream(out, &self.metadata, &self.records, &self.ts_outs, &self.aside, on_progress)
        })
    }
}

impl Turn {
    fn happen(&self, market: &mut Market) {
        match self {
            Self::Name(instrument_id, symbol) => market.name(*instrument_id, symbol),
            Self::Settle(key, price) => market.settle(*key, *price),
        }
    }
}
