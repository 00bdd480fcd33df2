//! Order ids to slots: an open hash table of four bytes a bucket.
//!
//! The low bits of a bucket are a slot, its other bits are some of the id's hash, so that nearly every probe is decided
//! without a look at the slab. Three of four buckets stay free: a probe is then right at once, which the processor foresees,
//! and that made 26 ns a record 22 where two of four were free. Buckets of eight bytes gained half a nanosecond on one
//! book and lost far more over sixteen, where cache is short. A removal moves the rest of its run back instead of leaving a mark.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use super::level::NIL;
use super::queue::Orders;
use crate::types::bring_near;

/// The registry of live orders. Ids may be any 64-bit numbers: the hash is seeded, so none can be chosen to collide.
#[derive(Clone, Debug)]
pub(super) struct Index {
    /// A power of two of them; [`NIL`] where nothing is. Slots are smaller than their number.
    buckets: Vec<u32>,
    /// Bits of a hash below those that say where its run begins.
    shift: u32,
    len: usize,
    seeds: [u64; 2],
}

/// Where an id is registered, or would be.
#[derive(Clone, Copy)]
pub(super) struct Place {
    at: usize,
    hash: u64,
    /// The order's slot; [`NIL`] if it is not registered.
    pub slot: u32,
}

const SMALLEST: usize = 16;
/// Buckets for an order, at least.
const ROOM: usize = 4;

impl Default for Index {
    fn default() -> Self {
        let random = RandomState::default();
        let seeds = [random.hash_one(0_u64), random.hash_one(1_u64) | 1];
        Self { buckets: vec![NIL; SMALLEST], shift: shift_of(SMALLEST), len: 0, seeds }
    }
}

const fn shift_of(buckets: usize) -> u32 {
    u64::BITS - buckets.trailing_zeros()
}

impl Index {
    /// A seeded 64 x 64 to 128 bit product, folded.
    #[inline]
    const fn hash(&self, id: u64) -> u64 {
        let product = (id ^ self.seeds[0]) as u128 * self.seeds[1] as u128;
        product as u64 ^ (product >> 64) as u64
    }

    #[inline]
    const fn mask(&self) -> usize {
        self.buckets.len() - 1
    }

    /// Looks an order up.
    #[inline]
    pub(super) fn place(&self, orders: &Orders, id: u64) -> Place {
        let hash = self.hash(id);
        let mask = self.mask();
        let mut at = (hash >> self.shift) as usize;
        loop {
            let bucket = self.buckets[at];
            if bucket == NIL {
                return Place { at, hash, slot: NIL };
            }
            if (bucket ^ hash as u32) & !(mask as u32) == 0 {
                let slot = bucket & mask as u32;
                if orders.at(slot).id == id {
                    return Place { at, hash, slot };
                }
            }
            at = (at + 1) & mask;
        }
    }

    /// Brings the bucket near in which a look-up will begin.
    #[inline]
    pub(super) fn expect(&self, id: u64) {
        bring_near(&self.buckets[(self.hash(id) >> self.shift) as usize]);
    }

    /// The slot that a look-up will see first, which is nearly always the order's if it is registered.
    #[inline]
    pub(super) fn likely(&self, id: u64) -> u32 {
        self.buckets[(self.hash(id) >> self.shift) as usize] & self.mask() as u32
    }

    /// Slot of an order.
    #[inline]
    pub(super) fn find(&self, orders: &Orders, id: u64) -> Option<u32> {
        let slot = self.place(orders, id).slot;
        (slot != NIL).then_some(slot)
    }

    #[inline]
    const fn bucket(&self, hash: u64, slot: u32) -> u32 {
        (hash as u32 & !(self.mask() as u32)) | slot
    }

    /// Registers an order where its id was not found. The order is in its slot already.
    #[inline]
    pub(super) fn insert(&mut self, orders: &Orders, place: Place, slot: u32) {
        self.len += 1;
        if self.len * ROOM > self.buckets.len() {
            self.grow(orders, self.buckets.len() * 2);
            self.put(place.hash, slot);
            return;
        }
        self.buckets[place.at] = self.bucket(place.hash, slot);
    }

