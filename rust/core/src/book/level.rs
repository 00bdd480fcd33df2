//! One price level: a FIFO queue of orders, and what feeds without orders say about it.

use std::collections::BTreeMap;

use crate::types::{Price, Side};

/// "None" of the indices that link levels and orders. Slot 0 of either slab is nobody's: links that lead nowhere lead
/// there, so that following one need not ask first.
pub(super) const NIL: u32 = 0;

/// Quantity at a price that no order stands for: top-of-book (`F_TOB`) and level (`F_MBP`) records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Aggregate {
    pub size: u32,
    /// When it entered, on the book's own clock; see [`super::queue::Order::entered`].
    pub entered: u64,
}

/// A price level. Its size and count are kept, never summed on read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    pub price: Price,
    /// Sum of the orders' sizes and the aggregate's.
    pub size: u64,
    /// Orders in the queue; an aggregate counts none.
    pub count: u32,
    /// Front of the queue.
    pub head: u32,
    /// Back of the queue.
    pub tail: u32,
    pub side: Side,
    /// Whether an [`Aggregate`] stands here, too.
    pub has_aggregate: bool,
}

impl Level {
    pub(super) const fn new(side: Side, price: Price) -> Self {
        Self { price, size: 0, count: 0, head: NIL, tail: NIL, side, has_aggregate: false }
    }

    /// A level leaves the ladder when nothing stands at its price.
    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0 && !self.has_aggregate
    }
}

/// All levels of a book, by slot. Slots of levels that left are used again; until then they have no price.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    slots: Vec<Level>,
    free: Vec<u32>,
    /// By slot. They are rare, and kept aside so that a level is half a cache line.
    aggregates: BTreeMap<u32, Aggregate>,
}

/// What stands in slot 0 and in slots that are free.
const NOBODY: Level = Level::new(Side::Bid, Price::UNDEF);

impl Default for Levels {
    fn default() -> Self {
        Self { slots: vec![NOBODY], free: Vec::new(), aggregates: BTreeMap::new() }
    }
}

impl Levels {
    pub(super) fn insert(&mut self, level: Level) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = level;
            return slot;
        }
        self.slots.push(level);
        (self.slots.len() - 1) as u32
    }

    pub(super) fn remove(&mut self, slot: u32) {
        if self.at(slot).has_aggregate {
            self.aggregates.remove(&slot);
        }
        self.slots[slot as usize] = NOBODY;
        self.free.push(slot);
    }

    pub(super) fn clear(&mut self) {
        self.slots.truncate(1);
        self.free.clear();
        self.aggregates.clear();
    }

    /// How many slots are in use.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - 1 - self.free.len()
    }

    #[inline]
    pub(super) fn at(&self, slot: u32) -> &Level {
        &self.slots[slot as usize]
    }

    #[inline]
    pub(super) fn at_mut(&mut self, slot: u32) -> &mut Level {
        &mut self.slots[slot as usize]
    }

    /// Quantity without orders at a level.
    pub(super) fn aggregate(&self, slot: u32) -> Option<Aggregate> {
        self.at(slot).has_aggregate.then(|| self.aggregates.get(&slot).copied()).flatten()
    }

    /// Sets what stands at a level without orders; size 0 is nothing.
    pub(super) fn set_aggregate(&mut self, slot: u32, new: Aggregate) {
        let old = self.aggregate(slot).map_or(0, |old| old.size);
        let level = self.at_mut(slot);
        level.size = level.size - u64::from(old) + u64::from(new.size);
        level.has_aggregate = new.size > 0;
        if level.has_aggregate {
            self.aggregates.insert(slot, new);
        } else {
            self.aggregates.remove(&slot);
        }
    }
}
