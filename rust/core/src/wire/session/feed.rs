//! One derived schema of a session.

use super::outgoing::Outgoing;
use super::wants::Wants;
use crate::derive::{DeriveOptions, Deriver, Schema};
use crate::export::field;
use crate::market::Market;
use crate::tape::Tape;
use crate::types::{BookKey, Instruments, MboRecord};
use foldhash::fast::FixedState;
use hashbrown::HashSet;

/// A derived schema, and what of it is wanted.
#[derive(Debug)]
pub(super) struct Feed {
    pub wants: Wants,
    deriver: Deriver,
    /// Where it goes on; `None` where it has not begun, or has to begin again.
    at: Option<u64>,
    /// Whether it has the books of all that is wanted.
    is_settled: bool,
    /// Instruments that are wanted no longer, whose books it keeps up to date: they may be wanted again.
    left: HashSet<u32, FixedState>,
    rows: Vec<u8>,
}

impl Feed {
    pub(super) fn new(schema: Schema) -> Self {
        let deriver = Deriver::new(schema, DeriveOptions::default());
        let wants = Wants::default();
        Self { wants, deriver, at: None, is_settled: false, left: HashSet::default(), rows: Vec::new() }
    }

    pub(super) const fn schema(&self) -> Schema {
        self.deriver.schema()
    }

    /// More is wanted than before.
    pub(super) const fn widen(&mut self) {
        self.is_settled = false;
    }

    /// Some instruments are wanted no longer.
    pub(super) fn leave(&mut self, instruments: &Instruments) {
        if let Instruments::Some(ids) = instruments {
            self.left.extend(ids.iter().filter(|id| self.wants.has(**id)));
        }
        self.wants.leave(instruments);
    }

    fn follows(&self, instrument_id: u32) -> bool {
        self.wants.has(instrument_id) || self.left.contains(&instrument_id)
    }

    /// Begins again, with the books where it goes on.
    pub(super) const fn restart(&mut self) {
        self.at = None;
    }

    /// What it lacks to go on at a position: books of what is wanted.
    pub(super) fn lacks(&mut self, tape: &Tape, position: u64) -> Vec<BookKey> {
        if self.at == Some(position) && self.is_settled {
            return Vec::new();
        }
        if self.at != Some(position) {
            let options = DeriveOptions::for_dataset(tape.metadata().dataset());
            self.deriver = Deriver::new(self.schema(), options);
            self.left.clear();
        }
        let before = tape.turns_at(position).start;
        for id in tape.told_ids().filter(|id| self.wants.has(*id)) {
            if let Some(symbol) = tape.meant_before(id, before) {
                self.deriver.name(id, symbol);
            }
        }
        (self.at, self.is_settled) = (Some(position), true);
        if position == 0 {
            return Vec::new();
        }
        let books = tape.books().iter().map(|(key, _)| *key);
        books.filter(|key| self.wants.has(key.instrument_id) && !self.deriver.has(*key)).collect()
    }

    /// Takes up books of a market.
    pub(super) fn take_up(&mut self, market: &Market) {
        let Self { wants, deriver, .. } = self;
        deriver.take_up(market.entries().iter().filter(|entry| wants.has(entry.key.instrument_id)));
    }

    /// An id means another symbol from the next record on.
    pub(super) fn name(&mut self, instrument_id: u32, symbol: &str) {
        if self.follows(instrument_id) {
            self.deriver.name(instrument_id, symbol);
        }
    }

    /// Takes the next record, of whatever book: intervals end with the time of all.
    #[inline]
    pub(super) fn apply(&mut self, index: u64, record: &MboRecord, out: &mut Outgoing) {
        self.at = Some(index + 1);
        if self.follows(record.instrument_id) {
            self.deriver.apply(record, &mut self.rows);
        } else {
            self.deriver.pass(record, &mut self.rows);
        }
        if !self.rows.is_empty() {
            self.give(index, out);
        }
    }

    /// There is no further record.
    pub(super) fn finish(&mut self, index: u64, out: &mut Outgoing) {
        self.deriver.finish(&mut self.rows);
        self.give(index, out);
    }

    /// Gives out the rows that a record brought, as far as they are wanted.
    fn give(&mut self, index: u64, out: &mut Outgoing) {
        let size = self.schema().row_size();
        if self.wants.takes_all(index) {
            out.push_all(&self.rows, size);
        } else {
            // A sample's own time is `ts_recv`: its `ts_event` is that of a trade, however long ago.
            let time_at = if matches!(self.schema(), Schema::Bbo1S | Schema::Bbo1M) { 32 } else { 8 };
            for row in self.rows.chunks_exact(size) {
                let time = u64::from_le_bytes(field(row, time_at));
                if self.wants.takes(index, time, u32::from_le_bytes(field(row, 4))) {
                    out.push(row);
                }
            }
        }
        self.rows.clear();
    }
}
