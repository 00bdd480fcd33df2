//! The pre-open: orders gather, the book crosses and nobody trades; then one price clears what can be cleared.

use super::capture::{Capture, Draft};
use super::queues::{Resting, Slot, better};
use super::sim::{FEWEST, Sim};
use crate::types::{Action, Nanos, Side};

/// A price at which an auction might clear.
#[derive(Clone, Copy)]
struct Candidate {
    ticks: i64,
    executable: u64,
    /// Bids left over, or asks where negative.
    left: i64,
}

impl Sim {
    /// One event of the pre-open: an order near where people expect the opening, or one withdrawn.
    pub(super) fn quote_pre_open(&mut self, capture: &mut Capture, now: Nanos) {
        let side = if self.dice.chance(0.5) { Side::Bid } else { Side::Ask };
        let withdrawn = if self.dice.chance(0.2) && self.queues.count(side) > FEWEST {
            self.queues.pick_near(side, 4.0, &mut self.dice)
        } else {
            None
        };
        if let Some((slot, order)) = withdrawn {
            self.queues.leave(slot);
            capture.update(self.draft(Action::Cancel, &order));
        } else {
            let eagerness = self.dice.exponential() * 2.5 - self.dice.exponential() * 4.0;
            let ticks = self.fair as i64 + better(side) * eagerness as i64;
            let size = self.size();
            let order = Resting { order_id: self.fresh_id(), side, ticks, size, reserve: 0, slice: size };
            self.enter(capture, order);
        }
        self.end_event(capture, now);
    }

    /// Opens the market: one event in which everything that clears trades at one price. Nothing where nothing overlaps.
    pub(super) fn open(&mut self, capture: &mut Capture, now: Nanos) {
        let Some(Candidate { ticks, executable, .. }) = self.clearing() else { return };
        let price = self.price(ticks);
        let size = executable as u32;
        capture.trade(Draft { action: Action::Trade, side: None, order_id: 0, price, size, flags: 0 });
        let mut fills = Vec::new();
        for side in [Side::Bid, Side::Ask] {
            self.allot(side, size, &mut fills);
        }
        for (_, order, size) in &fills {
            let draft = self.draft(Action::Fill, order);
            capture.trade(Draft { side: None, price, size: *size, ..draft });
        }
        for (slot, order, size) in fills {
            self.settle(capture, slot, order, size);
        }
        self.fair = ticks as f64;
        self.end_event(capture, now);
    }

    /// Orders of a side that trade `left` lots, in price-time priority.
    fn allot(&self, side: Side, mut left: u32, fills: &mut Vec<(Slot, Resting, u32)>) {
        for (_, queue) in self.queues.levels(side) {
            for (slot, order) in self.queues.orders(queue) {
                if left == 0 {
                    return;
                }
                let size = left.min(order.size);
                left -= size;
                fills.push((slot, order, size));
            }
        }
    }

    /// The price that clears most; then leaves least; then follows the surplus; then is nearest to the middle.
    fn clearing(&self) -> Option<Candidate> {
        let candidates = self.candidates();
        let most = candidates.iter().map(|one| one.executable).max()?;
        let clears = |one: &&Candidate| one.executable == most;
        let least = candidates.iter().filter(clears).map(|one| one.left.abs()).min()?;
        let ties: Vec<Candidate> =
            candidates.iter().filter(clears).filter(|one| one.left.abs() == least).copied().collect();
        if ties.iter().all(|one| one.left > 0) {
            ties.last().copied()
        } else if ties.iter().all(|one| one.left < 0) {
            ties.first().copied()
        } else {
            // Twice the distance, so that a middle between two ticks stays whole; the lower price of two as near.
            let (bid, ask) = (self.queues.best(Side::Bid)?, self.queues.best(Side::Ask)?);
            ties.into_iter().min_by_key(|one| (2 * one.ticks - bid - ask).abs())
        }
    }

    /// Every limit price in the overlap, rising.
    fn candidates(&self) -> Vec<Candidate> {
        let (Some(bid), Some(ask)) = (self.queues.best(Side::Bid), self.queues.best(Side::Ask)) else {
            return Vec::new();
        };
        let bids = self.overlap(Side::Bid, ask);
        let asks = self.overlap(Side::Ask, bid);
        let mut prices: Vec<i64> = bids.iter().chain(&asks).map(|&(ticks, _)| ticks).collect();
        prices.sort_unstable();
        prices.dedup();
        prices
            .into_iter()
            .map(|ticks| {
                let wanted: u64 = bids.iter().filter(|level| level.0 >= ticks).map(|level| level.1).sum();
                let offered: u64 = asks.iter().filter(|level| level.0 <= ticks).map(|level| level.1).sum();
                Candidate {
                    ticks,
                    executable: wanted.min(offered),
                    left: wanted.cast_signed() - offered.cast_signed(),
                }
            })
            .collect()
    }

    /// Prices and sizes of a side as far as the other side's best price.
    fn overlap(&self, side: Side, limit: i64) -> Vec<(i64, u64)> {
        self.queues
            .levels(side)
            .take_while(|&(ticks, _)| better(side) * (ticks - limit) >= 0)
            .map(|(ticks, queue)| {
                (ticks, self.queues.orders(queue).map(|(_, order)| u64::from(order.size)).sum())
            })
            .collect()
    }
}
