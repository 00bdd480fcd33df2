//! Whether executions take from the front of queues: the one piece of evidence about priority that venues send.
//!
//! A group is the fills at one price that come before the book changes. Its orders should be the front of their queue. Four
//! things look otherwise and are not: a venue may list the fills of a group in another sequence than it filled them; an
//! order that was modified to trade is filled away from its limit; self-match prevention cancels an order in the same
//! event instead of filling it; and an order whose priority is approximate may truly stand elsewhere.

use super::level::NIL;
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
    /// Level of every order filled since the book last changed.
    pub pending: Vec<u32>,
    /// Group and id of orders passed over in this event.
    pub passed: Vec<(u64, u64)>,
}

impl Fills {
    #[inline]
    pub(super) const fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    #[inline]
    pub(super) const fn has_passed(&self) -> bool {
        !self.passed.is_empty()
    }

    /// The levels of fills that were not judged are gone.
    pub(super) fn forget_pending(&mut self) {
        self.pending.clear();
    }
}

impl Book {
    /// F: the queues stay; what is gone decides later whether an M refreshes an iceberg.
    #[cold]
    pub(super) fn note_fill(&mut self, record: &MboRecord, notes: &mut Notes) -> Effect {
        if !record.price().is_defined() {
            return super::invalid(notes, record, "price", record.price);
        }
        let Some(slot) = self.index.find(&self.orders, record.order_id) else {
            self.fills.counts.unknown_orders += 1;
            return Effect::Unchanged;
        };
        let event = self.event;
        let order = self.orders.at_mut(slot);
        let before = order.filled_in(event);
        order.filled = before.saturating_add(record.size);
        order.filled_event = event;
        if self.levels.at(order.level).price != record.price() {
            self.fills.counts.away_from_limit += 1;
        } else if before == 0 {
            self.fills.pending.push(order.level);
        }
        Effect::Unchanged
    }

    /// The book is about to change: the fills until now are whole groups. O(orders filled and passed).
    #[cold]
    pub(super) fn judge_fills(&mut self) {
        let mut pending = std::mem::take(&mut self.fills.pending);
        // By price, not by slot: slots are numbered anew where a book comes back from its image.
        pending.sort_unstable_by_key(|&level| {
            let level = self.levels.at(level);
            (level.price, level.side == Side::Ask)
        });
        for group in pending.chunk_by(|a, b| a == b) {
            self.fills.counts.groups += 1;
            let before = self.fills.passed.len();
            let mut left = group.len();
            let mut slot = group.first().map_or(NIL, |&level| self.levels.at(level).head);
            while slot != NIL && left > 0 {
                let order = self.orders.at(slot);
                let is_filled = order.filled_in(self.event) > 0;
                left -= usize::from(is_filled);
                if order.marks.priority_approximate {
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
        if self.fills.is_pending() {
            self.judge_fills();
        }
        let mut passed = std::mem::take(&mut self.fills.passed);
        passed.retain(|(_, id)| self.index.find(&self.orders, *id).is_some());
        passed.dedup_by_key(|(group, _)| *group);
        self.fills.counts.out_of_turn += passed.len() as u64;
        passed.clear();
        self.fills.passed = passed;
    }
}
