//! Records and books written the short way, for tests.
#![allow(dead_code, missing_docs)] // each test file uses its part

pub mod any;

use booktape_core::book::{Book, Effect, LevelView};
use booktape_core::matching::Matched;
use booktape_core::types::{Flags, MboRecord, Notes, Price, Side};

/// A price in whole units.
pub const fn px(whole: i64) -> Price {
    Price(whole * Price::SCALE)
}

pub const fn level(whole: i64, size: u64, count: u32) -> LevelView {
    LevelView { price: px(whole), size, count }
}

fn record(action: u8, order_id: u64, side: Side, whole: i64, size: u32) -> MboRecord {
    MboRecord {
        action,
        order_id,
        side: side.code(),
        price: px(whole).0,
        size,
        flags: Flags::LAST,
        ..MboRecord::default()
    }
}

pub fn add(order_id: u64, side: Side, whole: i64, size: u32) -> MboRecord {
    record(b'A', order_id, side, whole, size)
}

pub fn cancel(order_id: u64, side: Side, whole: i64, size: u32) -> MboRecord {
    record(b'C', order_id, side, whole, size)
}

pub fn modify(order_id: u64, side: Side, whole: i64, size: u32) -> MboRecord {
    record(b'M', order_id, side, whole, size)
}

pub fn fill(order_id: u64, side: Side, whole: i64, size: u32) -> MboRecord {
    record(b'F', order_id, side, whole, size)
}

pub fn trade(side: Side, whole: i64, size: u32) -> MboRecord {
    record(b'T', 0, side, whole, size)
}

pub fn clear() -> MboRecord {
    MboRecord { action: b'R', flags: Flags::LAST, ..MboRecord::default() }
}

/// A book, its notes, and what the last record did. Every record is followed by a check of all invariants.
pub struct Desk {
    pub book: Book,
    pub notes: Notes,
    pub effect: Effect,
}

impl Desk {
    pub fn after(records: &[MboRecord]) -> Self {
        let mut desk = Self { book: Book::new(), notes: Notes::default(), effect: Effect::Unchanged };
        for record in records {
            desk.apply(record);
        }
        desk
    }

    pub fn apply(&mut self, record: &MboRecord) {
        self.effect = self.book.apply(record, &mut self.notes);
        let checked = self.book.check().and_then(|()| Matched::of(&self.book).check());
        assert!(checked.is_ok(), "after {record:?}: {checked:?}");
    }

    pub fn queue(&self, side: Side, whole: i64) -> Vec<u64> {
        self.book.queue(side, px(whole)).map(|order| order.order_id).collect()
    }
}
