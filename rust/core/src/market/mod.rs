//! Books by publisher and instrument, and what is seen around them while records apply.

mod choice;
mod watch;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::book::{Book, Effect, LevelView, Overlap};
use crate::error::{Error, Result};
use crate::matching::Bbo;
use crate::types::{Anomaly, AnomalyCounts, BookKey, Flags, MboRecord, Nanos, Notes, Price};

pub use choice::choose;
pub use watch::{Cause, CompleteSince, CrossedPeriod, Trade, Watch};

/// What a record did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// To its book.
    pub effect: Effect,
    /// Whether its book is new.
    pub created: bool,
}

/// What has been applied so far, over all books.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Records.
    pub records: u64,
    /// `ts_recv` of the last one.
    pub ts_recv: Option<Nanos>,
    /// Records that ended an event.
    pub event_ends: u64,
    /// Event ends with best bid above best ask.
    pub crossed_event_ends: u64,
    /// Event ends with best bid at best ask.
    pub locked_event_ends: u64,
    /// Adds, cancels and modifies that changed a book, and clears.
    pub updates: Updates,
}

/// Changes of books by kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Updates {
    /// Quantity entered.
    pub add: u64,
    /// Quantity left.
    pub cancel: u64,
    /// An order changed.
    pub modify: u64,
}

/// One book and what was seen around it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Whose book.
    pub key: BookKey,
    /// The book.
    pub book: Book,
    /// What was seen around it.
    pub watch: Watch,
}

/// All books of a feed.
#[derive(Clone, Debug, Default)]
pub struct Market {
    entries: Vec<Entry>,
    slots: HashMap<BookKey, usize, FixedState>,
    /// Slot of the record before: runs of one instrument are the rule.
    recent: Option<(BookKey, usize)>,
    /// By publisher and channel: the record at which the venue last reported a gap.
    gaps: HashMap<(u16, u8), u64, FixedState>,
    /// Settlement prices, also of books that have no record yet.
    settlements: HashMap<BookKey, Price, FixedState>,
    totals: Totals,
    notes: Notes,
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
        for record in records {
            self.apply(record)?;
        }
        Ok(())
    }

    /// Applies one record to its book.
    ///
    /// # Errors
    /// [`Error::Anomaly`] if the market is strict and the record is one. It has had its default effect.
    #[inline]
    pub fn apply(&mut self, record: &MboRecord) -> Result<Outcome> {
        let index = self.totals.records;
        let key = record.key();
        let flags = record.flags();
        let (slot, created) = self.slot(key);
        let noted = self.notes.total();
        self.notes.begin(index, key);
        if flags.has(Flags::MAYBE_BAD_BOOK) {
            self.note_gap(record, index);
        }
        let Entry { book, watch, .. } = &mut self.entries[slot];
        watch.before(book, record, index, &mut self.notes);
        let effect = book.apply(record, &mut self.notes);
        watch.after(record, &effect, index);
        self.totals.records += 1;
        self.totals.ts_recv = Some(record.ts_recv());
        self.totals.count(&effect);
        if flags.is_last() {
            self.totals.event_ends += 1;
            let overlap = book.overlap();
            if overlap != Overlap::Apart || watch.overlap() != Overlap::Apart {
                self.totals.crossed_event_ends += u64::from(overlap == Overlap::Crossed);
                self.totals.locked_event_ends += u64::from(overlap == Overlap::Locked);
                watch.event_end(overlap, record.ts_recv());
            }
        }
        if self.strict && self.notes.total() != noted {
            return Err(self.refusal(index, key));
        }
        Ok(Outcome { effect, created })
    }

    #[cold]
    fn note_gap(&mut self, record: &MboRecord, index: u64) {
        self.gaps.insert((record.publisher_id, record.channel_id), index);
        self.notes.note(Anomaly::MaybeBadBook { channel_id: record.channel_id });
    }

    #[cold]
    fn refusal(&self, index: u64, key: BookKey) -> Error {
        let BookKey { publisher_id, instrument_id } = key;
        let anomaly = self.notes.last().unwrap_or(Anomaly::UnfinishedEvent);
        Error::Anomaly { index, publisher_id, instrument_id, anomaly }
    }

    /// Slot of a book, made if it is not there.
    #[inline]
    fn slot(&mut self, key: BookKey) -> (usize, bool) {
        if let Some((recent, slot)) = self.recent
            && recent == key
        {
            return (slot, false);
        }
        let known = self.slots.get(&key).copied();
        let slot = known.unwrap_or_else(|| self.open(key));
        self.recent = Some((key, slot));
        (slot, known.is_none())
    }

    #[cold]
    fn open(&mut self, key: BookKey) -> usize {
        let slot = self.entries.len();
        let mut watch = Watch::default();
        watch.settlement = self.settlements.get(&key).copied();
        self.entries.push(Entry { key, book: Book::new(), watch });
        self.slots.insert(key, slot);
        slot
    }

    /// Takes note of what an instrument id means from the next record on. If it meant something else, its books start again.
    pub fn name(&mut self, instrument_id: u32, symbol: &str) {
        let before = self.symbols.insert(instrument_id, symbol.to_owned());
        if before.is_none_or(|before| before == symbol) {
            return;
        }
        let index = self.totals.records;
        self.settlements.retain(|key, _| key.instrument_id != instrument_id);
        for entry in self.entries.iter_mut().filter(|entry| entry.key.instrument_id == instrument_id) {
            entry.book.clear();
            entry.watch.forget(index);
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

    /// Every book, in order of appearance.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Totals over all books.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Anomalies over all books.
    #[must_use]
    pub const fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Anomaly counts of a tape that ends here: those so far, and one for every book left inside an event.
    #[must_use]
    pub fn anomalies_at_end(&self) -> AnomalyCounts {
        let mut counts = *self.notes.counts();
        for _ in self.entries.iter().filter(|entry| entry.book.is_mid_event()) {
            counts.note(Anomaly::UnfinishedEvent.kind());
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
        let channel = (entry.key.publisher_id, entry.watch.channel_id);
        if let Some(&gap) = self.gaps.get(&channel)
            && entry.watch.reset_at.is_none_or(|reset| gap > reset)
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

impl Totals {
    #[inline]
    const fn count(&mut self, effect: &Effect) {
        match effect {
            Effect::Added { .. } => self.updates.add += 1,
            Effect::Cancelled { .. } => self.updates.cancel += 1,
            Effect::Modified { .. } => self.updates.modify += 1,
            Effect::Unchanged | Effect::Skipped(_) => {}
        }
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
