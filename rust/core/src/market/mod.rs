//! Books by publisher and instrument, and what is seen around them while records apply.

mod choice;
mod entry;
mod image;
mod split;
mod tally;
mod watch;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::book::{Book, Effect, LevelView};
use crate::error::{Error, Result};
use crate::matching::Bbo;
use crate::types::{Anomaly, AnomalyCounts, AnomalyKind, BookKey, Flags, MboRecord, Nanos, Price, Sample};

pub use choice::choose;
pub(crate) use choice::{listed, named};
pub use entry::Entry;
pub(crate) use split::Owners;
pub use tally::{Tally, Updates};
pub use watch::{Cause, CompleteSince, CrossedPeriod, Trade, Watch};

/// What a record did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// To its book.
    pub effect: Effect,
    /// Whether its book is new.
    pub created: bool,
}

/// Books whose slots are at hand.
const RECENT: usize = 256;
/// Books from which on it pays to bring near what records to come will look up, and how many records ahead.
const MANY: usize = 3;
const SOMETIME: usize = 8;
const SOON: usize = 4;

/// All books of a feed.
#[derive(Clone, Debug, Default)]
pub struct Market {
    entries: Vec<Entry>,
    slots: HashMap<BookKey, usize, FixedState>,
    /// Slots by the low bits of their instrument, as they were found last: most records are of few books, in any order.
    recent: Vec<Option<(BookKey, usize)>>,
    /// Slot of the record before.
    latest: Option<usize>,
    /// By publisher and channel: the record at which the venue last reported a gap.
    gaps: HashMap<(u16, u8), u64, FixedState>,
    /// The last record before which records of a book are missing, or of any.
    missing: HashMap<Option<BookKey>, u64, FixedState>,
    /// Settlement prices, also of books that have no record yet.
    settlements: HashMap<BookKey, Price, FixedState>,
    /// Records applied: the index of the next one.
    position: u64,
    ts_recv: Option<Nanos>,
    /// Symbols by instrument id, where the data gave them.
    symbols: HashMap<u32, String, FixedState>,
    strict: bool,
}

impl Market {
    /// A market without books.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A market that refuses the first anomaly instead of only counting it.
    #[must_use]
    pub fn strict() -> Self {
        Self { strict: true, ..Self::default() }
    }

    /// Applies records in order.
    ///
    /// # Errors
    /// [`Error::Anomaly`] at the first anomaly of a strict market. That record has had its default effect.
    pub fn apply_all(&mut self, records: &[MboRecord]) -> Result<()> {
        for (at, record) in records.iter().enumerate() {
            self.expect(records.get(at + SOMETIME), records.get(at + SOON));
            self.apply_only(record)?;
        }
        Ok(())
    }

    /// Brings near what records to come will look up: with several books it is far, and to wait for it was a fifth of the
    /// time over sixteen. One book's is near anyway.
    #[inline]
    fn expect(&self, sometime: Option<&MboRecord>, soon: Option<&MboRecord>) {
        if self.entries.len() < MANY {
            return;
        }
        if let Some((book, next)) = self.book_of(sometime) {
            book.expect(next.order_id);
        }
        if let Some((book, next)) = self.book_of(soon) {
            book.expect_soon(next.order_id);
        }
    }

