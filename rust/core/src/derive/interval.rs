//! Rows that stand for an interval of time, written when the clock leaves it.

use std::collections::BTreeMap;

use zerocopy::{Immutable, IntoBytes};

use crate::types::{BookKey, Nanos};

/// Which moment names an interval, and which of its two ends it includes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Edge {
    /// Start inclusive, end exclusive.
    Start,
    /// Start exclusive, end inclusive.
    End,
}

/// The rows of the interval that is open, at most one a book.
#[derive(Clone, Debug)]
pub(super) struct Interval<R> {
    length: u64,
    edge: Edge,
    /// The latest time seen: one that goes back counts in the interval that is open.
    clock: u64,
    /// The moment that names the open interval.
    stamp: u64,
    /// By instrument, then publisher: the order in which they are written.
    rows: BTreeMap<(u32, u16), R>,
    /// Rows of instruments whose number means another one by now.
    ended: Vec<R>,
}

impl<R: IntoBytes + Immutable> Interval<R> {
    pub(super) const fn new(length: u64, edge: Edge) -> Self {
        Self { length, edge, clock: 0, stamp: 0, rows: BTreeMap::new(), ended: Vec::new() }
    }

    /// The clock moves on; rows of an interval it leaves are written. Returns the moment that names the open interval.
    #[inline]
    pub(super) fn advance(&mut self, ts_recv: Nanos, out: &mut Vec<u8>) -> u64 {
        if !self.ended.is_empty() {
            self.write_ended(out);
        }
        if ts_recv.0 > self.clock && ts_recv != Nanos::UNDEF {
            self.clock = ts_recv.0;
            let stamp = self.stamp_of(ts_recv.0);
            if stamp != self.stamp {
                self.close(out);
                self.stamp = stamp;
            }
        }
        self.stamp
    }

    #[inline]
    const fn stamp_of(&self, ts: u64) -> u64 {
        match self.edge {
            Edge::Start => ts - ts % self.length,
            Edge::End => ts.div_ceil(self.length).saturating_mul(self.length),
        }
    }

    /// The row of a book in the open interval.
    #[inline]
    pub(super) fn row(&mut self, key: BookKey) -> std::collections::btree_map::Entry<'_, (u32, u16), R> {
        self.rows.entry((key.instrument_id, key.publisher_id))
    }

    /// The instrument is another one from here on: what it has so far is a row.
    pub(super) fn end_instrument(&mut self, instrument_id: u32) {
        let of_instrument = (instrument_id, u16::MIN)..=(instrument_id, u16::MAX);
        let keys: Vec<_> = self.rows.range(of_instrument).map(|(key, _)| *key).collect();
        self.ended.extend(keys.iter().filter_map(|key| self.rows.remove(key)));
    }

    /// Writes the rows of the open interval.
    pub(super) fn close(&mut self, out: &mut Vec<u8>) {
        self.write_ended(out);
        for row in self.rows.values() {
            out.extend_from_slice(row.as_bytes());
        }
        self.rows.clear();
    }

    fn write_ended(&mut self, out: &mut Vec<u8>) {
        for row in self.ended.drain(..) {
            out.extend_from_slice(row.as_bytes());
        }
    }
}
