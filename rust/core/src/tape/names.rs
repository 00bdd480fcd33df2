//! What metadata say that instrument ids mean, along a tape that grows.
//!
//! The metadata that a tape begins with speak from its first record on, as those of a file do. Those of a later session speak
//! from their first record on, and only where they say something new: a book must not start again because a session did.

use std::collections::VecDeque;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::reel::Reel;
use super::symbols::{Symbols, Turns};
use super::{Tape, Turn};
use crate::error::Result;
use crate::feed::{Interval, Metadata};
use crate::types::Nanos;

/// Meanings to come.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Of a session whose first record has not come, by id and start.
    session: Vec<Interval>,
    /// Of the others, by start.
    later: VecDeque<Interval>,
}

impl Names {
    /// What the metadata of a tape that goes on have not said yet.
    pub(super) fn of(tape: &Tape) -> Self {
        let (_, mut later) = tape.metadata.meanings();
        later.retain(|interval| tape.end().is_none_or(|end| interval.start > end));
        later.sort_by_key(|interval| interval.start);
        Self { session: Vec::new(), later: later.into() }
    }

    /// What the metadata of a session that goes on say of later times.
    pub(super) fn after(session: &Metadata, ts: Nanos) -> Self {
        let mut later = session.intervals();
        later.retain(|interval| interval.start > ts);
        later.sort_by_key(|interval| interval.start);
        Self { session: Vec::new(), later: later.into() }
    }

    /// Another session begins, and with it what its metadata say.
    pub(super) fn begin(&mut self, metadata: &Metadata) {
        self.session = metadata.intervals();
        self.later.clear();
    }

    /// What happens along the next reel, which begins at an index, beside what records of other types say there.
    pub(super) fn along(&mut self, symbols: &Symbols, said: &Turns, base: u64, reel: &Reel) -> Result<Turns> {
        let mut turns = Turns::new();
        if let Some(first) = reel.block(0)?.first() {
            self.resolve(symbols, said, base, first.ts_recv(), &mut turns);
        }
        while let Some(next) = self.later.front() {
            // The first record at or after it.
            let Some(at) = reel.first_after(0, Nanos(next.start.0.saturating_sub(1)))? else { break };
            let Some(next) = self.later.pop_front() else { break };
            turns.push((base + at, Turn::Name(next.instrument_id, next.symbol)));
        }
        Ok(turns)
    }

    /// A session's first record has come: what ids mean then, where that is new, and what they will mean.
    fn resolve(&mut self, symbols: &Symbols, said: &Turns, base: u64, ts: Nanos, turns: &mut Turns) {
        if self.session.is_empty() {
            return;
        }
        let mut meant: HashMap<u32, &str, FixedState> = HashMap::default();
        for (_, turn) in said.iter().take_while(|(index, _)| *index <= base) {
            if let Turn::Name(id, symbol) = turn {
                meant.insert(*id, symbol);
            }
        }
        for of_id in self.session.chunk_by(|a, b| a.instrument_id == b.instrument_id) {
            let begun = of_id.partition_point(|interval| interval.start <= ts).max(1);
            let (until, later) = of_id.split_at(begun.min(of_id.len()));
            let Some(Interval { instrument_id, symbol, .. }) = until.last() else { continue };
            let before = meant.get(instrument_id).copied().or(symbols.get(instrument_id).map(String::as_str));
            if before != Some(symbol) {
                turns.push((base, Turn::Name(*instrument_id, symbol.clone())));
            }
            self.later.extend(later.iter().cloned());
        }
        self.later.make_contiguous().sort_by_key(|interval| interval.start);
        self.session.clear();
    }
}
