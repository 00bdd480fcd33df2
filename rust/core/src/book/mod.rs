//! One order book: what each record does to it, rule by rule.
//!
//! Price levels stand in order per side, orders in a slab linked into FIFO queues, order ids in a hash table, so that
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
pub use read::{LevelView, OrderView, Overlap, Resting, Standing};

use crate::types::{Action, Anomaly, MboRecord, Notes, Price, Side, bring_near};
use fills::Fills;
use index::{Index, Place};
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
    /// By side.
    ladders: [Ladder; 2],
    levels: Levels,
    orders: Orders,
    index: Index,
    /// Counts every taking of a place at the back of a queue.
    clock: u64,
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
            ladders: [Ladder::new(Side::Bid), Ladder::new(Side::Ask)],
            levels: Levels::default(),
            orders: Orders::default(),
            index: Index::default(),
            clock: 0,
            mid_event: false,
            awaits_snapshot: true,
            fills: Fills::default(),
        }
    }

    /// Applies one record of this book's instrument and publisher. Anomalies are noted, and never stop anything.
    #[inline]
    pub fn apply(&mut self, record: &MboRecord, notes: &mut Notes) -> Effect {
        let flags = record.flags();
        let effect = match record.action() {
            Some(Action::Add) => self.add(record, notes),
            Some(Action::Cancel) => self.cancel(record, notes),
            Some(Action::Modify) => self.modify(record, notes),
            Some(Action::Fill) if record.side().is_ok() => self.note_fill(record, notes),
            Some(Action::Trade | Action::None) if record.side().is_ok() => Effect::Unchanged,
            Some(Action::Clear) if record.side() == Ok(None) => self.clear(),
            Some(_) => invalid_side(notes, record),
            None => invalid(notes, record, "action", i64::from(record.action)),
        };
        self.awaits_snapshot |= !flags.is_snapshot();
        self.mid_event = !flags.is_last();
        if self.fills.any() && flags.is_last() {
            self.settle_fills();
        }
        effect
    }

    /// A record about an order will come in a while: first, what says where the order is comes near.
    #[inline]
    pub(crate) fn expect(&self, order_id: u64) {
        self.index.expect(order_id);
    }

    /// A record about an order will come soon: the order comes near.
    #[inline]
    pub(crate) fn expect_soon(&self, order_id: u64) {
        if let Some(order) = self.orders.get(self.index.likely(order_id)) {
            bring_near(order);
        }
    }

    /// A: to the back of its level.
    #[inline]
    fn add(&mut self, record: &MboRecord, notes: &mut Notes) -> Effect {
        let Some(side) = record.book_side() else { return invalid_side(notes, record) };
        if self.is_unusual(record)
            && let Some(effect) = self.add_unusual(record, side, notes)
        {
            return effect;
        }
        let place = self.index.place(&self.orders, record.order_id);
        if place.slot != NIL {
            return self.add_again(record, side, place.slot, notes);
        }
        self.enter(record, side, Marks::default(), place);
        Effect::Added { side, price: record.price(), size: record.size }
    }

    /// Whether an A, C or M is more than the news of one order: all that is rare in one place.
    #[inline]
    fn is_unusual(&self, record: &MboRecord) -> bool {
        let flags = record.flags();
        flags.is_aggregate()
            || flags.is_snapshot()
            || !record.price().is_defined()
            || record.size == 0
            || self.fills.is_pending()
    }

    /// What is rare about an A; `None` if it is an order's all the same.
    #[cold]
    fn add_unusual(&mut self, record: &MboRecord, side: Side, notes: &mut Notes) -> Option<Effect> {
        self.judge_fills();
        let flags = record.flags();
        if flags.is_aggregate() {
            return Some(self.add_aggregate(record, side, flags, notes));
        }
        if !record.price().is_defined() {
            return Some(invalid(notes, record, "price", record.price));
        }
        if record.size == 0 {
            return Some(skip(notes, Anomaly::ZeroSize { order_id: record.order_id, action: 'A' }));
        }
        if flags.is_snapshot() {
            self.begin_snapshot();
        }
        None
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
        self.requeue(slot, side, record.price(), record.size, Marks::default());
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
    fn cancel(&mut self, record: &MboRecord, notes: &mut Notes) -> Effect {
        let Some(side) = record.book_side() else { return invalid_side(notes, record) };
        if self.is_unusual(record)
            && let Some(effect) = self.cancel_unusual(record, side, notes)
        {
            return effect;
        }
        let (order_id, asked) = (record.order_id, record.size);
        let place = self.index.place(&self.orders, order_id);
        if place.slot == NIL {
            return skip(notes, Anomaly::UnknownCancel { order_id, asked });
        }
        let order = self.orders.at_mut(place.slot);
        let (resting, level_slot) = (order.size, order.level);
        let level = self.levels.at_mut(level_slot);
        let (rested_side, rested_price) = (level.side, level.price);
        let removed = asked.min(resting);
        if removed == resting {
            self.index.remove(&self.orders, place);
            self.orders.unlink(level, place.slot);
            self.orders.remove(place.slot);
            self.drop_if_empty(level_slot);
        } else {
            order.size -= removed;
            level.size -= u64::from(removed);
            self.fills.told(place.slot, order, removed);
        }
        if (rested_side, rested_price) != (side, record.price()) {
            notes.note(Anomaly::CancelMismatch { order_id, side: rested_side, price: rested_price });
        }
        if asked > resting {
            notes.note(Anomaly::OverCancel { order_id, asked, resting });
        }
        Effect::Cancelled { side: rested_side, price: rested_price, size: removed }
    }

    /// What is rare about a C; `None` if it is an order's all the same.
    #[cold]
    fn cancel_unusual(&mut self, record: &MboRecord, side: Side, notes: &mut Notes) -> Option<Effect> {
        self.judge_fills();
        if !record.price().is_defined() {
            return Some(invalid(notes, record, "price", record.price));
        }
        if record.size == 0 {
            return Some(skip(notes, Anomaly::ZeroSize { order_id: record.order_id, action: 'C' }));
        }
        record.flags().is_aggregate().then(|| self.cancel_aggregate(record, side, notes))
    }

    /// M: the order's full new state.
    #[inline]
    fn modify(&mut self, record: &MboRecord, notes: &mut Notes) -> Effect {
        let Some(side) = record.book_side() else { return invalid_side(notes, record) };
        if self.is_unusual(record)
            && let Some(effect) = self.modify_unusual(record, side, notes)
        {
            return effect;
        }
        let place = self.index.place(&self.orders, record.order_id);
        let slot = place.slot;
        if slot == NIL {
            return self.modify_unknown(record, side, place, notes);
        }
        let order = self.orders.at_mut(slot);
        let (old_size, new_price, new_size) = (order.size, record.price(), record.size);
        let level = self.levels.at_mut(order.level);
        let old_price = level.price;
        let stays = level.side == side && old_price == new_price;
        let left_after_fills = old_size.saturating_sub(self.fills.of(slot, order));
        if stays && new_size <= left_after_fills {
            level.size -= u64::from(old_size - new_size);
            order.size = new_size;
            self.fills.told(slot, order, u32::MAX);
        } else {
            self.fills.counts.iceberg_refreshes += u64::from(stays && left_after_fills < old_size);
            let marks = Marks { priority_approximate: false, ..order.marks() };
            self.requeue(slot, side, new_price, new_size, marks);
        }
        Effect::Modified { side, old_price, new_price, old_size, new_size }
    }

    /// What is rare about an M; `None` if it is an order's all the same.
    #[cold]
    fn modify_unusual(&mut self, record: &MboRecord, side: Side, notes: &mut Notes) -> Option<Effect> {
        self.judge_fills();
        if !record.price().is_defined() {
            return Some(invalid(notes, record, "price", record.price));
        }
        if record.flags().is_aggregate() {
            return Some(self.modify_aggregate(record, side, notes));
        }
        if record.size > 0 {
            return None;
        }
        let order_id = record.order_id;
        let place = self.index.place(&self.orders, order_id);
        let zero = Anomaly::ZeroSize { order_id, action: 'M' };
        if place.slot == NIL {
            return Some(skip(notes, zero));
        }
        notes.note(zero);
        Some(self.leave(place))
    }

    /// M of an order that was never seen: it carries the full state, so the order enters, its priority approximate.
    #[cold]
    fn modify_unknown(&mut self, record: &MboRecord, side: Side, place: Place, notes: &mut Notes) -> Effect {
        notes.note(Anomaly::UnknownModify { order_id: record.order_id });
        self.enter(record, side, Marks { not_seen_entering: true, priority_approximate: true }, place);
        Effect::Added { side, price: record.price(), size: record.size }
    }

    /// R: the book empties. Counts and the clock go on.
    pub fn clear(&mut self) -> Effect {
        self.judge_fills();
        self.ladders.iter_mut().for_each(Ladder::clear);
        self.levels.clear();
        self.orders.clear();
        self.index.clear();
        Effect::Unchanged
    }

    /// An order takes its place at the back.
    #[inline]
    fn enter(&mut self, record: &MboRecord, side: Side, marks: Marks, place: Place) {
        let level_slot = self.level_at(side, record.price());
        self.clock += 1;
        let order = Order::new(record.order_id, level_slot, record.size, self.clock, marks);
        let slot = self.orders.enter(self.levels.at_mut(level_slot), order);
        self.index.insert(&self.orders, place, slot);
    }

    /// An order loses its place: to the back of the given level, with a new size.
    fn requeue(&mut self, slot: u32, side: Side, price: Price, size: u32, marks: Marks) {
        let old_level = self.orders.at(slot).level;
        self.orders.unlink(self.levels.at_mut(old_level), slot);
        // The new level first: at the same price it is the old one, which must not leave in between.
        let level_slot = self.level_at(side, price);
        self.clock += 1;
        let order = self.orders.at_mut(slot);
        order.size = size;
        order.enter_again(self.clock, marks);
        self.orders.push_back(self.levels.at_mut(level_slot), level_slot, slot);
        self.drop_if_empty(old_level);
    }

    /// An order leaves.
    fn leave(&mut self, place: Place) -> Effect {
        let Order { size, level: level_slot, .. } = *self.orders.at(place.slot);
        let level = self.levels.at_mut(level_slot);
        let (side, price) = (level.side, level.price);
        self.index.remove(&self.orders, place);
        self.orders.unlink(level, place.slot);
        self.orders.remove(place.slot);
        self.drop_if_empty(level_slot);
        Effect::Cancelled { side, price, size }
    }

    /// The level at a price, made if it is not there.
    #[inline]
    fn level_at(&mut self, side: Side, price: Price) -> u32 {
        let ladder = &mut self.ladders[side as usize];
        let slot = ladder.find(&self.levels, price);
        if slot != NIL {
            return slot;
        }
        let slot = self.levels.insert(Level::new(side, price));
        ladder.insert(price, slot);
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
        &self.ladders[side as usize]
    }

    #[inline]
    const fn ladder_mut(&mut self, side: Side) -> &mut Ladder {
        &mut self.ladders[side as usize]
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

#[cold]
fn invalid_side(notes: &mut Notes, record: &MboRecord) -> Effect {
    invalid(notes, record, "side", i64::from(record.side))
}
