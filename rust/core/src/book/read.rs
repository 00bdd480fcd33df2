//! Reading a book: levels, queues, orders. All of the published book; `matching` shows the other view.

use std::cmp::Ordering;

use serde::Serialize;

use super::level::NIL;
use super::{Book, FillCounts};
use crate::types::{Price, Side};

/// How a book's best prices stand to each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Overlap {
    /// Best bid below best ask, or a side is empty.
    #[default]
    Apart,
    /// Best bid at best ask.
    Locked,
    /// Best bid above best ask.
    Crossed,
}

/// A price level as seen from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LevelView {
    /// Its price.
    pub price: Price,
    /// Quantity there.
    pub size: u64,
    /// Orders there; quantity without orders counts none.
    pub count: u32,
}

/// An order as seen from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct OrderView {
    /// Its id at the venue.
    pub order_id: u64,
    /// Its side.
    pub side: Side,
    /// Its price.
    pub price: Price,
    /// What is left of it.
    pub size: u32,
    /// Whether its place in the queue is only approximately known: it was in the book before the data began.
    pub priority_approximate: bool,
}

/// A live order with what decides its place in the queue, and what the event under way says of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// The order.
    pub order: OrderView,
    /// When it took its place, on the book's own clock: of two orders at a price the smaller one is ahead.
    pub entered: u64,
    /// Quantity that fills of the event under way reported, and that no C or M has taken off yet.
    pub filled: u32,
}

/// One thing that rests and can be matched: an order, or a level's quantity without orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resting {
    /// The order's id; 0 for quantity without orders.
    pub order_id: u64,
    /// Its price.
    pub price: Price,
    /// What is left of it.
    pub size: u32,
    /// When it took its place, on the book's own clock.
    pub entered: u64,
    /// Whether it is an order.
    pub is_order: bool,
}

impl Book {
    /// The best level of a side.
    #[inline]
    #[must_use]
    pub fn best(&self, side: Side) -> Option<LevelView> {
        let slot = self.ladder(side).best();
        (slot != NIL).then(|| self.level_view(slot))
    }

    /// The best price of a side, [`Price::UNDEF`] if it is empty.
    #[inline]
    #[must_use]
    pub const fn best_price(&self, side: Side) -> Price {
        self.ladder(side).best_price()
    }

