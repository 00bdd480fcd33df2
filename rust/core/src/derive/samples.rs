//! Best prices and the last trade at the end of every interval: bbo-1s and bbo-1m.

use super::books::PerBook;
use super::interval::{Edge, Interval};
use super::quotes::{Form, Quotes};
use super::row::Sample;
use crate::market::Entry;
use crate::types::{BookKey, MboRecord, Nanos, Notes, Price, Side};

#[derive(Clone, Debug)]
pub(super) struct Samples {
    form: Form,
    books: PerBook<Sampled>,
    interval: Interval<Sample>,
    notes: Notes,
}

#[derive(Clone, Debug, Default)]
struct Sampled {
    quotes: Quotes<1>,
    last_trade: Option<LastTrade>,
}

#[derive(Clone, Copy, Debug)]
struct LastTrade {
    ts_event: u64,
    price: i64,
    size: u32,
    side: u8,
}

impl LastTrade {
    const NONE: Self = Self { ts_event: Nanos::UNDEF.0, price: Price::UNDEF.0, size: 0, side: b'N' };
}

impl Samples {
    pub(super) fn new(form: Form, length: u64) -> Self {
        Self {
            form,
            books: PerBook::default(),
            interval: Interval::new(length, Edge::End),
            notes: Notes::default(),
        }
    }

    pub(super) fn has(&self, key: BookKey) -> bool {
        self.books.has(key)
    }

    /// Takes up books as they are, and their last trades; what those keep of a trade has no `ts_event`, only its `ts_recv`.
    pub(super) fn take_up<'a>(&mut self, entries: impl Iterator<Item = &'a Entry>) {
        let sampled = |entry: &Entry| Sampled {
            quotes: Quotes::after_event(&entry.book),
            last_trade: entry.watch.last_trade.map(|trade| LastTrade {
                ts_event: trade.ts_recv.0,
                price: trade.price.0,
                size: trade.size,
                side: trade.side.map_or(b'N', Side::code),
            }),
        };
        self.books.take_up(entries.map(|entry| (entry.key, sampled(entry))));
    }

    #[inline]
    pub(super) fn apply(&mut self, record: &MboRecord, out: &mut Vec<u8>) {
        let Self { form, books, interval, notes } = self;
        let ts_recv = interval.advance(record.ts_recv(), out);
        let Sampled { quotes, last_trade } = books.of(record.key());
        quotes.apply(record, *form, notes, &mut |update, best| {
            if update.action == b'T' {
                let &MboRecord { ts_event, price, size, side, .. } = record;
                *last_trade = Some(LastTrade { ts_event, price, size, side });
            }
            let LastTrade { ts_event, price, size, side } = last_trade.unwrap_or(LastTrade::NONE);
            let mut head = *update;
            (head.ts_event, head.price, head.size, head.side) = (ts_event, price, size, side);
            (head.action, head.depth, head.ts_in_delta, head.ts_recv) = (0, 0, 0, ts_recv);
            interval.row(head.key()).insert_entry(Sample { head, best: best[0] });
        });
    }

    #[inline]
    pub(super) fn pass(&mut self, record: &MboRecord, out: &mut Vec<u8>) {
        self.interval.advance(record.ts_recv(), out);
    }

    pub(super) fn forget(&mut self, instrument_id: u32) {
        self.interval.end_instrument(instrument_id);
        for sampled in self.books.of_instrument(instrument_id) {
            sampled.quotes.forget();
            sampled.last_trade = None;
        }
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        self.interval.close(out);
    }
}
