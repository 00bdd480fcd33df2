//! Answers to single questions: a book as it is, a page of records, what a tape holds.

use serde::Serialize;

use crate::audit::{Executions, Indication, Level, to_json};
use crate::book::Overlap;
use crate::error::Result;
use crate::feed::publisher_name;
use crate::market::{Entry, Market};
use crate::matching::{Matched, View, uncross};
use crate::tape::Tape;
use crate::types::{MboRecord, Nanos, Price, Side};

#[derive(Serialize)]
struct BookState {
    /// Records applied.
    index: u64,
    ts_recv: Option<Nanos>,
    instrument_id: u32,
    symbol: Option<String>,
    publisher_id: u16,
    publisher: String,
    view: &'static str,
    bids: Vec<Rung>,
    asks: Vec<Rung>,
    order_count: usize,
    bid_levels: usize,
    ask_levels: usize,
    crossed: bool,
    locked: bool,
    suspect: Option<String>,
    uncross: Option<Indication>,
    executions: Executions,
}

#[derive(Serialize)]
struct Rung {
    #[serde(flatten)]
    level: Level,
    #[serde(skip_serializing_if = "Option::is_none")]
    orders: Option<Vec<Queued>>,
}

#[derive(Serialize)]
struct Queued {
    order_id: String,
    size: u32,
    priority_approximate: bool,
}

/// A book as JSON: `depth` levels a side, with their orders if asked.
///
/// # Errors
/// [`Error::Invariant`] if it does not serialize, which only a bug can cause.
pub fn book_state(market: &Market, entry: &Entry, depth: usize, view: View, orders: bool) -> Result<Vec<u8>> {
    let Entry { key, book, watch, .. } = entry;
    let matched = Matched::of(book);
    let rungs = |side: Side| -> Vec<Rung> {
        let levels: Vec<_> = match view {
            View::Matched => matched.levels(side).take(depth).collect(),
            View::Published => book.levels(side).take(depth).collect(),
        };
        let queue = |price: Price| -> Vec<Queued> {
            let queued = |order: crate::book::OrderView| Queued {
                order_id: order.order_id.to_string(),
                size: order.size,
                priority_approximate: order.priority_approximate,
            };
            match view {
                View::Matched => matched.queue(side, price).map(queued).collect(),
                View::Published => book.queue(side, price).map(queued).collect(),
            }
        };
        levels
            .into_iter()
            .map(|level| Rung { orders: orders.then(|| queue(level.price)), level: Level::from(level) })
            .collect()
    };
    let overlap = book.overlap();
    to_json(&BookState {
        index: market.position(),
        ts_recv: market.ts_recv(),
        instrument_id: key.instrument_id,
        symbol: market.symbols().get(&key.instrument_id).cloned(),
        publisher_id: key.publisher_id,
        publisher: publisher_name(key.publisher_id),
        view: view.name(),
        bids: rungs(Side::Bid),
        asks: rungs(Side::Ask),
        order_count: book.order_count(),
        bid_levels: book.level_count(Side::Bid),
        ask_levels: book.level_count(Side::Ask),
        crossed: overlap == Overlap::Crossed,
        locked: overlap == Overlap::Locked,
        suspect: market.suspicion(entry),
        uncross: uncross(book, watch.reference()).map(Indication::from),
        executions: Executions::of(&matched),
    })
}

#[derive(Serialize)]
struct Page {
    from: u64,
    next: u64,
    total: u64,
    records: Vec<RecordRow>,
}

/// A record as the record pages have it: serializes as an object, 64-bit values as strings.
#[derive(Debug, Serialize)]
pub struct RecordRow {
    index: u64,
    ts_event: Nanos,
    ts_recv: Nanos,
    publisher_id: u16,
    instrument_id: u32,
    order_id: String,
    price: Price,
    size: u32,
    flags: u8,
    channel_id: u8,
    action: char,
    side: char,
    ts_in_delta: i32,
    sequence: u32,
}

impl RecordRow {
    /// The record with an index.
    #[must_use]
    pub fn of(index: u64, record: &MboRecord) -> Self {
        Self {
            index,
            ts_event: Nanos(record.ts_event),
            ts_recv: record.ts_recv(),
            publisher_id: record.publisher_id,
            instrument_id: record.instrument_id,
            order_id: record.order_id.to_string(),
            price: record.price(),
            size: record.size,
            flags: record.flags,
            channel_id: record.channel_id,
            action: record.action as char,
            side: record.side as char,
            ts_in_delta: record.ts_in_delta,
            sequence: record.sequence,
        }
    }
}

/// Up to `limit` records from a position on, as JSON.
///
/// # Errors
/// [`Error::Parameter`] for a position outside the tape.
pub fn records_page(tape: &Tape, from: u64, limit: u64) -> Result<Vec<u8>> {
    tape.check_position("from", from)?;
    let next = tape.len().min(from.saturating_add(limit));
    let mut rows = Vec::new();
    for block in tape.blocks(from..next) {
        let (first, block) = block?;
        rows.extend((first..).zip(block.iter()).map(|(index, record)| RecordRow::of(index, record)));
    }
    to_json(&Page { from, next, total: tape.len(), records: rows })
}

#[derive(Serialize)]
struct Summary<'a> {
    id: String,
    name: &'a str,
    dataset: &'a str,
    dbn_version: u8,
    records: u64,
    start: Option<Nanos>,
    end: Option<Nanos>,
    start_iso: Option<String>,
    end_iso: Option<String>,
    left: Option<&'a str>,
    books: Vec<BookSummary>,
    other_records: &'a std::collections::BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct BookSummary {
    instrument_id: u32,
    symbol: Option<String>,
    publisher_id: u16,
    publisher: String,
    records: u64,
}

/// What a tape holds, as JSON.
///
/// # Errors
/// [`Error::Invariant`] if it does not serialize, which only a bug can cause.
pub fn summary(tape: &Tape) -> Result<Vec<u8>> {
    let books = tape.books().iter().map(|&(key, records)| BookSummary {
        instrument_id: key.instrument_id,
        symbol: tape.symbols().get(&key.instrument_id).cloned(),
        publisher_id: key.publisher_id,
        publisher: publisher_name(key.publisher_id),
        records,
    });
    to_json(&Summary {
        id: tape.id(),
        name: tape.name(),
        dataset: tape.metadata().dataset(),
        dbn_version: tape.metadata().version(),
        records: tape.len(),
        start: tape.start(),
        end: tape.end(),
        start_iso: tape.start().map(|ts| ts.to_string()),
        end_iso: tape.end().map(|ts| ts.to_string()),
        left: tape.left(),
        books: books.collect(),
        other_records: tape.other_records(),
    })
}