    /// Levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = LevelView> + '_ {
        self.ladder(side).slots().map(|slot| self.level_view(slot))
    }

    /// The level at a price.
    #[must_use]
    pub fn level(&self, side: Side, price: Price) -> Option<LevelView> {
        self.found(side, price).map(|slot| self.level_view(slot))
    }

    /// Levels on a side.
    #[must_use]
    pub fn level_count(&self, side: Side) -> usize {
        self.ladder(side).len()
    }

    /// Live orders.
    #[must_use]
    pub fn order_count(&self) -> usize {
        self.index.len()
    }

    /// Orders at a price, front of the queue first.
    pub fn queue(&self, side: Side, price: Price) -> impl Iterator<Item = OrderView> + '_ {
        let level = self.found(side, price).map(|slot| self.levels.at(slot));
        level.into_iter().flat_map(|level| self.orders.queue(level)).map(|slot| self.order_view(slot))
    }

    /// Everything that rests on a side, in the order in which it would trade.
    pub fn resting(&self, side: Side) -> impl Iterator<Item = Resting> + '_ {
        self.ladder(side).slots().flat_map(|slot| self.resting_on(slot))
    }

    /// Everything that rests at a price, in the order in which it would trade.
    pub fn resting_at(&self, side: Side, price: Price) -> impl Iterator<Item = Resting> + '_ {
        self.found(side, price).into_iter().flat_map(|slot| self.resting_on(slot))
    }

    fn resting_on(&self, slot: u32) -> impl Iterator<Item = Resting> + '_ {
        let level = self.levels.at(slot);
        let mut aggregate = self.levels.aggregate(slot).map(|aggregate| Resting {
            order_id: 0,
            price: level.price,
            size: aggregate.size,
            entered: aggregate.entered,
            is_order: false,
        });
        let mut orders =
            self.orders.queue(level).map(|slot| self.resting_order(slot, level.price)).peekable();
        std::iter::from_fn(move || match (aggregate, orders.peek()) {
            (Some(waiting), Some(order)) if order.entered > waiting.entered => aggregate.take(),
            (Some(_), None) => aggregate.take(),
            _ => orders.next(),
        })
    }

    /// A live order.
    #[must_use]
    pub fn order(&self, order_id: u64) -> Option<OrderView> {
        self.index.find(&self.orders, order_id).map(|slot| self.order_view(slot))
    }

    /// A live order with its place. O(1).
    #[inline]
    #[must_use]
    pub fn standing(&self, order_id: u64) -> Option<Standing> {
        let slot = self.index.find(&self.orders, order_id)?;
        let order = self.orders.at(slot);
        let filled = self.fills.of(slot, order);
        Some(Standing { order: self.order_view(slot), entered: order.entered(), filled })
    }

    /// Orders ahead of an order at its price, and their quantity. O(orders ahead).
    #[must_use]
    pub fn ahead_of(&self, order_id: u64) -> Option<(u32, u64)> {
        let slot = self.index.find(&self.orders, order_id)?;
        let (mut orders, mut size) = (0, 0);
        let mut ahead = self.orders.at(slot).prev;
        while ahead != NIL {
            let order = self.orders.at(ahead);
            orders += 1;
            size += u64::from(order.size);
            ahead = order.prev;
        }
        Some((orders, size))
    }

    /// How the best prices stand to each other.
    #[inline]
    #[must_use]
    pub fn overlap(&self) -> Overlap {
        let [bids, asks] = &self.ladders;
        if bids.best() == NIL || asks.best() == NIL {
            return Overlap::Apart;
        }
        match bids.best_price().cmp(&asks.best_price()) {
            Ordering::Less => Overlap::Apart,
            Ordering::Equal => Overlap::Locked,
            Ordering::Greater => Overlap::Crossed,
        }
    }

    /// Whether the last record did not end its event: the book may be half-updated.
    #[inline]
    #[must_use]
    pub const fn is_mid_event(&self) -> bool {
        self.mid_event
    }

    /// How fills met the queues.
    #[must_use]
    pub const fn fills(&self) -> FillCounts {
        self.fills.counts
    }

    /// Visible quantity on a side and how much of it the data showed entering.
    #[must_use]
    pub fn size_seen_entering(&self, side: Side) -> (u64, u64) {
        let visible: u64 = self.levels(side).map(|level| level.size).sum();
        let unseen: u64 = self
            .ladder(side)
            .slots()
            .flat_map(|slot| self.orders.queue(self.levels.at(slot)))
            .map(|slot| self.orders.at(slot))
            .filter(|order| order.marks().not_seen_entering)
            .map(|order| u64::from(order.size))
            .sum();
        (visible, visible - unseen)
    }

    fn found(&self, side: Side, price: Price) -> Option<u32> {
        let slot = self.ladder(side).search(price);
        (slot != NIL).then_some(slot)
    }

    #[inline]
    fn level_view(&self, slot: u32) -> LevelView {
        let level = self.levels.at(slot);
        LevelView { price: level.price, size: level.size, count: level.count }
    }

    fn order_view(&self, slot: u32) -> OrderView {
        let order = self.orders.at(slot);
        let level = self.levels.at(order.level);
        OrderView {
            order_id: order.id,
            side: level.side,
            price: level.price,
            size: order.size,
            priority_approximate: order.marks().priority_approximate,
        }
    }

    fn resting_order(&self, slot: u32, price: Price) -> Resting {
        let order = self.orders.at(slot);
        Resting { order_id: order.id, price, size: order.size, entered: order.entered(), is_order: true }
    }
}
