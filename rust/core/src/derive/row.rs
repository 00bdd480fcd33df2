//! Rows as DBN stores them.

use zerocopy::{Immutable, IntoBytes};

use crate::book::LevelView;
use crate::types::{BookKey, MboRecord, Price, Side};

/// What every row but a bar begins with; a trade is no more than this.
#[derive(Clone, Copy, Debug, IntoBytes, Immutable)]
#[repr(C)]
pub(super) struct Head {
    /// Length of the row in 4-byte words.
    pub length: u8,
    pub rtype: u8,
    pub publisher_id: u16,
    pub instrument_id: u32,
    pub ts_event: u64,
    pub price: i64,
    pub size: u32,
    /// 0 in sampled rows, which have no action.
    pub action: u8,
    pub side: u8,
    pub flags: u8,
    pub depth: u8,
    pub ts_recv: u64,
    /// 0 in sampled rows.
    pub ts_in_delta: i32,
    pub sequence: u32,
}

impl Head {
    /// What a row copies from the record that gave rise to it.
    #[inline]
    pub(super) const fn of(record: &MboRecord, rtype: u8, levels: usize) -> Self {
        Self {
            length: ((size_of::<Self>() + levels * size_of::<Pair>()) / 4) as u8,
            rtype,
            publisher_id: record.publisher_id,
            instrument_id: record.instrument_id,
            ts_event: record.ts_event,
            price: record.price,
            size: record.size,
            action: record.action,
            side: record.side,
            flags: record.flags,
            depth: 0,
            ts_recv: record.ts_recv,
            ts_in_delta: record.ts_in_delta,
            sequence: record.sequence,
        }
    }

    pub(super) const fn key(&self) -> BookKey {
        BookKey { publisher_id: self.publisher_id, instrument_id: self.instrument_id }
    }
}

/// One level of both sides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, IntoBytes, Immutable)]
#[repr(C)]
pub(super) struct Pair {
    pub bid_price: i64,
    pub ask_price: i64,
    pub bid_size: u32,
    pub ask_size: u32,
    pub bid_count: u32,
    pub ask_count: u32,
}

impl Pair {
    /// No level on either side.
    pub(super) const NONE: Self = Self {
        bid_price: Price::UNDEF.0,
        ask_price: Price::UNDEF.0,
        bid_size: 0,
        ask_size: 0,
        bid_count: 0,
        ask_count: 0,
    };

    #[inline]
    pub(super) const fn price(&self, side: Side) -> i64 {
        match side {
            Side::Bid => self.bid_price,
            Side::Ask => self.ask_price,
        }
    }

    /// One side of it, as (price, size, count).
    #[inline]
    pub(super) const fn half(&self, side: Side) -> (i64, u32, u32) {
        match side {
            Side::Bid => (self.bid_price, self.bid_size, self.bid_count),
            Side::Ask => (self.ask_price, self.ask_size, self.ask_count),
        }
    }

    #[inline]
    pub(super) const fn set_half(&mut self, side: Side, (price, size, count): (i64, u32, u32)) {
        match side {
            Side::Bid => (self.bid_price, self.bid_size, self.bid_count) = (price, size, count),
            Side::Ask => (self.ask_price, self.ask_size, self.ask_count) = (price, size, count),
        }
    }
}

/// A level as a row shows it; a size that does not fit its 32 bits is the largest that does.
#[inline]
pub(super) fn half(level: Option<LevelView>) -> (i64, u32, u32) {
    level.map_or((Price::UNDEF.0, 0, 0), |level| {
        (level.price.0, u32::try_from(level.size).unwrap_or(u32::MAX), level.count)
    })
}

/// A row of best prices every interval.
#[derive(Clone, Copy, Debug, IntoBytes, Immutable)]
#[repr(C)]
pub(super) struct Sample {
    pub head: Head,
    pub best: Pair,
}

/// A bar.
#[derive(Clone, Copy, Debug, IntoBytes, Immutable)]
#[repr(C)]
pub(super) struct Bar {
    /// Length of the row in 4-byte words.
    pub length: u8,
    pub rtype: u8,
    pub publisher_id: u16,
    pub instrument_id: u32,
    pub ts_event: u64,
    pub open: i64,
    pub high: i64,
    pub low: i64,
    pub close: i64,
    pub volume: u64,
}
