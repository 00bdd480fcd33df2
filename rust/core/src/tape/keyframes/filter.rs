//! Which stretches of a tape may have records of an order: a Bloom filter for each.
//!
//! B. H. Bloom, "Space/time trade-offs in hash coding with allowable errors", CACM 13 (7), 1970.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;

/// Records of a stretch.
pub const STRETCH: u64 = 16_384;
/// Bits of its filter: eight a record. Orders have more records than one, so that a filter errs in less than one of 50.
const BITS: u64 = 8 * STRETCH;
const WORDS: usize = (BITS / 64) as usize;
/// Bits set for an id.
const HASHES: u32 = 3;

/// One filter a stretch, from the tape's beginning.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filters {
    /// The stretch of the first.
    first: u64,
    words: Vec<u64>,
}

impl Filters {
    /// Filters as they were written, from a tape's beginning.
    pub const fn from_words(words: Vec<u64>) -> Self {
        Self { first: 0, words }
    }

    /// Empty filters from a record on.
    pub const fn from(index: u64) -> Self {
        Self { first: index / STRETCH, words: Vec::new() }
    }

    /// The same without those of the stretches before a record's.
    pub fn since(&self, index: u64) -> Self {
        let first = (index / STRETCH).max(self.first);
        let dropped = (first - self.first) as usize * WORDS;
        Self { first, words: self.words.get(dropped..).unwrap_or_default().to_vec() }
    }

    /// All filters, one behind the other; from the beginning of a tape that was never shortened.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    pub const fn bytes(&self) -> u64 {
        8 * self.words.len() as u64
    }

    /// Words that so many records need.
    pub const fn words_for(records: u64) -> u64 {
        records.div_ceil(STRETCH) * WORDS as u64
    }

    /// Takes note of the record at an index.
    #[inline]
    pub fn insert(&mut self, index: u64, order_id: u64) {
        let start = (index / STRETCH).saturating_sub(self.first) as usize * WORDS;
        if self.words.len() < start + WORDS {
            self.words.resize(start + WORDS, 0);
        }
        if order_id == 0 {
            return; // on many venues the id of whatever has none
        }
        let filter = &mut self.words[start..start + WORDS];
        for bit in bits(order_id) {
            filter[(bit / 64) as usize] |= 1 << (bit % 64);
        }
    }

    /// Stretches that may have records of an order; all others have none.
    pub fn stretches(&self, order_id: u64) -> impl Iterator<Item = u64> + '_ {
        let bits = bits(order_id);
        (self.first..).zip(self.words.chunks_exact(WORDS)).filter_map(move |(stretch, filter)| {
            bits.iter().all(|bit| filter[(bit / 64) as usize] & 1 << (bit % 64) != 0).then_some(stretch)
        })
    }
}

#[inline]
fn bits(order_id: u64) -> [u64; HASHES as usize] {
    let hash = FixedState::with_seed(0).hash_one(order_id);
    std::array::from_fn(|n| (hash >> (21 * n)) % BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stretch_with_an_order_is_named_and_few_others() {
        let mut filters = Filters::default();
        for index in 0..4 * STRETCH {
            filters.insert(index, 1_000_000 * (index / STRETCH) + index / 2 + 1);
        }
        for index in (0..4 * STRETCH).step_by(101) {
            let id = 1_000_000 * (index / STRETCH) + index / 2 + 1;
            assert!(filters.stretches(id).any(|stretch| stretch == index / STRETCH));
        }
        let wrong: usize = (0..4_000).map(|n| filters.stretches(9_000_000_000 + n).count()).sum();
        assert!(wrong < 16_000 / 50, "{wrong}");
        assert_eq!(filters.words().len() as u64, Filters::words_for(4 * STRETCH));
    }
}
