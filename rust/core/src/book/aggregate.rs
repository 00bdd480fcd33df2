//! Records that are a level or a whole side, not an order: top-of-book (`F_TOB`) and by-price (`F_MBP`) feeds.
//!
//! Their quantity is part of its level's size, but it is no order: it is never ranked in a queue and counts none.

use super::level::Aggregate;
use super::{Book, Effect, invalid, skip};
use crate::types::{Anomaly, Flags, MboRecord, Notes, Side};

impl Book {
    /// A with `F_TOB` replaces the side, and `UNDEF_PRICE` leaves it empty; A with `F_MBP` sets the level.
    #[cold]
    pub(super) fn add_aggregate(
        &mut self,
        record: &MboRecord,
        side: Side,
        flags: Flags,
        notes: &mut Notes,
    ) -> Effect {
        let price = record.price();
        let replaces_side = flags.has(Flags::TOB);
        if !price.is_defined() && !replaces_side {
            return invalid(notes, record, "price", record.price);
        }
        if price.is_defined() && record.size == 0 {
            return skip(notes, Anomaly::ZeroSize { order_id: record.order_id, action: 'A' });
        }
        if flags.is_snapshot() {
            self.begin_snapshot();
        }
        if replaces_side {
            self.empty_side(side);
        }
        if !price.is_defined() {
            return Effect::Unchanged;
        }
        self.set_aggregate(record, side);
        Effect::Added { side, price, size: record.size }
    }

    #[cold]
    pub(super) fn cancel_aggregate(&mut self, record: &MboRecord, side: Side, notes: &mut Notes) -> Effect {
        let (order_id, asked, price) = (record.order_id, record.size, record.price());
        let slot = self.ladder(side).search(price);
        let Some(resting) = self.levels.aggregate(slot).map(|aggregate| aggregate.size) else {
            return skip(notes, Anomaly::UnknownCancel { order_id, asked });
        };
        let removed = asked.min(resting);
        self.resize_aggregate(slot, resting - removed);
        if asked > resting {
            notes.note(Anomaly::OverCancel { order_id, asked, resting });
        }
        Effect::Cancelled { side, price, size: removed }
    }

    #[cold]
    pub(super) fn modify_aggregate(&mut self, record: &MboRecord, side: Side, notes: &mut Notes) -> Effect {
        let (order_id, price) = (record.order_id, record.price());
        let slot = self.ladder(side).search(price);
        let resting = self.levels.aggregate(slot).map(|aggregate| aggregate.size);
        match (resting, record.size) {
            (None, 0) => skip(notes, Anomaly::ZeroSize { order_id, action: 'M' }),
            (None, size) => {
                notes.note(Anomaly::UnknownModify { order_id });
                self.set_aggregate(record, side);
                Effect::Added { side, price, size }
            }
            (Some(old_size), 0) => {
                notes.note(Anomaly::ZeroSize { order_id, action: 'M' });
                self.resize_aggregate(slot, 0);
                Effect::Cancelled { side, price, size: old_size }
            }
            (Some(old_size), new_size) => {
                if new_size <= old_size {
                    self.resize_aggregate(slot, new_size);
                } else {
                    self.set_aggregate(record, side);
                }
                Effect::Modified { side, old_price: price, new_price: price, old_size, new_size }
            }
        }
    }

    /// The record's quantity stands at its price from now on, instead of any aggregate there.
    fn set_aggregate(&mut self, record: &MboRecord, side: Side) {
        let slot = self.level_at(side, record.price());
        self.clock += 1;
        self.levels.set_aggregate(slot, Aggregate { size: record.size, entered: self.clock });
    }

    /// An aggregate shrinks and keeps its place, or leaves.
    fn resize_aggregate(&mut self, slot: u32, size: u32) {
        if let Some(old) = self.levels.aggregate(slot) {
            self.levels.set_aggregate(slot, Aggregate { size, ..old });
            self.drop_if_empty(slot);
        }
    }

    /// Everything on one side leaves.
    fn empty_side(&mut self, side: Side) {
        let slots: Vec<u32> = self.ladder(side).slots().collect();
        for level_slot in slots {
            let gone: Vec<u32> = self.orders.queue(self.levels.at(level_slot)).collect();
            for slot in gone {
                let place = self.index.place(&self.orders, self.orders.at(slot).id);
                self.index.remove(&self.orders, place);
                self.orders.remove(slot);
            }
            self.levels.remove(level_slot);
        }
        self.ladder_mut(side).clear();
    }
}
