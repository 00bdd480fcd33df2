//! What is seen around one book: trades, event ends at which it was crossed, and how far it can be trusted.

use serde::Serialize;

use crate::book::{Book, Effect, Overlap};
use crate::matching::{Bbo, View, bbo};
use crate::types::{Action, Anomaly, MboRecord, Nanos, Notes, Price, Side};

/// Periods kept per book; further ones are only counted.
const PERIODS_KEPT: usize = 1_000;

/// Why a book is known to be complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A snapshot.
    Snapshot,
    /// The venue cleared it.
    Clear,
}

/// From when on a book is known to be complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct CompleteSince {
    /// Why.
    pub cause: Cause,
    /// Number of the record.
    pub index: u64,
    /// Its time.
    pub ts_recv: Nanos,
}

/// A trade as printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trade {
    /// Its price.
    pub price: Price,
    /// Its quantity.
    pub size: u32,
    /// The aggressor's side, if the venue says.
    pub side: Option<Side>,
    /// Its time.
    pub ts_recv: Nanos,
}

/// Consecutive event ends at which a book was crossed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CrossedPeriod {
    /// Time of the first.
    pub start: Nanos,
    /// Time of the last.
    pub end: Nanos,
    /// How many.
    pub event_ends: u64,
    /// Trades printed meanwhile.
    pub trades: u64,
}

/// What is seen around one book.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Matched best prices at the last event end, kept while an event is under way.
    pub(super) settled: Bbo,
    /// How the book stood at its last event end.
    pub(super) overlap: Overlap,
    /// Channel of the latest record.
    pub channel_id: u8,
    /// Number of the last record that emptied or rebuilt the book.
    pub reset_at: Option<u64>,
    /// From when on it is known to be complete.
    pub complete_since: Option<CompleteSince>,
    /// Number of the trade that printed while the book was crossed, until it is crossed no more.
    pub crossed_trade: Option<u64>,
    /// The last trade that had a price.
    pub last_trade: Option<Trade>,
    /// Settlement price, if the venue sent one.
    pub settlement: Option<Price>,
    /// Sum of the sizes of all trades (T, not F).
    pub volume: u64,
    /// The period that lasts still.
    pub(super) crossed: Option<CrossedPeriod>,
    pub(super) past_crossed: Vec<CrossedPeriod>,
    pub(super) periods_omitted: u64,
}

impl Watch {
    /// Looks at a record before it is applied.
    #[inline]
    pub(super) fn before(&mut self, book: &Book, record: &MboRecord, index: u64, notes: &mut Notes) {
        let flags = record.flags();
        self.channel_id = record.channel_id;
        if !flags.is_last() && !book.is_mid_event() {
            self.settled = bbo(book, View::Matched);
        }
        if record.action == Action::Trade as u8 {
            self.trade(book, record, index, notes);
        }
    }

    /// Looks at a record after it was applied.
    #[inline]
    pub(super) fn after(&mut self, record: &MboRecord, effect: &Effect, index: u64) {
        if record.action == Action::Clear as u8 || record.flags().is_snapshot() {
            self.reset(record, effect, index);
        }
    }

    fn trade(&mut self, book: &Book, record: &MboRecord, index: u64, notes: &mut Notes) {
        let Ok(side) = record.side() else { return };
        let price = record.price();
        self.volume += u64::from(record.size);
        if price.is_defined() {
            self.last_trade = Some(Trade { price, size: record.size, side, ts_recv: record.ts_recv() });
        }
        if self.overlap != Overlap::Crossed {
            return;
        }
        if let Some(period) = &mut self.crossed {
            period.trades += 1;
        }
        if side.is_some() && price.is_defined() {
            self.crossed_trade.get_or_insert(index);
            let (bid, ask) = (book.best_price(Side::Bid), book.best_price(Side::Ask));
            notes.note(Anomaly::CrossedWhileTrading { price, bid, ask });
        }
    }

    /// A clear or a record of a snapshot: what was doubtful about the book before it is so no more.
    fn reset(&mut self, record: &MboRecord, effect: &Effect, index: u64) {
        if matches!(effect, Effect::Skipped(Anomaly::InvalidRecord { .. })) {
            return;
        }
        let cause = if record.flags().is_snapshot() { Cause::Snapshot } else { Cause::Clear };
        self.reset_at = Some(index);
        self.complete_since = Some(CompleteSince { cause, index, ts_recv: record.ts_recv() });
    }

    /// The instrument id means something else from here on: nothing seen before counts.
    pub(super) fn forget(&mut self, index: u64) {
        self.reset_at = Some(index);
        self.complete_since = None;
        self.crossed_trade = None;
        self.last_trade = None;
        self.settlement = None;
    }

    /// How the book stood at its last event end.
    #[inline]
    pub(super) const fn overlap(&self) -> Overlap {
        self.overlap
    }

    /// An event ended, and the book overlaps now or did at the last event end.
    #[cold]
    pub(super) fn event_end(&mut self, overlap: Overlap, ts: Nanos) {
        self.overlap = overlap;
        if overlap == Overlap::Crossed {
            let period =
                self.crossed.get_or_insert(CrossedPeriod { start: ts, end: ts, event_ends: 0, trades: 0 });
            period.end = ts;
            period.event_ends += 1;
            return;
        }
        self.crossed_trade = None;
        if let Some(period) = self.crossed.take() {
            if self.past_crossed.len() < PERIODS_KEPT {
                self.past_crossed.push(period);
            } else {
                self.periods_omitted += 1;
            }
        }
    }

    /// Matched best prices of the book at its last event end.
    #[must_use]
    pub fn settled_bbo(&self, book: &Book) -> Bbo {
        if book.is_mid_event() { self.settled } else { bbo(book, View::Matched) }
    }

    /// Reference price of an auction: prior settlement, else last trade.
    #[must_use]
    pub fn reference(&self) -> Option<Price> {
        self.settlement.or(self.last_trade.map(|trade| trade.price))
    }

    /// When the book was crossed, oldest first.
    pub fn crossed_periods(&self) -> impl Iterator<Item = &CrossedPeriod> + '_ {
        self.past_crossed.iter().chain(&self.crossed)
    }

    /// Crossed periods beyond those listed.
    #[must_use]
    pub const fn crossed_periods_omitted(&self) -> u64 {
        self.periods_omitted
    }
}
