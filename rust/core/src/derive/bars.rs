//! Open, high, low, close and volume of every interval: ohlcv.

use super::interval::{Edge, Interval};
use super::is_trade;
use super::row::Bar;
use crate::types::{MboRecord, Price};

#[derive(Clone, Debug)]
pub(super) struct Bars {
    rtype: u8,
    interval: Interval<Bar>,
}

impl Bars {
    pub(super) const fn new(rtype: u8, length: u64) -> Self {
        Self { rtype, interval: Interval::new(length, Edge::Start) }
    }

    #[inline]
    pub(super) fn apply(&mut self, record: &MboRecord, out: &mut Vec<u8>) {
        let ts_event = self.interval.advance(record.ts_recv(), out);
        if !is_trade(record) {
            return;
        }
        let none = Price::UNDEF.0;
        let bar = self.interval.row(record.key()).or_insert(Bar {
            length: (size_of::<Bar>() / 4) as u8,
            rtype: self.rtype,
            publisher_id: record.publisher_id,
            instrument_id: record.instrument_id,
            ts_event,
            open: none,
            high: none,
            low: none,
            close: none,
            volume: 0,
        });
        bar.volume = bar.volume.saturating_add(u64::from(record.size));
        if !record.price().is_defined() {
            return;
        }
        if bar.open == none {
            (bar.open, bar.high, bar.low) = (record.price, record.price, record.price);
        }
        bar.high = bar.high.max(record.price);
        bar.low = bar.low.min(record.price);
        bar.close = record.price;
    }

    #[inline]
    pub(super) fn pass(&mut self, record: &MboRecord, out: &mut Vec<u8>) {
        self.interval.advance(record.ts_recv(), out);
    }

    pub(super) fn forget(&mut self, instrument_id: u32) {
        self.interval.end_instrument(instrument_id);
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        self.interval.close(out);
    }
}
