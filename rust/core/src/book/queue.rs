//! Orders in one slab, linked into the FIFO queues of their levels.

use super::level::{Level, NIL};

/// One resting order. Its side and price are its level's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub id: u64,
    /// The book's clock when the order took its place: smaller is earlier.
    pub entered: u64,
    /// The event [`Order::filled`] speaks of.
    pub filled_event: u64,
    pub size: u32,
    /// Quantity that F records of one event said is gone, before any M or C said so.
    pub filled: u32,
    /// Slot of its level.
    pub level: u32,
    /// The order ahead, or [`NIL`].
    pub prev: u32,
    /// The order behind, or [`NIL`]. Links free slots, too.
    pub next: u32,
    pub marks: Marks,
}

impl Order {
    /// Quantity filled in the given event.
    #[inline]
    pub(super) const fn filled_in(&self, event: u64) -> u32 {
        if self.filled_event == event { self.filled } else { 0 }
    }
}

/// What is not known for certain of an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Marks {
    /// It was in the book before the data began.
    pub not_seen_entering: bool,
    /// Others may truly be behind it, not ahead.
    pub priority_approximate: bool,
}

/// All orders of a book, by slot.
#[derive(Clone, Debug)]
pub(super) struct Orders {
    slots: Vec<Order>,
    free: u32,
    live: usize,
}

impl Default for Orders {
    fn default() -> Self {
        Self { slots: Vec::new(), free: NIL, live: 0 }
    }
}

impl Orders {
    #[inline]
    pub(super) fn at(&self, slot: u32) -> &Order {
        &self.slots[slot as usize]
    }

    #[inline]
    pub(super) fn at_mut(&mut self, slot: u32) -> &mut Order {
        &mut self.slots[slot as usize]
    }

    /// Takes a slot for an order that is in no queue yet.
    #[inline]
    pub(super) fn insert(&mut self, order: Order) -> u32 {
        self.live += 1;
        if self.free == NIL {
            self.slots.push(order);
            return (self.slots.len() - 1) as u32;
        }
        let slot = self.free;
        self.free = self.slots[slot as usize].next;
        self.slots[slot as usize] = order;
        slot
    }

    /// Gives back the slot of an order that is in no queue any more.
    #[inline]
    pub(super) fn remove(&mut self, slot: u32) {
        self.live -= 1;
        self.slots[slot as usize].next = self.free;
        self.free = slot;
    }

    pub(super) fn reserve(&mut self, orders: usize) {
        self.slots.reserve_exact(orders);
    }

    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.free = NIL;
        self.live = 0;
    }

    pub(super) const fn len(&self) -> usize {
        self.live
    }

    /// Length of the free list, walked.
    pub(super) fn free_len(&self) -> usize {
        let mut length = 0;
        let mut slot = self.free;
        while slot != NIL && length <= self.slots.len() {
            length += 1;
            slot = self.slots[slot as usize].next;
        }
        length
    }

    pub(super) fn capacity_used(&self) -> usize {
        self.slots.len()
    }

    /// Puts an order at the back of a level's queue.
    #[inline]
    pub(super) fn push_back(&mut self, level: &mut Level, level_slot: u32, slot: u32) {
        let tail = level.tail;
        let order = self.at_mut(slot);
        order.level = level_slot;
        order.prev = tail;
        order.next = NIL;
        level.size += u64::from(order.size);
        level.count += 1;
        level.tail = slot;
        if tail == NIL {
            level.head = slot;
        } else {
            self.at_mut(tail).next = slot;
        }
    }

    /// Takes an order out of its level's queue.
    #[inline]
    pub(super) fn unlink(&mut self, level: &mut Level, slot: u32) {
        let Order { prev, next, size, .. } = *self.at(slot);
        if prev == NIL {
            level.head = next;
        } else {
            self.at_mut(prev).next = next;
        }
        if next == NIL {
            level.tail = prev;
        } else {
            self.at_mut(next).prev = prev;
        }
        level.size -= u64::from(size);
        level.count -= 1;
    }

    /// Slots of a level's orders, front first.
    pub(super) fn queue(&self, level: &Level) -> impl Iterator<Item = u32> + '_ {
        let mut slot = level.head;
        std::iter::from_fn(move || {
            let here = slot;
            if here == NIL {
                return None;
            }
            slot = self.at(here).next;
            Some(here)
        })
    }
}
