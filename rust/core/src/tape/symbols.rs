//! What instrument ids mean along a tape, and where that changes.
//!
//! An id is unique only within one dataset and one day. Where metadata or a mapping record gives it another symbol, its
//! books start again.

use std::collections::BTreeMap;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::{Tape, Turn};
use crate::error::Result;
use crate::feed::AsideFact;
use crate::types::{BookKey, Nanos};

/// Symbols by instrument id.
pub(super) type Symbols = BTreeMap<u32, String>;

/// What happens to books, in order, with the index of the record that each precedes.
pub(super) type Turns = Vec<(u64, Turn)>;

/// Symbols by id, and everything that happens to books between records, in order.
pub(super) fn read(tape: &Tape) -> Result<(Symbols, Turns)> {
    let (first, last) = (tape.start().unwrap_or(Nanos(0)), tape.end().unwrap_or(Nanos::UNDEF));
    let mut symbols = Symbols::new();
    let mut turns = Turns::new();
    for interval in tape.metadata.intervals() {
        if interval.start > last && symbols.contains_key(&interval.instrument_id) {
            continue;
        }
        let before = symbols.insert(interval.instrument_id, interval.symbol.clone());
        let turn = Turn::Name(interval.instrument_id, interval.symbol.clone());
        if before.is_none_or(|before| before == interval.symbol) || interval.start <= first {
            turns.push((0, turn));
        } else if let Some(index) = tape.first_after(0, Nanos(interval.start.0.saturating_sub(1)))? {
            turns.push((index, turn));
        }
    }
    for (index, fact) in tape.facts.iter() {
        turns.push((*index, turn_of(fact, &mut symbols)));
    }
    // Stable: a mapping's reset comes before a settlement that the same place brought.
    turns.sort_by_key(|(index, _)| *index);
    Ok((symbols, turns))
}

/// What a fact does to books; takes note of what it says an instrument id means.
pub(super) fn turn_of(fact: &AsideFact, symbols: &mut Symbols) -> Turn {
    match fact {
        AsideFact::Symbol { instrument_id, symbol } => {
            symbols.insert(*instrument_id, symbol.clone());
            Turn::Name(*instrument_id, symbol.clone())
        }
        &AsideFact::Settlement { publisher_id, instrument_id, price } => {
            Turn::Settle(BookKey { publisher_id, instrument_id }, price)
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
