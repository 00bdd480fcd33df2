//! What went wrong on a tape, and how far each book can be trusted: the numbers, ready to serialize.

use serde::Serialize;

use crate::book::{Book, FillCounts, LevelView};
use crate::error::{Error, Result};
use crate::market::{CompleteSince, Entry, Market};
use crate::matching::{Bbo, Matched, Uncross, View, bbo, uncross};
use crate::types::{AnomalyCounts, BookKey, Nanos, Price, Side};

/// The audit of everything a market has applied.
#[derive(Debug, Serialize)]
pub struct Audit {
    records: u64,
    event_ends: u64,
    crossed_event_ends: u64,
    locked_event_ends: u64,
    anomalies: AnomalyCounts,
    first_anomalies: Vec<FirstAnomaly>,
    fills: Fills,
    crossed_periods: Vec<Period>,
    crossed_periods_omitted: u64,
    books: Vec<BookAudit>,
}

/// The first anomaly of a kind, in words.
#[derive(Debug, Serialize)]
struct FirstAnomaly {
    kind: &'static str,
    index: u64,
    #[serde(flatten)]
    key: BookKey,
    message: String,
}

/// How fills met the queues: evidence that the queues are right.
#[derive(Debug, Default, Serialize)]
struct Fills {
    groups: u64,
    out_of_turn: u64,
    unknown_orders: u64,
    away_from_limit: u64,
    iceberg_refreshes: u64,
}

#[derive(Debug, Serialize)]
struct Period {
    #[serde(flatten)]
    key: BookKey,
    start: Nanos,
    end: Nanos,
    event_ends: u64,
    trades: u64,
}

#[derive(Debug, Serialize)]
struct BookAudit {
    #[serde(flatten)]
    key: BookKey,
    symbol: Option<String>,
    orders: usize,
    bid_levels: usize,
    ask_levels: usize,
    bid: Option<Level>,
    ask: Option<Level>,
    matched_bid: Option<Level>,
    matched_ask: Option<Level>,
    executions: Executions,
    uncross: Option<Indication>,
    suspect: Option<String>,
    confidence: Confidence,
}

/// A level, its price once exact and once for people.
#[derive(Debug, Serialize)]
pub struct Level {
    price: Price,
    price_f: f64,
    size: u64,
    count: u32,
}

/// What the matched view traded.
#[derive(Debug, Default, Serialize)]
pub struct Executions {
    count: usize,
    size: u64,
}

/// The indicative auction result.
#[derive(Debug, Serialize)]
pub struct Indication {
    price: Price,
    price_f: f64,
    size: u64,
    imbalance: u64,
    side: Option<Side>,
}

#[derive(Debug, Serialize)]
struct Confidence {
    /// `null`: the data began mid-session, and neither a snapshot nor a clear came since.
    complete_since: Option<CompleteSince>,
    /// Share of the visible size whose orders the data showed entering, 0 to 1.
    size_seen_entering: f64,
}

impl Audit {
    /// Audits a market whose tape ends here.
    #[must_use]
    pub fn of(market: &Market) -> Self {
        let tally = market.tally();
        let mut fills = Fills::default();
        let mut periods = Vec::new();
        let mut omitted = 0;
        for Entry { key, book, watch, .. } in market.entries() {
            fills.add(book.fills());
            omitted += watch.crossed_periods_omitted();
            periods.extend(watch.crossed_periods().map(|period| Period {
                key: *key,
                start: period.start,
                end: period.end,
                event_ends: period.event_ends,
                trades: period.trades,
            }));
        }
        Self {
            records: market.position(),
            event_ends: tally.event_ends,
            crossed_event_ends: tally.crossed_event_ends,
            locked_event_ends: tally.locked_event_ends,
            anomalies: market.anomalies_at_end(),
            first_anomalies: first_anomalies(market),
            fills,
            crossed_periods: periods,
            crossed_periods_omitted: omitted,
            books: market.entries().iter().map(|entry| BookAudit::of(market, entry)).collect(),
        }
    }
}

impl Audit {
    /// The audit as JSON.
    ///
    /// # Errors
    /// [`Error::Invariant`] if it does not serialize, which only a bug can cause.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        to_json(self)
    }
}

/// A value as JSON.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value)
        .map_err(|error| Error::Invariant(format!("a value does not serialize: {error}")))
}

fn first_anomalies(market: &Market) -> Vec<FirstAnomaly> {
    let firsts = market.first_anomalies();
    firsts
        .map(|first| FirstAnomaly {
            kind: first.anomaly.kind().name(),
            index: first.index,
            key: first.key,
            message: first.anomaly.to_string(),
        })
        .collect()
}

impl Fills {
    const fn add(&mut self, counts: FillCounts) {
        self.groups += counts.groups;
        self.out_of_turn += counts.out_of_turn;
        self.unknown_orders += counts.unknown_orders;
        self.away_from_limit += counts.away_from_limit;
        self.iceberg_refreshes += counts.iceberg_refreshes;
    }
}

impl BookAudit {
    fn of(market: &Market, entry: &Entry) -> Self {
        let Entry { key, book, watch, .. } = entry;
        let published = bbo(book, View::Published);
        let matched = Matched::of(book);
        let Bbo { bid, ask } = matched.bbo();
        Self {
            key: *key,
            symbol: market.symbols().get(&key.instrument_id).cloned(),
            orders: book.order_count(),
            bid_levels: book.level_count(Side::Bid),
            ask_levels: book.level_count(Side::Ask),
            bid: published.bid.map(Level::from),
            ask: published.ask.map(Level::from),
            matched_bid: bid.map(Level::from),
            matched_ask: ask.map(Level::from),
            executions: Executions::of(&matched),
            uncross: uncross(book, watch.reference()).map(Indication::from),
            suspect: market.suspicion(entry),
            confidence: Confidence {
                complete_since: watch.complete_since,
                size_seen_entering: size_seen_entering(book),
            },
        }
    }
}

fn size_seen_entering(book: &Book) -> f64 {
    let (bid_size, bid_seen) = book.size_seen_entering(Side::Bid);
    let (ask_size, ask_seen) = book.size_seen_entering(Side::Ask);
    let visible = bid_size + ask_size;
    if visible == 0 { 1.0 } else { (bid_seen + ask_seen) as f64 / visible as f64 }
}

impl From<LevelView> for Level {
    fn from(LevelView { price, size, count }: LevelView) -> Self {
        Self { price, price_f: price.as_f64(), size, count }
    }
}

impl Executions {
    /// Counts those of a matched view.
    #[must_use]
    pub fn of(matched: &Matched<'_>) -> Self {
        let executions = matched.executions();
        let size = executions.iter().map(|execution| u64::from(execution.size)).sum();
        Self { count: executions.len(), size }
    }
}

impl From<Uncross> for Indication {
    fn from(Uncross { price, size, imbalance, side }: Uncross) -> Self {
        Self { price, price_f: price.as_f64(), size, imbalance, side }
    }
}
