//! Order ids to slots: a hash table that holds slots only and looks ids up in the slab.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::OccupiedEntry;

use super::queue::Orders;

/// The registry of live orders. Ids may be any 64-bit numbers: the hash is seeded, so none can be chosen to collide.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    table: HashTable<u32>,
    hasher: RandomState,
}

impl Index {
    /// Slot of an order.
    #[inline]
    pub(super) fn find(&self, orders: &Orders, id: u64) -> Option<u32> {
        self.table.find(self.hasher.hash_one(id), |&slot| orders.at(slot).id == id).copied()
    }

    /// Entry of an order, to read and then perhaps remove without looking again.
    #[inline]
    pub(super) fn entry(&mut self, orders: &Orders, id: u64) -> Option<OccupiedEntry<'_, u32>> {
        self.table.find_entry(self.hasher.hash_one(id), |&slot| orders.at(slot).id == id).ok()
    }

    /// Registers an order that is not registered.
    #[inline]
    pub(super) fn insert(&mut self, orders: &Orders, id: u64, slot: u32) {
        let hasher = &self.hasher;
        self.table.insert_unique(hasher.hash_one(id), slot, |&slot| hasher.hash_one(orders.at(slot).id));
    }

    pub(super) fn reserve(&mut self, orders: &Orders, more: usize) {
        let hasher = &self.hasher;
        self.table.reserve(more, |&slot| hasher.hash_one(orders.at(slot).id));
    }

    pub(super) fn clear(&mut self) {
        self.table.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        self.table.iter().copied()
    }
}
