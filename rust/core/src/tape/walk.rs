//! Going along a tape: records block by block, and what happens to books between them.

use std::ops::Range;

use super::{Block, Tape, Turn};
use crate::error::{Error, Result};
use crate::feed::Progress;
use crate::market::Market;
use crate::types::{BookKey, MboRecord};

/// Records passed between two looks at the clock, the progress bar and Ctrl-C.
const RECORDS_BETWEEN_PROGRESS: u64 = 65_536;

/// What a walk meets.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// Something that happens to books.
    Turn(&'a Turn),
    /// The next records, with the index of the first.
    Records(u64, &'a [MboRecord]),
}

impl Tape {
    /// The records of a range, block by block, each with the index of its first. A failure is the last item.
    ///
    /// # Errors
    /// Each item: those of [`Tape::block`].
    pub fn blocks(&self, range: Range<u64>) -> impl Iterator<Item = Result<(u64, Block)>> + '_ {
        let Range { start: mut at, mut end } = range;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let first = at;
            let block = self.block(first).map(|block| block.up_to(end - first)).and_then(|block| {
                let missing =
                    || Error::Invariant(format!("{}: no record {first} of {}", self.name, self.len));
                if block.is_empty() { Err(missing()) } else { Ok(block) }
            });
            match &block {
                Ok(block) => at += block.len() as u64,
                Err(_) => end = at,
            }
            Some(block.map(|block| (first, block)))
        })
    }

    /// Shows a range of records, and all that happens to books at and between them, in order.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a range outside the tape; those of [`Tape::block`]; whatever `on_progress` and `see` return.
    pub fn walk(
        &self,
        range: Range<u64>,
        on_progress: Progress<'_>,
        mut see: impl FnMut(Step<'_>) -> Result<()>,
    ) -> Result<()> {
        self.check_position("start", range.start)?;
        self.check_position("stop", range.end)?;
        let mut turns = self.turns_between(range.start, range.end).iter().peekable();
        let mut at = range.start;
        let mut reported = at;
        while at < range.end {
            while let Some((_, turn)) = turns.next_if(|(index, _)| *index <= at) {
                see(Step::Turn(turn))?;
            }
            let until =
                turns.peek().map_or(range.end, |(index, _)| *index).min(at + RECORDS_BETWEEN_PROGRESS);
            for block in self.blocks(at..until) {
                let (first, records) = block?;
                see(Step::Records(first, &records))?;
            }
            at = until;
            if at - reported >= RECORDS_BETWEEN_PROGRESS || at == range.end {
                reported = at;
                on_progress(at - range.start, range.end - range.start)?;
            }
        }
        Ok(())
    }

    /// What happens to books at or after a record and before another.
    pub(super) fn turns_between(&self, start: u64, end: u64) -> &[(u64, Turn)] {
        let first = self.turns.partition_point(|(index, _)| *index < start);
        let last = self.turns.partition_point(|(index, _)| *index < end);
        self.turns.get(first..last).unwrap_or_default()
    }

    /// Applies a range of records to a market, with all that happens to books between them; a long stretch of several books
    /// on all cores. A market that begins with the tape takes up the books that the tape begins with.
    ///
    /// # Errors
    /// Those of [`Market::apply`] and [`Tape::walk`].
    pub fn apply(&self, market: &mut Market, range: Range<u64>, on_progress: Progress<'_>) -> Result<()> {
        self.check_position("start", range.start)?;
        if market.position() == 0 && range.start == self.first() && self.origin.is_some() {
            market.take_up(self.market_at(range.start, None, &mut |_, _| Ok(()))?);
        } else if range.start > 0 && market.symbols().is_empty() {
            // A market that joins here needs the names that were given before.
            let given = self.turns_between(0, range.start).iter();
            given
                .filter(|(_, turn)| matches!(turn, Turn::Name(..)))
                .for_each(|(_, turn)| turn.happen(market));
        }
        let threads = self.threads_for(market, &range);
        if threads > 1 {
            return self.apply_in_parts(market, range, threads, on_progress);
        }
        self.walk(range, on_progress, |step| match step {
            Step::Turn(turn) => {
                turn.happen(market);
                Ok(())
            }
            Step::Records(_, records) => market.apply_all(records),
        })
    }

    /// What happens to an instrument's books before a position.
    pub(super) fn turns_of(&self, instrument_id: u32, position: u64) -> impl Iterator<Item = &(u64, Turn)> {
        let places = self.turns_by_instrument.get(&instrument_id).map(Vec::as_slice).unwrap_or_default();
        let turns = places.iter().filter_map(|&place| self.turns.get(place as usize));
        turns.take_while(move |(index, _)| *index < position)
    }

    /// The market after the first `position` records, all books or one alone. The first call goes along the tape to there
    /// and builds the index on the way; from then on it takes milliseconds, forwards or backwards.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a position outside the tape; those of [`Tape::walk`]; whatever `on_progress` returns.
    pub fn market_at(
        &self,
        position: u64,
        only: Option<BookKey>,
        on_progress: Progress<'_>,
    ) -> Result<Market> {
        self.check_position("position", position)?;
        self.keyframes.market_at(self, position, only, on_progress)
    }

    /// Builds the index to the end of the tape.
    ///
    /// # Errors
    /// Those of [`Tape::walk`]; what is built until then stays.
    pub fn build_keyframes(&self, on_progress: Progress<'_>) -> Result<()> {
        self.keyframes.extend(self, self.len, on_progress)
    }
}

impl Turn {
    /// Whose books it happens to; 0 where that may be any.
    #[must_use]
    pub const fn instrument_id(&self) -> u32 {
        match self {
            Self::Name(instrument_id, _) | Self::Settle(BookKey { instrument_id, .. }, _) => *instrument_id,
            Self::Miss(Some(key)) => key.instrument_id,
            Self::Miss(None) => 0,
        }
    }

    pub(super) fn happen(&self, market: &mut Market) {
        match self {
            Self::Name(instrument_id, symbol) => market.name(*instrument_id, symbol),
            Self::Settle(key, price) => market.settle(*key, *price),
            Self::Miss(of) => market.miss(*of, market.position()),
        }
    }
}
