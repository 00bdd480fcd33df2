//! An aggressive order takes from the front of the queues: T, its fills, then what is left of every order it met.

use super::capture::{Capture, Draft};
use super::queues::{Resting, Slot};
use super::sim::{FEWEST, Sim};
use crate::types::{Action, Side};

/// Most resting orders that one aggressor meets.
const MOST_FILLS: usize = 40;

/// A resting order and how much of it traded.
struct Fill {
    slot: Slot,
    order: Resting,
    size: u32,
}

/// What an aggressor would take.
struct Sweep {
    /// In price-time priority.
    fills: Vec<Fill>,
    /// What it could not take.
    left: u32,
    /// Whether every order it could see at its limit price was taken whole.
    cleared: bool,
}

impl Sim {
    /// A trade of at most `room` records. False, and nothing happens, where there is no room or nothing to take.
    pub(super) fn trade(&mut self, capture: &mut Capture, room: u64) -> bool {
        let taker = if self.dice.chance(self.lean()) { Side::Bid } else { Side::Ask };
        let sweep = self.sweep(taker);
        // A trade print for each of at most MOST_FILLS levels, a fill and an update for each order, then a hidden fill,
        // a remainder and an N.
        let Some(last) = sweep.fills.last().filter(|_| 3 * sweep.fills.len() as u64 + 3 <= room) else {
            return false;
        };
        let last = last.order;
        // Implied trades name neither the aggressor nor a side.
        let implied = self.dice.chance(0.07);
        let taker_id = self.fresh_id();
        let (print_side, print_id) = if implied { (None, 0) } else { (Some(taker), taker_id) };
        let fill_side = print_side.map(Side::opposite);
        // An order that the book never showed.
        let hidden = if sweep.cleared && self.dice.chance(0.05) { self.size() } else { 0 };
        for level in sweep.fills.chunk_by(|one, next| one.order.ticks == next.order.ticks) {
            let price = self.price(level[0].order.ticks);
            let unseen = if level[0].order.ticks == last.ticks { hidden } else { 0 };
            let size = level.iter().map(|fill| fill.size).sum::<u32>() + unseen;
            capture.trade(Draft {
                action: Action::Trade,
                side: print_side,
                order_id: print_id,
                price,
                size,
                flags: 0,
            });
            for fill in level {
                let draft = self.draft(Action::Fill, &fill.order);
                capture.trade(Draft { side: fill_side, size: fill.size, ..draft });
            }
            if unseen > 0 {
                let order_id = self.fresh_id();
                capture.trade(Draft {
                    action: Action::Fill,
                    side: fill_side,
                    order_id,
                    price,
                    size: unseen,
                    flags: 0,
                });
            }
        }
        if sweep.left > 0 && sweep.cleared && !implied && self.dice.chance(0.4) {
            // What is left rests at once, before the venue has said what became of the orders it took.
            let rest = Resting {
                order_id: taker_id,
                side: taker,
                ticks: last.ticks,
                size: sweep.left,
                reserve: 0,
                slice: sweep.left,
            };
            self.enter(capture, rest);
        }
        for fill in &sweep.fills {
            self.settle(capture, fill.slot, fill.order, fill.size);
        }
        if self.dice.chance(0.03) {
            capture.update(Draft::NOTHING);
        }
        true
    }

    /// What becomes of an order of which `size` traded: C if all, M with what is left, or M with an iceberg's next slice.
    pub(super) fn settle(&mut self, capture: &mut Capture, slot: Slot, order: Resting, size: u32) {
        let mut after = order;
        after.size -= size;
        if after.size > 0 {
            self.queues.resize(slot, after.size);
            capture.update(self.draft(Action::Modify, &after));
        } else if order.reserve > 0 {
            after.size = order.slice.min(order.reserve);
            after.reserve -= after.size;
            self.queues.requeue(slot, after);
            capture.update(self.draft(Action::Modify, &after));
        } else {
            self.queues.leave(slot);
            capture.update(self.draft(Action::Cancel, &order));
        }
    }

    /// Walks the queues as an order would that takes at the best price, or a little beyond it.
    fn sweep(&mut self, taker: Side) -> Sweep {
        let side = taker.opposite();
        let levels = if self.dice.chance(0.1) { 3 } else { 1 };
        let mut left = self.size() + self.dice.whole_exponential(1.5) as u32;
        if self.dice.chance(0.12) {
            left *= 8;
        }
        let mut allowed = self.queues.count(side).saturating_sub(FEWEST).min(MOST_FILLS);
        let mut fills = Vec::new();
        for (_, queue) in self.queues.levels(side).take(levels) {
            let mut refreshed = false;
            for (slot, order) in self.queues.orders(queue) {
                if left == 0 || allowed == 0 {
                    return Sweep { fills, left, cleared: false };
                }
                let size = left.min(order.size);
                left -= size;
                allowed -= 1;
                refreshed |= size == order.size && order.reserve > 0;
                fills.push(Fill { slot, order, size });
            }
            // The next slice of an iceberg stands before the next level; the aggressor is content with what it has.
            let whole = fills.last().is_some_and(|fill| fill.size == fill.order.size);
            if refreshed || !whole {
                return Sweep { fills, left, cleared: false };
            }
        }
        Sweep { fills, left, cleared: true }
    }
}