    fn put(&mut self, hash: u64, slot: u32) {
        let mut at = (hash >> self.shift) as usize;
        while self.buckets[at] != NIL {
            at = (at + 1) & self.mask();
        }
        self.buckets[at] = self.bucket(hash, slot);
    }

    /// Forgets the order at a place. What follows in its run moves back where it may.
    #[inline]
    pub(super) fn remove(&mut self, orders: &Orders, place: Place) {
        let mask = self.mask();
        let (mut hole, mut at) = (place.at, place.at);
        loop {
            at = (at + 1) & mask;
            let bucket = self.buckets[at];
            if bucket == NIL {
                break;
            }
            let home = (self.hash(orders.at(bucket & mask as u32).id) >> self.shift) as usize;
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                self.buckets[hole] = bucket;
                hole = at;
            }
        }
        self.buckets[hole] = NIL;
        self.len -= 1;
    }

    /// Makes room for so many orders.
    pub(super) fn reserve(&mut self, orders: &Orders, more: usize) {
        let buckets = ((self.len + more) * ROOM).next_power_of_two();
        if buckets > self.buckets.len() {
            self.grow(orders, buckets);
        }
    }

    #[cold]
    fn grow(&mut self, orders: &Orders, buckets: usize) {
        let old = std::mem::replace(&mut self.buckets, vec![NIL; buckets]);
        self.shift = shift_of(buckets);
        let slots = old.iter().map(|bucket| bucket & (old.len() - 1) as u32).filter(|&slot| slot != NIL);
        for slot in slots {
            self.put(self.hash(orders.at(slot).id), slot);
        }
    }

    /// Forgets every order, and the room for them where most of it was not used: clearing again and again stays cheap.
    pub(super) fn clear(&mut self) {
        let wanted = (self.len * ROOM * 2).next_power_of_two().max(SMALLEST);
        if wanted < self.buckets.len() {
            self.buckets = vec![NIL; wanted];
            self.shift = shift_of(wanted);
        } else {
            self.buckets.fill(NIL);
        }
        self.len = 0;
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        self.buckets.iter().map(|bucket| bucket & self.mask() as u32).filter(|&slot| slot != NIL)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::super::level::Level;
    use super::super::queue::{Marks, Order};
    use super::*;
    use crate::types::{Price, Side};

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        /// An index is a map, for ids that count up, that are far apart, and that share their low bits.
        #[test]
        fn an_index_is_a_map(
            picks in prop::collection::vec(0_u64..700, 1..2_500),
            shift in prop_oneof![Just(0_u32), Just(20), Just(54)],
        ) {
            let (mut index, mut orders, mut level) =
                (Index::default(), Orders::default(), Level::new(Side::Bid, Price(0)));
            let mut model = HashMap::new();
            for (step, pick) in picks.iter().enumerate() {
                let id = pick << shift;
                let place = index.place(&orders, id);
                prop_assert_eq!(place.slot, model.get(&id).copied().unwrap_or(NIL));
                if step == 2_000 {
                    index.clear();
                    orders.clear();
                    level = Level::new(Side::Bid, Price(0));
                    model.clear();
                } else if place.slot == NIL {
                    let slot = orders.enter(&mut level, Order::new(id, NIL, 1, 1, Marks::default()));
                    index.insert(&orders, place, slot);
                    model.insert(id, slot);
                } else {
                    index.remove(&orders, place);
                    orders.unlink(&mut level, place.slot);
                    orders.remove(place.slot);
                    model.remove(&id);
                }
            }
            prop_assert_eq!(index.len(), model.len());
            prop_assert_eq!(index.slots().count(), model.len());
            for (id, slot) in model {
                prop_assert_eq!(index.find(&orders, id), Some(slot));
            }
        }
    }
}
