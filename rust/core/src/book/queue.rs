//! Orders in one slab, linked into the FIFO queues of their levels.

use std::hint::select_unpredictable;

use super::level::{Level, NIL};

/// One resting order, in half a cache line. Its side and price are its level's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub id: u64,
    /// When it took its place, and its marks in the lowest bits.
    entry: u64,
    pub size: u32,
    /// Slot of its level.
    pub level: u32,
    /// The order ahead, or [`NIL`].
    pub prev: u32,
    /// The order behind, or [`NIL`]. Links free slots, too.
    pub next: u32,
}

/// What is not known for certain of an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Marks {
    /// It was in the book before the data began.
    pub not_seen_entering: bool,
    /// Others may truly be behind it, not ahead.
    pub priority_approximate: bool,
}

const NOT_SEEN_ENTERING: u64 = 1;
const PRIORITY_APPROXIMATE: u64 = 2;
const MARK_BITS: u32 = 2;

impl Order {
    /// An order that takes its place now, in no queue yet.
    #[inline]
    pub(super) fn new(id: u64, level: u32, size: u32, entered: u64, marks: Marks) -> Self {
        Self { id, entry: Self::entry(entered, marks), size, level, prev: NIL, next: NIL }
    }

    #[inline]
    fn entry(entered: u64, marks: Marks) -> u64 {
        (entered << MARK_BITS)
            + u64::from(marks.not_seen_entering) * NOT_SEEN_ENTERING
            + u64::from(marks.priority_approximate) * PRIORITY_APPROXIMATE
    }

    /// The book's clock when the order took its place: smaller is earlier, and no two are the same.
    #[inline]
    pub(super) const fn entered(&self) -> u64 {
        self.entry >> MARK_BITS
    }

    #[inline]
    pub(super) const fn marks(&self) -> Marks {
        Marks {
            not_seen_entering: self.entry & NOT_SEEN_ENTERING != 0,
            priority_approximate: self.entry & PRIORITY_APPROXIMATE != 0,
        }
    }

    /// The order takes a new place.
    #[inline]
    pub(super) fn enter_again(&mut self, entered: u64, marks: Marks) {
        self.entry = Self::entry(entered, marks);
    }
}

/// All orders of a book, by slot.
#[derive(Clone, Debug)]
pub(super) struct Orders {
    slots: Vec<Order>,
    free: u32,
}

/// What stands in slot 0. Its links are written to and never read.
const NOBODY: Order = Order { id: 0, entry: 0, size: 0, level: NIL, prev: NIL, next: NIL };

impl Default for Orders {
    fn default() -> Self {
        Self { slots: vec![NOBODY], free: NIL }
    }
}

impl Orders {
    #[inline]
    pub(super) fn at(&self, slot: u32) -> &Order {
        &self.slots[slot as usize]
    }

    /// What is in a slot, if there is such a slot.
    #[inline]
    pub(super) fn get(&self, slot: u32) -> Option<&Order> {
        self.slots.get(slot as usize)
    }

    #[inline]
    pub(super) fn at_mut(&mut self, slot: u32) -> &mut Order {
        &mut self.slots[slot as usize]
    }

    /// Takes a slot for an order, at the back of a level's queue.
    #[inline]
    pub(super) fn enter(&mut self, level: &mut Level, mut order: Order) -> u32 {
        order.prev = level.tail;
        let slot = self.free;
        let slot = if slot == NIL {
            self.slots.push(order);
            (self.slots.len() - 1) as u32
        } else {
            self.free = self.at(slot).next;
            *self.at_mut(slot) = order;
            slot
        };
        self.follow(level, slot, order.size);
        slot
    }

    /// Gives back the slot of an order that is in no queue any more.
    #[inline]
    pub(super) fn remove(&mut self, slot: u32) {
        self.at_mut(slot).next = self.free;
        self.free = slot;
    }

    pub(super) fn reserve(&mut self, orders: usize) {
        self.slots.reserve_exact(orders);
    }

    pub(super) fn clear(&mut self) {
        self.slots.truncate(1);
        self.free = NIL;
    }

    /// Length of the free list, walked.
    pub(super) fn free_len(&self) -> usize {
        let mut length = 0;
        let mut slot = self.free;
        while slot != NIL && length <= self.slots.len() {
            length += 1;
            slot = self.at(slot).next;
        }
        length
    }

    pub(super) fn capacity_used(&self) -> usize {
        self.slots.len() - 1
    }

    /// Puts an order that is in no queue at the back of a level's.
    #[inline]
    pub(super) fn push_back(&mut self, level: &mut Level, level_slot: u32, slot: u32) {
        let order = self.at_mut(slot);
        order.level = level_slot;
        order.prev = level.tail;
        order.next = NIL;
        let size = order.size;
        self.follow(level, slot, size);
    }

    /// The order in a slot knows the one ahead; now that one and the level come to know it.
    #[inline]
    fn follow(&mut self, level: &mut Level, slot: u32, size: u32) {
        level.size += u64::from(size);
        level.count += 1;
        // No jump on where the order stands, here and below: it would be guessed wrong every third time.
        level.head = select_unpredictable(level.tail == NIL, slot, level.head);
        self.at_mut(level.tail).next = slot;
        level.tail = slot;
    }

    /// Takes an order out of its level's queue.
    #[inline]
    pub(super) fn unlink(&mut self, level: &mut Level, slot: u32) {
        let Order { prev, next, size, .. } = *self.at(slot);
        level.head = select_unpredictable(prev == NIL, next, level.head);
        level.tail = select_unpredictable(next == NIL, prev, level.tail);
        level.size -= u64::from(size);
        level.count -= 1;
        self.at_mut(prev).next = next;
        self.at_mut(next).prev = prev;
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
