//! The generator's own book: what rests where, in queue order. Apart from the book that reads tapes, so that a mistake in
//! one is not repeated in the other.

use std::collections::{BTreeMap, VecDeque};

use super::dice::Dice;
use crate::types::Side;

/// Where an order is kept while it rests.
pub(super) type Slot = u32;

/// A resting order.
#[derive(Clone, Copy)]
pub(super) struct Resting {
    pub(super) order_id: u64,
    pub(super) side: Side,
    /// Price in ticks.
    pub(super) ticks: i64,
    /// Size that the book shows.
    pub(super) size: u32,
    /// Size that an iceberg holds back; 0 for others.
    pub(super) reserve: u32,
    /// Most that an iceberg shows at a time.
    pub(super) slice: u32,
}

/// Both sides of one instrument.
#[derive(Default)]
pub(super) struct Queues {
    slots: Vec<Option<Resting>>,
    free: Vec<Slot>,
    bids: Levels,
    asks: Levels,
}

/// Levels of one side, keyed so that the best price comes first.
#[derive(Default)]
struct Levels {
    queues: BTreeMap<i64, VecDeque<Slot>>,
    orders: usize,
}

/// Ticks towards a better price: up for bids, down for asks.
pub(super) const fn better(side: Side) -> i64 {
    match side {
        Side::Bid => 1,
        Side::Ask => -1,
    }
}

impl Queues {
    /// An order joins the back of its queue.
    pub(super) fn enter(&mut self, order: Resting) -> Slot {
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(order);
            slot
        } else {
            self.slots.push(Some(order));
            (self.slots.len() - 1) as Slot
        };
        self.join(order, slot);
        slot
    }

    /// An order leaves.
    pub(super) fn leave(&mut self, slot: Slot) {
        if let Some(order) = self.slots[slot as usize].take() {
            self.part(order, slot);
            self.free.push(slot);
        }
    }

    /// An order keeps its place with another size.
    pub(super) fn resize(&mut self, slot: Slot, size: u32) {
        if let Some(order) = &mut self.slots[slot as usize] {
            order.size = size;
        }
    }

    /// An order goes to the back of a queue, with its new state.
    pub(super) fn requeue(&mut self, slot: Slot, order: Resting) {
        if let Some(old) = self.slots[slot as usize].replace(order) {
            self.part(old, slot);
            self.join(order, slot);
        }
    }

    /// The order in a slot.
    pub(super) fn get(&self, slot: Slot) -> Option<Resting> {
        self.slots.get(slot as usize).copied().flatten()
    }

    /// Best price of a side, in ticks.
    pub(super) fn best(&self, side: Side) -> Option<i64> {
        self.levels(side).next().map(|(ticks, _)| ticks)
    }

    /// Orders on a side.
    pub(super) const fn count(&self, side: Side) -> usize {
        self.side(side).orders
    }

    /// Orders on both sides.
    pub(super) const fn live(&self) -> usize {
        self.bids.orders + self.asks.orders
    }

    /// A side's prices with their queues, best first.
    pub(super) fn levels(&self, side: Side) -> impl Iterator<Item = (i64, &VecDeque<Slot>)> {
        self.side(side).queues.iter().map(move |(&rank, queue)| (-better(side) * rank, queue))
    }

    /// Orders of a queue, front first.
    pub(super) fn orders<'a>(
        &'a self,
        queue: &'a VecDeque<Slot>,
    ) -> impl Iterator<Item = (Slot, Resting)> + 'a {
        queue.iter().filter_map(|&slot| self.get(slot).map(|order| (slot, order)))
    }

    /// Any live order, each as likely as the next. `None` where the book is empty, and seldom where it is sparse.
    pub(super) fn pick(&self, dice: &mut Dice) -> Option<(Slot, Resting)> {
        for _ in 0..16 {
            let slot = dice.below(self.slots.len() as u64) as Slot;
            if let Some(order) = self.get(slot) {
                return Some((slot, order));
            }
        }
        None
    }

    /// An order of a side near its best price: `depth` is the mean distance in levels.
    pub(super) fn pick_near(&self, side: Side, depth: f64, dice: &mut Dice) -> Option<(Slot, Resting)> {
        let level = dice.whole_exponential(depth) as usize;
        let queue = self.levels(side).nth(level).or_else(|| self.levels(side).next())?.1;
        let slot = *queue.get(dice.below(queue.len() as u64) as usize)?;
        self.get(slot).map(|order| (slot, order))
    }

    fn join(&mut self, order: Resting, slot: Slot) {
        let levels = self.side_mut(order.side);
        levels.queues.entry(-better(order.side) * order.ticks).or_default().push_back(slot);
        levels.orders += 1;
    }

    fn part(&mut self, order: Resting, slot: Slot) {
        let levels = self.side_mut(order.side);
        let rank = -better(order.side) * order.ticks;
        if let Some(queue) = levels.queues.get_mut(&rank) {
            if let Some(place) = queue.iter().position(|&other| other == slot) {
                queue.remove(place);
                levels.orders -= 1;
            }
            if queue.is_empty() {
                levels.queues.remove(&rank);
            }
        }
    }

    const fn side(&self, side: Side) -> &Levels {
        match side {
            Side::Bid => &self.bids,
            Side::Ask => &self.asks,
        }
    }

    const fn side_mut(&mut self, side: Side) -> &mut Levels {
        match side {
            Side::Bid => &mut self.bids,
            Side::Ask => &mut self.asks,
        }
    }
}
