//! One order book: what each record does to it, rule by rule.
//!
//! Price levels stand in a tree per side, orders in a slab linked into FIFO queues, order ids in a hash table, so that
//! add, cancel and modify are O(1) once the level is known. The book is the *published* one: nothing here matches.
//!
//! | action | effect |
//! |---|---|
//! | A | to the back of its level; with `F_TOB` it replaces the side, with `F_MBP` it sets a level |
//! | C | takes `size` off the order, which leaves when nothing is left |
//! | M | the order's new state; its place is kept only if it shrinks at its price and no iceberg refreshed |
//! | R | empties the book |
//! | T, F, N | leave every queue as it is; F remembers what is gone, to tell an iceberg's refresh |

mod aggregate;
mod check;
mod fills;
mod image;
mod index;
mod ladder;
mod level;
mod queue;
mod read;

pub use fills::FillCounts;
pub use image::ImageError;
pub use read::{LevelView, OrderView, Overlap, Resting};

use crate::types::{Action, Anomaly, Flags, MboRecord, Notes, Price, Side};
use fills::Fills;
use index::Index;
use ladder::Ladder;
use level::{Level, Levels, NIL};
use queue::{Marks, Order, Orders};

/// What a record did to its book.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Nothing moved: T, F, N, R, an empty side.
    Unchanged,
    /// Quantity entered.
    Added {
        /// Its side.
        side: Side,
        /// Its price.
        price: Price,
        /// How much.
        size: u32,
    },
    /// Quantity left.
    Cancelled {
        /// Its side.
        side: Side,
        /// Its price.
        price: Price,
        /// How much really left.
        size: u32,
    },
    /// An order has a new state.
    Modified {
        /// The side it is on now.
        side: Side,
        /// Where it was.
        old_price: Price,
        /// Where it is.
        new_price: Price,
        /// What it was.
        old_size: u32,
        /// What it is.
        new_size: u32,
    },
    /// The record was not applied.
    Skipped(Anomaly),
}

/// An order book, exactly as the venue publishes it.
#[derive(Clone, Debug)]
pub struct Book {
    bids: Ladder,
    asks: Ladder,
    levels: Levels,
    orders: Orders,
    index: Index,
    /// Counts every taking of a place at the back of a queue.
    clock: u64,
    /// Counts events, from 1.
    event: u64,
    mid_event: bool,
    /// The next snapshot add begins a snapshot: a record outside one has come since the last.
    awaits_snapshot: bool,
    fills: Fills,
}

impl Default for Book {
    fn default() -> Self {
        Self::new()
    }
}

impl Book {
    /// An empty book.
    #[must_use]
    pub fn new() -> Self {
        Self {
            bids: Ladder::new(Side::Bid),
            asks: Ladder::new(Side::Ask),
            levels: Levels::default(),
            orders: Orders::default(),
            index: Index::default(),
            clock: 0,
            event: 1,
            mid_event: false,
            awaits_snapshot: true,
            fills: Fills::default(),
        }
    }

    /// Applies one record of this book's instrument and publisher. Anomalies are noted, and never stop anything.
    #[inline]
    pub fn apply(&mut self, record: &MboRecord, notes: &mut Notes) -> Effect {
        let flags = record.flags();
        if self.fills.is_pending() && !matches!(record.action, b'F' | b'T' | b'N') {
            self.judge_fills();
        }
        let effect = match (record.action(), record.side()) {
            (Some(Action::Add), Ok(Some(side))) => self.add(record, side, flags, notes),
            (Some(Action::Cancel), Ok(Some(side))) => self.cancel(record, side, flags, notes),
            (Some(Action::Modify), Ok(Some(side))) => self.modify(record, side, flags, notes),
            (Some(Action::Clear), Ok(None)) => self.clear(),
            (Some(Action::Fill), Ok(_)) => self.note_fill(record, notes),
            (Some(Action::Trade | Action::None), Ok(_)) => Effect::Unchanged,
            (None, _) => invalid(notes, record, "action", i64::from(record.action)),
            (Some(_), _) => invalid(notes, record, "side", i64::from(record.side)),
        };
        self.awaits_snapshot |= !flags.is_snapshot();
        self.mid_event = !flags.is_last();
        if flags.is_last() {
            if self.fills.is_pending() || self.fills.has_passed() {
                self.settle_fills();
            }
            self.event += 1;
        }
        effect
    }

