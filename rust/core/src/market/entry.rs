//! One book and everything that is known about it.

use super::{Tally, Watch};
use crate::book::{Book, Effect, Overlap};
use crate::types::{Anomaly, BookKey, Flags, MboRecord, Notes};

/// One book, what was seen around it, and what was counted.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Whose book.
    pub key: BookKey,
    /// The book.
    pub book: Book,
    /// What was seen around it.
    pub watch: Watch,
    /// What was counted.
    pub tally: Tally,
    /// What was wrong with its records.
    pub notes: Notes,
    /// Index of its first record.
    pub(super) first: u64,
}

impl Entry {
    pub(crate) fn new(key: BookKey, first: u64) -> Self {
        let notes = Notes::of(key);
        Self { key, book: Book::new(), watch: Watch::default(), tally: Tally::default(), notes, first }
    }

    /// Applies one record of this book, number `index` of its tape.
    #[inline]
    pub(crate) fn apply(&mut self, record: &MboRecord, index: u64) -> Effect {
        let Self { book, watch, tally, notes, .. } = self;
        let flags = record.flags();
        notes.begin(index);
        if flags.has(Flags::MAYBE_BAD_BOOK) {
            notes.note(Anomaly::MaybeBadBook { channel_id: record.channel_id });
        }
        watch.before(book, record, index, notes);
        let effect = book.apply(record, notes);
        watch.after(record, &effect, index);
        tally.count(&effect);
        if flags.is_last() {
            tally.event_ends += 1;
            let overlap = book.overlap();
            if overlap != Overlap::Apart || watch.overlap() != Overlap::Apart {
                tally.crossed_event_ends += u64::from(overlap == Overlap::Crossed);
                tally.locked_event_ends += u64::from(overlap == Overlap::Locked);
                watch.event_end(overlap, record.ts_recv());
            }
        }
        effect
    }

    /// The instrument id means something else from record `index` on: the book starts again.
    pub(crate) fn forget(&mut self, index: u64) {
        self.book.clear();
        self.watch.forget(index);
    }
}
