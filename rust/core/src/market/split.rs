//! A market in parts that apply side by side: each book belongs to one part, so the order of its records is kept.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::{Market, SOMETIME, SOON};
use crate::error::Result;
use crate::types::{BookKey, MboRecord};

/// Records looked through at a time for those that belong to a part.
const LOOKED_THROUGH: usize = 4_096;
/// Books whose owners are at hand.
const AT_HAND: usize = 256;

/// Which part each book belongs to; books it does not know belong to the first.
#[derive(Debug)]
pub(crate) struct Owners {
    all: HashMap<BookKey, usize, FixedState>,
    at_hand: Vec<(BookKey, usize)>,
}

impl Owners {
    /// Shares books out so that each part has about as many records.
    pub(crate) fn share_out(books: &[(BookKey, u64)], parts: usize) -> Self {
        let mut sorted: Vec<(BookKey, u64)> = books.to_vec();
        sorted.sort_by_key(|(_, records)| std::cmp::Reverse(*records));
        let mut loads = vec![0; parts];
        let mut owners = Self { all: HashMap::default(), at_hand: vec![(BookKey::default(), 0); AT_HAND] };
        for (key, records) in sorted {
            let lightest = (0..parts).min_by_key(|&part| loads[part]).unwrap_or(0);
            loads[lightest] += records;
            owners.all.insert(key, lightest);
            let place = key.instrument_id as usize % AT_HAND;
            if owners.at_hand[place].0 == BookKey::default() {
                owners.at_hand[place] = (key, lightest); // the busiest of those that share the place
            }
        }
        owners
    }

    #[inline]
    fn of(&self, key: BookKey) -> usize {
        match self.at_hand.get(key.instrument_id as usize % AT_HAND) {
            Some((known, owner)) if *known == key => *owner,
            _ => self.all.get(&key).copied().unwrap_or(0),
        }
    }
}

impl Market {
    /// Parts of the market, which is empty afterwards.
    pub(crate) fn split(&mut self, owners: &Owners, parts: usize) -> Vec<Self> {
        let whole = std::mem::take(self);
        let mut split: Vec<Self> = (0..parts)
            .map(|_| Self {
                gaps: whole.gaps.clone(),
                missing: whole.missing.clone(),
                settlements: whole.settlements.clone(),
                symbols: whole.symbols.clone(),
                position: whole.position,
                ts_recv: whole.ts_recv,
                ..Self::default()
            })
            .collect();
        for entry in whole.entries {
            let part = &mut split[owners.of(entry.key)];
            part.slots.insert(entry.key, part.entries.len());
            part.entries.push(entry);
        }
        split
    }

    /// Applies those records that belong to a part.
    ///
    /// # Errors
    /// Those of [`Market::apply`].
    pub(crate) fn apply_own(&mut self, records: &[MboRecord], owners: &Owners, part: usize) -> Result<()> {
        let mut own = [0_u16; LOOKED_THROUGH];
        for stretch in records.chunks(LOOKED_THROUGH) {
            // First a list of its records, without a jump for each: which come next cannot be foreseen.
            let mut count = 0;
            for (at, record) in (0..).zip(stretch) {
                own[count] = at;
                count += usize::from(owners.of(record.key()) == part);
            }
            let own = &own[..count];
            let first = self.position;
            for (n, &at) in own.iter().enumerate() {
                let ahead = |by: usize| own.get(n + by).and_then(|&at| stretch.get(usize::from(at)));
                self.expect(ahead(SOMETIME), ahead(SOON));
                self.position = first + u64::from(at);
                self.apply_only(&stretch[usize::from(at)])?;
            }
            self.position = first + stretch.len() as u64;
        }
        self.ts_recv = records.last().map(MboRecord::ts_recv).or(self.ts_recv);
        Ok(())
    }

    /// The whole of parts that have applied the same records.
    pub(crate) fn join(parts: Vec<Self>) -> Self {
        let mut parts = parts.into_iter();
        let mut whole = parts.next().unwrap_or_default();
        for part in parts {
            whole.entries.extend(part.entries);
            for (channel, index) in part.gaps {
                let last = whole.gaps.entry(channel).or_insert(index);
                *last = index.max(*last);
            }
        }
        whole.entries.sort_by_key(|entry| entry.first);
        whole.slots = whole.entries.iter().enumerate().map(|(slot, entry)| (entry.key, slot)).collect();
        (whole.recent, whole.latest) = (Vec::new(), None);
        whole
    }

    /// Whether it refuses the first anomaly, which only one after the other can find.
    pub(crate) const fn is_strict(&self) -> bool {
        self.strict
    }
}