    /// A: to the back of its level.
    #[inline]
    fn add(&mut self, record: &MboRecord, side: Side, flags: Flags, notes: &mut Notes) -> Effect {
        if flags.is_aggregate() {
            return self.add_aggregate(record, side, flags, notes);
        }
        if !record.price().is_defined() {
            return invalid(notes, record, "price", record.price);
        }
        if record.size == 0 {
            return skip(notes, Anomaly::ZeroSize { order_id: record.order_id, action: 'A' });
        }
        if flags.is_snapshot() {
            self.begin_snapshot();
        }
        if let Some(slot) = self.index.find(&self.orders, record.order_id) {
            return self.add_again(record, side, slot, notes);
        }
        self.enter(record, side, Marks::default());
        Effect::Added { side, price: record.price(), size: record.size }
    }

    /// Older files lack the R before a snapshot: its first add empties the book instead.
    pub(super) fn begin_snapshot(&mut self) {
        if self.awaits_snapshot {
            self.clear();
            self.awaits_snapshot = false;
        }
    }

    /// An add whose id is live already.
    #[cold]
    fn add_again(&mut self, record: &MboRecord, side: Side, slot: u32, notes: &mut Notes) -> Effect {
        let order_id = record.order_id;
        let size = self.orders.at(slot).size;
        let level = self.levels.at(self.orders.at(slot).level);
        let (old_side, price) = (level.side, level.price);
        if (old_side, price, size) == (side, record.price(), record.size) {
            return skip(notes, Anomaly::DuplicateAdd { order_id });
        }
        notes.note(Anomaly::ConflictingAdd { order_id, side: old_side, price, size });
        self.orders.at_mut(slot).marks = Marks::default();
        self.requeue(slot, side, record.price(), record.size);
        Effect::Modified {
            side,
            old_price: price,
            new_price: record.price(),
            old_size: size,
            new_size: record.size,
        }
    }

    /// C: `size` is what is removed, not what is left.
    #[inline]
    fn cancel(&mut self, record: &MboRecord, side: Side, flags: Flags, notes: &mut Notes) -> Effect {
        if !record.price().is_defined() {
            return invalid(notes, record, "price", record.price);
        }
        let (order_id, asked) = (record.order_id, record.size);
        if asked == 0 {
            return skip(notes, Anomaly::ZeroSize { order_id, action: 'C' });
        }
        if flags.is_aggregate() {
            return self.cancel_aggregate(record, side, notes);
        }
        let Some(entry) = self.index.entry(&self.orders, order_id) else {
            return skip(notes, Anomaly::UnknownCancel { order_id, asked });
        };
        let slot = *entry.get();
        let order = self.orders.at_mut(slot);
        let resting = order.size;
        let level_slot = order.level;
        let level = self.levels.at_mut(level_slot);
        let (rested_side, rested_price) = (level.side, level.price);
        let removed = asked.min(resting);
        if removed == resting {
            entry.remove();
            self.orders.unlink(level, slot);
            self.orders.remove(slot);
            self.drop_if_empty(level_slot);
        } else {
            order.size -= removed;
            order.filled = order.filled.saturating_sub(removed);
            level.size -= u64::from(removed);
        }
        if (rested_side, rested_price) != (side, record.price()) {
            notes.note(Anomaly::CancelMismatch { order_id, side: rested_side, price: rested_price });
        }
        if asked > resting {
            notes.note(Anomaly::OverCancel { order_id, asked, resting });
        }
        Effect::Cancelled { side: rested_side, price: rested_price, size: removed }
    }

    /// M: the order's full new state.
    #[inline]
    fn modify(&mut self, record: &MboRecord, side: Side, flags: Flags, notes: &mut Notes) -> Effect {
        if !record.price().is_defined() {
            return invalid(notes, record, "price", record.price);
        }
        if flags.is_aggregate() {
            return self.modify_aggregate(record, side, notes);
        }
        let order_id = record.order_id;
        let Some(slot) = self.index.find(&self.orders, order_id) else {
            return self.modify_unknown(record, side, notes);
        };
        if record.size == 0 {
            notes.note(Anomaly::ZeroSize { order_id, action: 'M' });
            return self.leave(slot);
        }
        let (old, new_price, new_size) = (*self.orders.at(slot), record.price(), record.size);
        let level = self.levels.at_mut(old.level);
        let old_price = level.price;
        let stays = level.side == side && old_price == new_price;
        let left_after_fills = old.size.saturating_sub(old.filled_in(self.event));
        if stays && new_size <= left_after_fills {
            level.size -= u64::from(old.size - new_size);
            let order = self.orders.at_mut(slot);
            order.size = new_size;
            order.filled = 0;
        } else {
            self.fills.counts.iceberg_refreshes += u64::from(stays && left_after_fills < old.size);
            self.orders.at_mut(slot).marks.priority_approximate = false;
            self.requeue(slot, side, new_price, new_size);
        }
        Effect::Modified { side, old_price, new_price, old_size: old.size, new_size }
    }

