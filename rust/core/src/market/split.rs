//! A market in parts that apply side by side: each book belongs to one part, so the order of its records is kept.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::Market;
use crate::error::Result;
use crate::types::{BookKey, MboRecord};

/// Which part each book belongs to; books it does not name belong to the first.
pub(crate) type Owners = HashMap<BookKey, usize, FixedState>;

/// Books shared out so that each part has about as many records.
pub(crate) fn share_out(books: &[(BookKey, u64)], parts: usize) -> Owners {
    let mut sorted: Vec<(BookKey, u64)> = books.to_vec();
    sorted.sort_by_key(|(_, records)| std::cmp::Reverse(*records));
    let mut loads = vec![0; parts];
    let mut owners = Owners::default();
    for (key, records) in sorted {
        let lightest = (0..parts).min_by_key(|&part| loads[part]).unwrap_or(0);
        loads[lightest] += records;
        owners.insert(key, lightest);
    }
    owners
}

impl Market {
    /// Parts of the market, which is empty afterwards.
    pub(crate) fn split(&mut self, owners: &Owners, parts: usize) -> Vec<Self> {
        let whole = std::mem::take(self);
        let mut split: Vec<Self> = (0..parts)
            .map(|_| Self {
                gaps: whole.gaps.clone(),
                settlements: whole.settlements.clone(),
                symbols: whole.symbols.clone(),
                position: whole.position,
                ts_recv: whole.ts_recv,
                ..Self::default()
            })
            .collect();
        for entry in whole.entries {
            let part = &mut split[owners.get(&entry.key).copied().unwrap_or(0)];
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
        let first = self.position;
        let mut recent: Option<(BookKey, bool)> = None;
        for (index, record) in (first..).zip(records) {
            let key = record.key();
            let is_own = match recent {
                Some((recent, is_own)) if recent == key => is_own,
                _ => owners.get(&key).copied().unwrap_or(0) == part,
            };
            recent = Some((key, is_own));
            if is_own {
                self.position = index;
                self.apply(record)?;
            }
        }
        self.position = first + records.len() as u64;
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
