//! One side's levels in price order, the best one always at hand.

use std::collections::BTreeMap;

use super::level::NIL;
use crate::types::{Price, Side};

/// The price levels of a side. The tree is touched only when a level appears or goes.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    side: Side,
    tree: BTreeMap<Price, u32>,
    /// Slot of the best level and its price, or [`NIL`].
    best: u32,
    best_price: Price,
}

impl Ladder {
    pub(super) const fn new(side: Side) -> Self {
        Self { side, tree: BTreeMap::new(), best: NIL, best_price: Price::UNDEF }
    }

    /// Slot of the best level, or [`NIL`].
    #[inline]
    pub(super) const fn best(&self) -> u32 {
        self.best
    }

    /// The best price; [`Price::UNDEF`] if the side is empty.
    #[inline]
    pub(super) const fn best_price(&self) -> Price {
        self.best_price
    }

    /// Slot of the level at a price.
    #[inline]
    pub(super) fn find(&self, price: Price) -> Option<u32> {
        if price == self.best_price && self.best != NIL {
            return Some(self.best);
        }
        self.tree.get(&price).copied()
    }

    pub(super) fn insert(&mut self, price: Price, slot: u32) {
        self.tree.insert(price, slot);
        let better = match self.side {
            Side::Bid => price > self.best_price,
            Side::Ask => price < self.best_price,
        };
        if better || self.best == NIL {
            self.best = slot;
            self.best_price = price;
        }
    }

    pub(super) fn remove(&mut self, price: Price) {
        self.tree.remove(&price);
        if price == self.best_price {
            (self.best_price, self.best) = self.first().unwrap_or((Price::UNDEF, NIL));
        }
    }

    pub(super) fn clear(&mut self) {
        self.tree.clear();
        self.best = NIL;
        self.best_price = Price::UNDEF;
    }

    pub(super) fn len(&self) -> usize {
        self.tree.len()
    }

    /// The best entry as the tree has it, whatever is cached.
    pub(super) fn first(&self) -> Option<(Price, u32)> {
        match self.side {
            Side::Bid => self.tree.last_key_value(),
            Side::Ask => self.tree.first_key_value(),
        }
        .map(|(price, slot)| (*price, *slot))
    }

    /// Slots of all levels, best first.
    pub(super) fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        let mut tree = self.tree.values();
        std::iter::from_fn(move || match self.side {
            Side::Bid => tree.next_back(),
            Side::Ask => tree.next(),
        })
        .copied()
    }

    /// Prices and slots in ascending order of price.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Price, u32)> + '_ {
        self.tree.iter().map(|(price, slot)| (*price, *slot))
    }
}