    /// M of an order that was never seen: it carries the full state, so the order enters, its priority approximate.
    #[cold]
    fn modify_unknown(&mut self, record: &MboRecord, side: Side, notes: &mut Notes) -> Effect {
        let order_id = record.order_id;
        if record.size == 0 {
            return skip(notes, Anomaly::ZeroSize { order_id, action: 'M' });
        }
        notes.note(Anomaly::UnknownModify { order_id });
        self.enter(record, side, Marks { not_seen_entering: true, priority_approximate: true });
        Effect::Added { side, price: record.price(), size: record.size }
    }

    /// R: the book empties. Counts and the clock go on.
    pub fn clear(&mut self) -> Effect {
        self.bids.clear();
        self.asks.clear();
        self.levels.clear();
        self.orders.clear();
        self.index.clear();
        self.fills.forget_pending();
        Effect::Unchanged
    }

    /// An order takes its place at the back.
    #[inline]
    fn enter(&mut self, record: &MboRecord, side: Side, marks: Marks) {
        let level_slot = self.level_at(side, record.price());
        self.clock += 1;
        let slot = self.orders.insert(Order {
            id: record.order_id,
            entered: self.clock,
            filled_event: 0,
            size: record.size,
            filled: 0,
            level: level_slot,
            prev: NIL,
            next: NIL,
            marks,
        });
        self.orders.push_back(self.levels.at_mut(level_slot), level_slot, slot);
        self.index.insert(&self.orders, record.order_id, slot);
    }

    /// An order loses its place: to the back of the given level, with a new size.
    fn requeue(&mut self, slot: u32, side: Side, price: Price, size: u32) {
        let old_level = self.orders.at(slot).level;
        self.orders.unlink(self.levels.at_mut(old_level), slot);
        // The new level first: at the same price it is the old one, which must not leave in between.
        let level_slot = self.level_at(side, price);
        self.clock += 1;
        let order = self.orders.at_mut(slot);
        order.size = size;
        order.filled = 0;
        order.entered = self.clock;
        self.orders.push_back(self.levels.at_mut(level_slot), level_slot, slot);
        self.drop_if_empty(old_level);
    }

    /// An order leaves.
    fn leave(&mut self, slot: u32) -> Effect {
        let Order { id, size, level: level_slot, .. } = *self.orders.at(slot);
        let level = self.levels.at_mut(level_slot);
        let (side, price) = (level.side, level.price);
        if let Some(entry) = self.index.entry(&self.orders, id) {
            entry.remove();
        }
        self.orders.unlink(level, slot);
        self.orders.remove(slot);
        self.drop_if_empty(level_slot);
        Effect::Cancelled { side, price, size }
    }

    /// The level at a price, made if it is not there.
    #[inline]
    fn level_at(&mut self, side: Side, price: Price) -> u32 {
        if let Some(slot) = self.ladder(side).find(price) {
            return slot;
        }
        let slot = self.levels.insert(Level::new(side, price));
        self.ladder_mut(side).insert(price, slot);
        slot
    }

    #[inline]
    fn drop_if_empty(&mut self, slot: u32) {
        let level = self.levels.at(slot);
        if level.is_empty() {
            let (side, price) = (level.side, level.price);
            self.ladder_mut(side).remove(price);
            self.levels.remove(slot);
        }
    }

    #[inline]
    const fn ladder(&self, side: Side) -> &Ladder {
        match side {
            Side::Bid => &self.bids,
            Side::Ask => &self.asks,
        }
    }

    #[inline]
    const fn ladder_mut(&mut self, side: Side) -> &mut Ladder {
        match side {
            Side::Bid => &mut self.bids,
            Side::Ask => &mut self.asks,
        }
    }
}

/// Notes an anomaly whose record is not applied.
#[cold]
fn skip(notes: &mut Notes, anomaly: Anomaly) -> Effect {
    notes.note(anomaly);
    Effect::Skipped(anomaly)
}

#[cold]
fn invalid(notes: &mut Notes, record: &MboRecord, field: &'static str, value: i64) -> Effect {
    skip(notes, Anomaly::InvalidRecord { field, value, action: record.action as char })
}
