//! One side's levels in price order, the best one always at hand.

use std::collections::BTreeMap;

use super::level::{Levels, NIL};
use crate::types::{Price, Side};

/// Levels that stand in the array at most: what an insertion may have to move is two kilobytes.
const NEAR_MOST: usize = 128;
/// How many go to the tree, or come back from it, at a time.
const STRETCH: usize = 64;
/// Prices whose levels are remembered, at first and at most: powers of two.
const KNOWN: [usize; 2] = [32, 8_192];

/// The price levels of a side: those nearest the best price in an array, the others in a tree.
///
/// Levels appear and go near the best price: on synthetic flow 95 of 100 among the best eight, in a CL session 55 of 100
/// among the best forty. The array makes that cheap, the tree everything else: with 100,000 levels a new best one costs a
/// third more than with 100. Both hold *keys*, prices turned so that on either side the greater is the better.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    side: Side,
    /// What turns a price into its key and back: nothing for bids, every bit for asks.
    turn: i64,
    /// Ascending, so the best is the last. Empty only if the side is.
    near: Vec<(i64, u32)>,
    /// Everything worse than all of `near`.
    far: BTreeMap<i64, u32>,
    /// Slot of the best level and its price, or [`NIL`].
    best: u32,
    best_price: Price,
    /// Slots by a hash of the price, as they were seen last: hints, believed only if the level says so, too.
    known: Vec<u32>,
}

impl Ladder {
    pub(super) fn new(side: Side) -> Self {
        Self {
            side,
            turn: if matches!(side, Side::Bid) { 0 } else { -1 },
            near: Vec::new(),
            far: BTreeMap::new(),
            best: NIL,
            best_price: Price::UNDEF,
            known: vec![NIL; KNOWN[0]],
        }
    }

    /// The key of a price, and the price of a key.
    #[inline]
    const fn turned(&self, price: i64) -> i64 {
        price ^ self.turn
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

    #[inline]
    const fn hint(&self, price: Price) -> usize {
        let spread = price.0.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (spread >> 32) as usize & (self.known.len() - 1)
    }

    /// Slot of the level at a price, or [`NIL`]; remembered for the next time.
    #[inline]
    pub(super) fn find(&mut self, levels: &Levels, price: Price) -> u32 {
        let hint = self.hint(price);
        let hinted = self.known[hint];
        let level = levels.at(hinted);
        if level.price == price && level.side == self.side {
            return hinted;
        }
        let found = self.search(price);
        self.known[hint] = found;
        found
    }

    /// Slot of the level at a price, or [`NIL`].
    pub(super) fn search(&self, price: Price) -> u32 {
        let key = self.turned(price.0);
        match self.near.binary_search_by_key(&key, |&(key, _)| key) {
            Ok(at) => self.near[at].1,
            Err(0) => self.far.get(&key).copied().unwrap_or(NIL),
            Err(_) => NIL,
        }
    }

    pub(super) fn insert(&mut self, price: Price, slot: u32) {
        let key = self.turned(price.0);
        if self.len() * 4 > self.known.len() && self.known.len() < KNOWN[1] {
            self.known = vec![NIL; self.known.len() * 4];
        }
        let hint = self.hint(price);
        self.known[hint] = slot;
        let at = self.near.partition_point(|&(other, _)| other < key);
        if at == 0 && !self.far.is_empty() {
            self.far.insert(key, slot);
            return;
        }
        if at == self.near.len() {
            (self.best, self.best_price) = (slot, price);
        }
        self.near.insert(at, (key, slot));
        if self.near.len() > NEAR_MOST {
            self.far.extend(self.near.drain(..STRETCH));
        }
    }

    pub(super) fn remove(&mut self, price: Price) {
        let key = self.turned(price.0);
        match self.near.binary_search_by_key(&key, |&(key, _)| key) {
            Ok(at) => self.remove_near(at),
            Err(_) => {
                self.far.remove(&key);
            }
        }
    }

    fn remove_near(&mut self, at: usize) {
        let was_best = at + 1 == self.near.len();
        self.near.remove(at);
        if self.near.is_empty() {
            let back = std::iter::from_fn(|| self.far.pop_last()).take(STRETCH);
            self.near.extend(back);
            self.near.reverse();
        }
        if was_best {
            (self.best_price, self.best) = self.first().unwrap_or((Price::UNDEF, NIL));
        }
    }

    pub(super) fn clear(&mut self) {
        self.near.clear();
        self.far.clear();
        self.known.fill(NIL);
        self.best = NIL;
        self.best_price = Price::UNDEF;
    }

    pub(super) fn len(&self) -> usize {
        self.near.len() + self.far.len()
    }

    /// The best entry, whatever is cached.
    pub(super) fn first(&self) -> Option<(Price, u32)> {
        self.near.last().map(|&(key, slot)| (Price(self.turned(key)), slot))
    }

    /// Slots of all levels, best first.
    pub(super) fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        self.near.iter().rev().map(|&(_, slot)| slot).chain(self.far.values().rev().copied())
    }

    /// Prices and slots, best first.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Price, u32)> + '_ {
        let far = self.far.iter().rev().map(|(&key, &slot)| (key, slot));
        let all = self.near.iter().rev().copied().chain(far);
        all.map(|(key, slot)| (Price(self.turned(key)), slot))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::level::Level;
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        /// A ladder is a sorted map, also where levels move between array and tree and come back.
        #[test]
        fn a_ladder_is_a_sorted_map(
            side in prop_oneof![Just(Side::Bid), Just(Side::Ask)],
            prices in prop::collection::vec(-600_i64..600, 1..1_500),
            takes_best in prop::collection::vec(any::<bool>(), 1_500),
        ) {
            let (mut ladder, mut levels) = (Ladder::new(side), Levels::default());
            let mut model = BTreeMap::new();
            for (price, takes_best) in prices.into_iter().zip(takes_best) {
                let price = Price(price);
                let known = ladder.find(&levels, price);
                prop_assert_eq!(known, model.get(&price).copied().unwrap_or(NIL));
                let best = match side {
                    Side::Bid => model.last_key_value(),
                    Side::Ask => model.first_key_value(),
                }
                .map(|(price, slot)| (*price, *slot));
                prop_assert_eq!(ladder.first(), best);
                let is_cached = best.is_none_or(|best| best == (ladder.best_price(), ladder.best()));
                prop_assert!(is_cached && ladder.search(price) == known && ladder.len() == model.len());
                // In runs, so that a side grows past the array and shrinks again to nothing.
                let gone = if model.len() > 400 || (takes_best && price.0 > 0) {
                    best.filter(|_| takes_best).map(|(price, _)| price)
                } else {
                    (known != NIL).then_some(price)
                };
                if let Some(gone) = gone {
                    ladder.remove(gone);
                    levels.remove(model.remove(&gone).unwrap_or(NIL));
                } else if known == NIL {
                    let slot = levels.insert(Level::new(side, price));
                    ladder.insert(price, slot);
                    model.insert(price, slot);
                }
            }
            let mut all: Vec<_> = model.into_iter().collect();
            if side == Side::Bid {
                all.reverse();
            }
            prop_assert!(ladder.entries().eq(all.iter().copied()));
            prop_assert!(ladder.slots().eq(all.iter().map(|(_, slot)| *slot)));
            for (price, slot) in all {
                prop_assert_eq!((ladder.first(), ladder.best()), (Some((price, slot)), slot));
                ladder.remove(price);
                levels.remove(slot);
            }
            prop_assert_eq!((ladder.len(), ladder.best(), ladder.best_price()), (0, NIL, Price::UNDEF));
        }
    }
}
