//! What instrument ids mean along a tape, and where that changes.
//!
//! An id is unique only within one dataset and one day. Where metadata or a mapping record gives it another symbol, its
//! books start again.

use std::collections::BTreeMap;

use super::Turn;
use crate::feed::{Aside, AsideFact, Metadata};
use crate::types::{BookKey, MboRecord, Nanos};

/// Symbols by id, and everything that happens to books between records, in order.
pub(super) fn read(
    metadata: &Metadata,
    records: &[MboRecord],
    aside: &[Aside],
) -> (BTreeMap<u32, String>, Vec<(u64, Turn)>) {
    let (first, last) = match (records.first(), records.last()) {
        (Some(first), Some(last)) => (first.ts_recv(), last.ts_recv()),
        _ => (Nanos(0), Nanos::UNDEF),
    };
    let mut symbols = BTreeMap::new();
    let mut turns = Vec::new();
    for interval in metadata.intervals() {
        if interval.start > last && symbols.contains_key(&interval.instrument_id) {
            continue;
        }
        let before = symbols.insert(interval.instrument_id, interval.symbol.clone());
        let turn = Turn::Name(interval.instrument_id, interval.symbol.clone());
        if before.is_none_or(|before| before == interval.symbol) || interval.start <= first {
            turns.push((0, turn));
        } else if let Some(index) = records.iter().position(|record| record.ts_recv() >= interval.start) {
            turns.push((index as u64, turn));
        }
    }
    for other in aside {
        match other.fact() {
            Some(AsideFact::Symbol { instrument_id, symbol }) => {
                symbols.insert(instrument_id, symbol.clone());
                turns.push((other.index, Turn::Name(instrument_id, symbol)));
            }
            Some(AsideFact::Settlement { publisher_id, instrument_id, price }) => {
                let key = BookKey { publisher_id, instrument_id };
                turns.push((other.index, Turn::Settle(key, price)));
            }
            None => {}
        }
    }
    // Stable: a mapping's reset comes before a settlement that the same place brought.
    turns.sort_by_key(|(index, _)| *index);
    (symbols, turns)
}
