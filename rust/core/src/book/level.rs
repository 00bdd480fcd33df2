//! One price level: a FIFO queue of orders, and what feeds without orders say about it.

use crate::types::{Price, Side};

/// "None" of the indices that link levels and orders.
pub(super) const NIL: u32 = u32::MAX;

/// Quantity at a price that no order stands for: top-of-book (`F_TOB`) and level (`F_MBP`) records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Aggregate {
    pub size: u32,
    /// When it entered, on the book's own clock; see [`super::queue::Order::entered`].
    pub entered: u64,
}

/// A price level. Its size and count are kept, never summed on read.
#[derive(Clone, Debug)]
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
    /// Rare, so it costs a level no more than a pointer.
    pub aggregate: Option<Box<Aggregate>>,
}

impl Level {
    pub(super) const fn new(side: Side, price: Price) -> Self {
        Self { price, size: 0, count: 0, head: NIL, tail: NIL, side, aggregate: None }
    }

    /// A level leaves the ladder when nothing stands at its price.
    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0 && self.aggregate.is_none()
    }
}

/// All levels of a book, by slot. Slots of levels that left are used again.
#[derive(Clone, Debug, Default)]
pub(super) struct Levels {
    slots: Vec<Level>,
    free: Vec<u32>,
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
        self.free.push(slot);
    }

    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.free.clear();
    }

    /// How many slots are in use.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    #[inline]
    pub(super) fn at(&self, slot: u32) -> &Level {
        &self.slots[slot as usize]
    }

    #[inline]
    pub(super) fn at_mut(&mut self, slot: u32) -> &mut Level {
        &mut self.slots[slot as usize]
    }
}
