//! What instrument ids mean along a tape, and where that changes.
//!
//! An id is unique only within one dataset and one day. Where metadata or a mapping record gives it another symbol, its
//! books start again.

use std::collections::BTreeMap;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::{Tape, Turn};
use crate::error::Result;
use crate::feed::{AsideFact, Interval};
use crate::types::{BookKey, Nanos};

/// Symbols by instrument id.
pub(super) type Symbols = BTreeMap<u32, String>;

/// What happens to books, in order, with the index of the record that each precedes.
pub(super) type Turns = Vec<(u64, Turn)>;

/// Symbols by id, and everything that happens to books between records, in order.
pub(super) fn read(tape: &Tape) -> Result<(Symbols, Turns)> {
    let (first, later) = tape.metadata.meanings();
    let named = |interval: Interval| Turn::Name(interval.instrument_id, interval.symbol);
    let mut turns: Turns = first.into_iter().map(|interval| (0, named(interval))).collect();
    turns.extend(tape.facts.iter().map(|(index, fact)| (*index, turn_of(fact))));
    for interval in later {
        let from = if Some(interval.start) <= tape.start() {
            Some(0)
        } else {
            tape.first_after(0, Nanos(interval.start.0.saturating_sub(1)))?
        };
        turns.extend(from.map(|index| (index, named(interval))));
    }
    // Stable: at one place, mapping records come before what the metadata says of the day that begins there.
    turns.sort_by_key(|(index, _)| *index);
    let mut symbols = Symbols::new();
    for (_, turn) in &turns {
        turn.tell(&mut symbols);
    }
    Ok((symbols, turns))
}

/// What a fact does to books.
pub(super) fn turn_of(fact: &AsideFact) -> Turn {
    match fact {
        AsideFact::Symbol { instrument_id, symbol } => Turn::Name(*instrument_id, symbol.clone()),
        &AsideFact::Settlement { publisher_id, instrument_id, price } => {
            Turn::Settle(BookKey { publisher_id, instrument_id }, price)
        }
        AsideFact::Missing { of, .. } => Turn::Miss(*of),
    }
}

impl Turn {
    /// Takes note of what it says an instrument id means.
    pub(super) fn tell(&self, symbols: &mut Symbols) {
        if let Self::Name(instrument_id, symbol) = self {
            symbols.insert(*instrument_id, symbol.clone());
        }
    }
}

/// Places of turns by the instrument they are about.
pub(super) fn by_instrument(turns: &Turns) -> HashMap<u32, Vec<u32>, FixedState> {
    let mut places: HashMap<u32, Vec<u32>, FixedState> = HashMap::default();
    for (place, (_, turn)) in (0..).zip(turns) {
        places.entry(turn.instrument_id()).or_default().push(place);
    }
    places
}