    #[inline]
    fn book_of<'r>(&self, record: Option<&'r MboRecord>) -> Option<(&Book, &'r MboRecord)> {
        let record = record?;
        let (key, slot) = self.recent.get(record.instrument_id as usize % RECENT).copied()??;
        (key == record.key()).then_some((&self.entries.get(slot)?.book, record))
    }

    /// Applies one record and does not tell what came of it: copying that, just after it was written bit by bit, made the
    /// processor wait for every store before it, which was a quarter of the time over sixteen books.
    #[inline]
    fn apply_only(&mut self, record: &MboRecord) -> Result<()> {
        let (index, slot, _) = self.turn_to(record);
        let entry = &mut self.entries[slot];
        let noted = entry.notes.total();
        entry.apply(record, index);
        if self.strict && entry.notes.total() != noted {
            return Err(Self::refusal(entry, index));
        }
        Ok(())
    }

    /// Applies one record to its book.
    ///
    /// # Errors
    /// [`Error::Anomaly`] if the market is strict and the record is one. It has had its default effect.
    #[inline]
    pub fn apply(&mut self, record: &MboRecord) -> Result<Outcome> {
        let (index, slot, created) = self.turn_to(record);
        let entry = &mut self.entries[slot];
        let noted = entry.notes.total();
        let effect = entry.apply(record, index);
        if self.strict && entry.notes.total() != noted {
            return Err(Self::refusal(entry, index));
        }
        Ok(Outcome { effect, created })
    }

    /// Makes a record the latest: its index, the slot of its book, and whether that is new.
    #[inline]
    fn turn_to(&mut self, record: &MboRecord) -> (u64, usize, bool) {
        let index = self.position;
        let (slot, created) = self.slot(record.key());
        self.position += 1;
        self.ts_recv = Some(record.ts_recv());
        if record.flags().has(Flags::MAYBE_BAD_BOOK) {
            self.note_gap(record, index);
        }
        (index, slot, created)
    }

    /// Takes note of a gap that the venue reports: every book of the channel is suspect.
    #[cold]
    pub(crate) fn note_gap(&mut self, record: &MboRecord, index: u64) {
        self.gaps.insert((record.publisher_id, record.channel_id), index);
    }

    #[cold]
    fn refusal(entry: &Entry, index: u64) -> Error {
        let BookKey { publisher_id, instrument_id } = entry.key;
        let anomaly = entry.notes.last().unwrap_or(Anomaly::UnfinishedEvent);
        Error::Anomaly { index, publisher_id, instrument_id, anomaly }
    }

    /// Slot of a book, made if it is not there.
    #[inline]
    fn slot(&mut self, key: BookKey) -> (usize, bool) {
        let place = key.instrument_id as usize % RECENT;
        if let Some(Some((recent, slot))) = self.recent.get(place)
            && *recent == key
        {
            self.latest = Some(*slot);
            return (*slot, false);
        }
        let known = self.slots.get(&key).copied();
        let slot = known.unwrap_or_else(|| self.open(key));
        self.recent.resize(RECENT, None);
        self.recent[place] = Some((key, slot));
        self.latest = Some(slot);
        (slot, known.is_none())
    }

    #[cold]
    fn open(&mut self, key: BookKey) -> usize {
        let slot = self.entries.len();
        let mut entry = Entry::new(key, self.position);
        entry.watch.settlement = self.settlements.get(&key).copied();
        self.entries.push(entry);
        self.slots.insert(key, slot);
        slot
    }

    /// Takes note of what an instrument id means from the next record on. If it meant something else, its books start again.
    pub fn name(&mut self, instrument_id: u32, symbol: &str) {
        let before = self.symbols.insert(instrument_id, symbol.to_owned());
        if before.is_none_or(|before| before == symbol) {
            return;
        }
        let index = self.position;
        self.settlements.retain(|key, _| key.instrument_id != instrument_id);
        for entry in self.entries.iter_mut().filter(|entry| entry.key.instrument_id == instrument_id) {
            entry.forget(index);
        }
    }

    /// What instrument ids mean, as far as it was said.
    #[must_use]
    pub const fn symbols(&self) -> &HashMap<u32, String, FixedState> {
        &self.symbols
    }

    /// Takes note of a settlement price that the venue sent, perhaps before the book's first record.
    pub fn settle(&mut self, key: BookKey, price: Price) {
        self.settlements.insert(key, price);
        if let Some(&slot) = self.slots.get(&key) {
            self.entries[slot].watch.settlement = Some(price);
        }
    }

    /// Records of a book are missing before the one of an index, or of any book.
    pub fn miss(&mut self, of: Option<BookKey>, index: u64) {
        self.missing.insert(of, index);
    }

    /// A market as it was after `position` records, from its books and what was said between the records before.
    pub(crate) fn restore(
        mut entries: Vec<Entry>,
        gaps: impl IntoIterator<Item = ((u16, u8), u64)>,
        position: u64,
        ts_recv: Option<Nanos>,
    ) -> Self {
        entries.sort_by_key(|entry| entry.first);
        let slots = entries.iter().enumerate().map(|(slot, entry)| (entry.key, slot)).collect();
        Self { entries, slots, gaps: gaps.into_iter().collect(), position, ts_recv, ..Self::default() }
    }

    /// By publisher and channel: the last record with which the venue reported a gap.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = ((u16, u8), u64)> + '_ {
        self.gaps.iter().map(|(channel, index)| (*channel, *index))
    }

    /// Settlement prices, also of books that have no record yet.
    pub(crate) fn settlements(&self) -> impl Iterator<Item = (BookKey, Price)> + '_ {
        self.settlements.iter().map(|(key, price)| (*key, *price))
    }

    /// Takes up where another market stands; what it refuses stays.
    pub(crate) fn take_up(&mut self, other: Self) {
        *self = Self { strict: self.strict, ..other };
    }

    /// Takes note of what an instrument id meant while a restored market's books came to be as they are.
    pub(crate) fn recall_name(&mut self, instrument_id: u32, symbol: &str) {
        let before = self.symbols.insert(instrument_id, symbol.to_owned());
        if before.is_some_and(|before| before != symbol) {
            self.settlements.retain(|key, _| key.instrument_id != instrument_id);
        }
    }

    /// Takes note of a settlement price sent while a restored market's books came to be as they are.
    pub(crate) fn recall_settlement(&mut self, key: BookKey, price: Price) {
        self.settlements.insert(key, price);
    }

    /// The next record has this index: those in between are of books that this market leaves out.
    pub(crate) const fn skip_to(&mut self, index: u64) {
        self.position = index;
    }

    /// Slot of the book that the last record belonged to.
    pub(crate) const fn last_slot(&self) -> usize {
        match self.latest {
            Some(slot) => slot,
            None => 0,
        }
    }

    /// Every book, in order of appearance.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The book that the latest record was applied to.
    #[inline]
    #[must_use]
    pub fn latest(&self) -> Option<&Entry> {
        self.latest.and_then(|slot| self.entries.get(slot))
    }

    /// Records applied.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// `ts_recv` of the last record.
    #[must_use]
    pub const fn ts_recv(&self) -> Option<Nanos> {
        self.ts_recv
    }

    /// What was counted, over all books. O(books).
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.entries.iter().fold(Tally::default(), |sum, entry| sum + entry.tally)
    }

    /// Anomalies by kind, over all books. O(books).
    #[must_use]
    pub fn anomalies(&self) -> AnomalyCounts {
        self.entries.iter().fold(AnomalyCounts::default(), |sum, entry| sum + *entry.notes.counts())
    }

    /// The first anomaly of every kind that occurred.
    pub fn first_anomalies(&self) -> impl Iterator<Item = Sample> + '_ {
        AnomalyKind::ALL.into_iter().filter_map(|kind| {
            let of_kind = self.entries.iter().filter_map(move |entry| entry.notes.first(kind));
            of_kind.min_by_key(|sample| sample.index).copied()
        })
    }

    /// Anomaly counts of a tape that ends here: those so far, and one for every book left inside an event.
    #[must_use]
    pub fn anomalies_at_end(&self) -> AnomalyCounts {
        let mut counts = self.anomalies();
        for _ in self.entries.iter().filter(|entry| entry.book.is_mid_event()) {
            counts.note(AnomalyKind::UnfinishedEvent);
        }
        counts
    }

    /// The book of an instrument; the publisher may be left out where there is only one.
    ///
    /// # Errors
    /// Those of [`choose`].
    pub fn find(&self, instrument_id: u32, publisher_id: Option<u16>) -> Result<&Entry> {
        let exact = publisher_id.map(|publisher_id| BookKey { publisher_id, instrument_id });
        if let Some(&slot) = exact.and_then(|key| self.slots.get(&key)) {
            return Ok(&self.entries[slot]);
        }
        let key = choose(self.entries.iter().map(|entry| entry.key), instrument_id, publisher_id)?;
        Ok(&self.entries[self.slots[&key]])
    }

    /// Best prices over all publishers of an instrument: each publisher's matched view at its last event end, sizes and
    /// counts summed at the best price. They may lock or cross; they are reported, never matched.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown instrument, naming those there are.
    pub fn consolidated(&self, instrument_id: u32) -> Result<Bbo> {
        let mut of_instrument =
            self.entries.iter().filter(|entry| entry.key.instrument_id == instrument_id).peekable();
        if of_instrument.peek().is_none() {
            self.find(instrument_id, None)?;
        }
        let mut best = Bbo::default();
        for entry in of_instrument {
            let Bbo { bid, ask } = entry.watch.settled_bbo(&entry.book);
            best.bid = joined(best.bid, bid, |new, old| new > old);
            best.ask = joined(best.ask, ask, |new, old| new < old);
        }
        Ok(best)
    }

    /// Why a book cannot be trusted now, if so.
    #[must_use]
    pub fn suspicion(&self, entry: &Entry) -> Option<String> {
        let is_since = |index: u64| entry.watch.reset_at.is_none_or(|reset| index > reset);
        let missing = [Some(entry.key), None].into_iter().filter_map(|of| self.missing.get(&of)).max();
        if let Some(index) = missing.filter(|index| is_since(**index)) {
            return Some(format!(
                "records before record {index} are missing, and no snapshot has come since"
            ));
        }
        let channel = (entry.key.publisher_id, entry.watch.channel_id);
        if let Some(&gap) = self.gaps.get(&channel)
            && is_since(gap)
        {
            return Some(format!(
                "the venue reported a gap on channel {} at record {gap}, and no snapshot has come since",
                channel.1
            ));
        }
        entry
            .watch
            .crossed_trade
            .map(|index| format!("crossed, and ordinary trades keep printing (first at record {index})"))
    }
}

/// The better of two levels; their sum where the price is the same.
fn joined(
    old: Option<LevelView>,
    new: Option<LevelView>,
    better: impl Fn(Price, Price) -> bool,
) -> Option<LevelView> {
    let (Some(old), Some(new)) = (old, new) else { return old.or(new) };
    Some(if old.price == new.price {
        LevelView { price: old.price, size: old.size + new.size, count: old.count + new.count }
    } else if better(new.price, old.price) {
        new
    } else {
        old
    })
}
