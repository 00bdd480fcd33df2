//! Blocks of files, the recently used ones in memory, up to a bound.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::reel::Records;
use crate::error::Result;

/// Blocks kept: 64 MiB of records.
const KEPT: usize = 1_170;
/// Emptied blocks whose memory the next ones take.
const SPARES: usize = 4;

/// A reel and a block of it.
type Name = (u64, u64);

/// A bounded cache of blocks, shared by all threads that read a tape.
///
/// When it is full a hand goes round and takes the first block that nobody asked for since it last came by, so that a pass
/// over a long tape does not push out what is looked at again and again.
#[derive(Debug, Default)]
pub struct BlockCache {
    kept: Mutex<Kept>,
    reels: AtomicU64,
}

#[derive(Debug, Default)]
struct Kept {
    places: HashMap<Name, usize, FixedState>,
    slots: Vec<Slot>,
    hand: usize,
    spares: Vec<Records>,
}

#[derive(Debug)]
struct Slot {
    name: Name,
    records: Arc<Records>,
    asked_again: bool,
}

impl BlockCache {
    /// A number for a reel that shall share the cache.
    pub(super) fn next_reel(&self) -> u64 {
        self.reels.fetch_add(1, Ordering::Relaxed)
    }

    /// A block: the one kept, or as `read` fills it, which is done without holding the lock.
    pub(super) fn block(
        &self,
        name: Name,
        read: impl FnOnce(&mut Records) -> Result<()>,
    ) -> Result<Arc<Records>> {
        let lock = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut records = {
            let mut kept = lock();
            if let Some(found) = kept.find(name) {
                return Ok(found);
            }
            kept.spares.pop().unwrap_or_default()
        };
        records.records.clear();
        records.ts_outs.clear();
        read(&mut records)?;
        let records = Arc::new(records);
        lock().keep(name, Arc::clone(&records));
        Ok(records)
    }
}

impl Kept {
    fn find(&mut self, name: Name) -> Option<Arc<Records>> {
        let slot = &mut self.slots[*self.places.get(&name)?];
        slot.asked_again = true;
        Some(Arc::clone(&slot.records))
    }

    fn keep(&mut self, name: Name, records: Arc<Records>) {
        if self.places.contains_key(&name) {
            return; // another thread read it meanwhile
        }
        let slot = Slot { name, records, asked_again: false };
        if self.slots.len() < KEPT {
            self.places.insert(name, self.slots.len());
            self.slots.push(slot);
            return;
        }
        while std::mem::take(&mut self.slots[self.hand].asked_again) {
            self.hand = (self.hand + 1) % KEPT;
        }
        let gone = std::mem::replace(&mut self.slots[self.hand], slot);
        self.places.remove(&gone.name);
        self.places.insert(name, self.hand);
        self.hand = (self.hand + 1) % KEPT;
        if self.spares.len() < SPARES
            && let Some(records) = Arc::into_inner(gone.records)
        {
            self.spares.push(records);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::MboRecord;

    fn read(cache: &BlockCache, number: u64) -> u64 {
        let block = cache.block((0, number), |records| {
            records.records.push(MboRecord { order_id: number, ..MboRecord::default() });
            Ok(())
        });
        block.map_or(0, |block| block.records[0].order_id)
    }

    #[test]
    fn a_block_asked_for_again_outlives_a_long_pass() {
        let cache = BlockCache::default();
        for number in 0..4 * KEPT as u64 {
            assert_eq!(read(&cache, number), number);
            assert_eq!(read(&cache, 7), 7);
        }
        let kept = cache.kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        assert_eq!((kept.slots.len(), kept.places.len()), (KEPT, KEPT));
        assert!(kept.places.contains_key(&(0, 7)));
        assert!(kept.spares.len() <= SPARES);
    }
}
