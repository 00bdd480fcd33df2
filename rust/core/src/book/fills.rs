//! Whether executions take from the front of queues: the one piece of evidence about priority that venues send.
//!
//! A group is the fills at one price that come before the book changes. Its orders should be the front of their queue. Four
//! things look otherwise and are not: a venue may list the fills of a group in another sequence than it filled them; an
//! order that was modified to trade is filled away from its limit; self-match prevention cancels an order in the same
//! event instead of filling it; and an order whose priority is approximate may truly stand elsewhere.

use super::level::NIL;
use super::queue::Order;
use super::{Book, Effect};
use crate::types::{MboRecord, Notes, Side};

/// How executions met the queues.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FillCounts {
    /// Groups of fills of resting orders.
    pub groups: u64,
    /// Groups that passed over an order of known priority which then stayed in the book.
    pub out_of_turn: u64,
    /// Fills of orders that are not in the book: hidden, or never seen entering.
    pub unknown_orders: u64,
    /// Fills at another price than the order's limit: of an order that was modified to trade.
    pub away_from_limit: u64,
    /// Modifies that showed a new slice of an iceberg.
    pub iceberg_refreshes: u64,
}

/// The fills of the event under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Fills {
    pub counts: FillCounts,
    /// Whether there was one.
    any: bool,
    /// Counts events that had fills.
    event: u64,
    /// By the order's slot, as far as an order there was ever filled.
    filled: Vec<Filled>,
    /// Level of every order filled since the book last changed.
    pub pending: Vec<u32>,
    /// Group and id of orders passed over in this event.
    pub passed: Vec<(u64, u64)>,
}

/// Quantity that F records said is gone before any M or C said so.
#[derive(Clone, Copy, Debug, Default)]
struct Filled {
    /// The event that it is about, and the place of the order: one that took another place, or another one in its slot, has
    /// had no fills.
    of: (u64, u64),
    size: u32,
}

impl Fills {
    /// Whether the event has fills that are not forgotten yet.
    #[inline]
    pub(super) const fn any(&self) -> bool {
        self.any
    }

    #[inline]
    pub(super) const fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// How much of an order is gone by the fills of this event.
    #[inline]
    pub(super) fn of(&self, slot: u32, order: &Order) -> u32 {
        let of = (self.event, order.entered());
        match self.filled.get(slot as usize) {
            Some(filled) if self.any && filled.of == of => filled.size,
            _ => 0,
        }
    }

    /// Says how much of an order is gone.
    #[inline]
    pub(super) fn set(&mut self, slot: u32, order: &Order, size: u32) {
        if self.filled.len() <= slot as usize {
            self.filled.resize(slot as usize + 1, Filled::default());
        }
        self.any = true;
        self.filled[slot as usize] = Filled { of: (self.event, order.entered()), size };
    }

    /// An M or a C says what is left of an order, or that so much of it is gone, which the fills said before.
    #[inline]
    pub(super) fn told(&mut self, slot: u32, order: &Order, size: u32) {
        if self.any {
            self.set(slot, order, self.of(slot, order).saturating_sub(size));
        }
    }

    /// Whether there was a fill shows in what is to be judged or settled.
    pub(super) fn see(&mut self) {
        self.any |= !self.pending.is_empty() || !self.passed.is_empty();
    }
}

impl Book {
    /// F: the queues stay; what is gone decides later whether an M refreshes an iceberg.
    pub(super) fn note_fill(&mut self, record: &MboRecord, notes: &mut Notes) -> Effect {
        if !record.price().is_defined() {
            return super::invalid(notes, record, "price", record.price);
        }
        let Some(slot) = self.index.find(&self.orders, record.order_id) else {
            self.fills.counts.unknown_orders += 1;
            return Effect::Unchanged;
        };
        let order = self.orders.at(slot);
        let before = self.fills.of(slot, order);
        self.fills.set(slot, order, before.saturating_add(record.size));
        if self.levels.at(order.level).price != record.price() {
            self.fills.counts.away_from_limit += 1;
        } else if before == 0 {
            self.fills.pending.push(order.level);
        }
        Effect::Unchanged
    }

    /// The book is about to change: the fills until now are whole groups. O(orders filled and passed).
    pub(super) fn judge_fills(&mut self) {
        if self.fills.pending.is_empty() {
            return;
        }
        let mut pending = std::mem::take(&mut self.fills.pending);
        if pending.iter().any(|level| *level != pending[0]) {
            // By price, not by slot: slots are numbered anew where a book comes back from its image.
            pending.sort_unstable_by_key(|&level| {
                let level = self.levels.at(level);
                (level.price, level.side == Side::Ask)
            });
        }
        for group in pending.chunk_by(|a, b| a == b) {
            self.fills.counts.groups += 1;
            let before = self.fills.passed.len();
            let mut left = group.len();
            let mut slot = group.first().map_or(NIL, |&level| self.levels.at(level).head);
            while slot != NIL && left > 0 {
                let order = self.orders.at(slot);
                let is_filled = self.fills.of(slot, order) > 0;
                left -= usize::from(is_filled);
                if order.marks().priority_approximate {
                    // It may truly stand before or behind any of those seen so far.
                    self.fills.passed.truncate(before);
                } else if !is_filled {
                    self.fills.passed.push((self.fills.counts.groups, order.id));
                }
                slot = order.next;
            }
        }
        pending.clear();
        self.fills.pending = pending;
    }

    /// The event is over: whoever was passed over and is still there was passed over out of turn.
    #[cold]
    pub(super) fn settle_fills(&mut self) {
        self.judge_fills();
        if !self.fills.passed.is_empty() {
            let mut passed = std::mem::take(&mut self.fills.passed);
            passed.retain(|(_, id)| self.index.find(&self.orders, *id).is_some());
            passed.dedup_by_key(|(group, _)| *group);
            self.fills.counts.out_of_turn += passed.len() as u64;
            passed.clear();
            self.fills.passed = passed;
        }
        self.fills.event += 1;
        self.fills.any = false;
    }
}
