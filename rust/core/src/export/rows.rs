//! A tape's rows, block by block, however long the tape is.

use std::sync::Arc;

use zerocopy::IntoBytes;

use super::names::Names;
use super::what::{Wanted, What, field};
use crate::derive::{Deriver, Schema};
use crate::error::{Error, Result};
use crate::feed::{Metadata, Progress};
use crate::tape::{Step, Tape, Turn};
use crate::types::{BookKey, Instruments, MboRecord, Nanos};

/// Records read between two looks at the clock, the progress bar and Ctrl-C.
const RECORDS_A_STEP: u64 = 1_024;
/// A block is given out when it holds this many bytes: what takes it finds it in the cache.
const BLOCK: usize = 1 << 18;
/// A block is given out after this many records, full or not: whoever takes it has others to see to.
const RECORDS_A_BLOCK: u64 = 1 << 20;

/// Rows of a tape in the making.
#[derive(Debug)]
pub struct Rows {
    tape: Arc<Tape>,
    wanted: Wanted,
    /// Of these instruments only.
    among: Instruments,
    /// None for the records themselves.
    deriver: Option<Deriver>,
    names: Names,
    position: u64,
    is_begun: bool,
    is_finished: bool,
    given: u64,
}

impl Rows {
    /// The rows that are wanted of a tape, from the first.
    ///
    /// # Errors
    /// [`crate::Error::Parameter`] for positions outside the tape, [`crate::Error::Gone`] for one before its first record.
    pub fn new(tape: Arc<Tape>, wanted: Wanted) -> Result<Self> {
        tape.check_position("start", wanted.start)?;
        tape.check_position("stop", wanted.stop)?;
        let deriver = match wanted.what {
            What::Mbo => None,
            What::Derived(schema) => Some(Deriver::new(schema, wanted.options)),
        };
        let names = Names::default();
        Ok(Self {
            tape,
            wanted,
            among: Instruments::All,
            deriver,
            names,
            position: 0,
            is_begun: false,
            is_finished: false,
            given: 0,
        })
    }

    /// The same rows, but of some instruments only.
    #[must_use]
    pub fn among(mut self, instruments: &[u32]) -> Self {
        self.among = instruments.iter().copied().collect();
        self
    }

    /// Of which schema they are.
    #[must_use]
    pub const fn what(&self) -> What {
        self.wanted.what
    }

    /// The metadata that belongs before them in a DBN stream.
    ///
    /// # Errors
    /// [`Error::Input`] where the tape's symbols do not fit the current version.
    pub fn metadata(&self) -> Result<Metadata> {
        let tape = &self.tape;
        let Wanted { start, stop, .. } = self.wanted;
        let time_at = |position| Ok::<_, Error>(tape.record(position)?.map(|record| record.ts_recv()));
        let last = tape.end().map_or(0, |last| last.0.saturating_add(1));
        let end = time_at(stop)?.unwrap_or(Nanos(last));
        let mut names = tape.names()?;
        for name in &mut names {
            name.end = name.end.min(end);
        }
        names.retain(|name| name.start < name.end);
        let start = time_at(start)?.unwrap_or(end);
        let made = tape.metadata().derived(self.what().name(), &names, start, end);
        made.map_err(|fault| Error::Input { name: self.tape.name().to_owned(), fault })
    }

    /// How many records were read, and how many there are to read.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        (self.position, self.wanted.stop.max(self.position))
    }

    /// How many rows there were so far.
    #[must_use]
    pub const fn given(&self) -> u64 {
        self.given
    }

    /// Puts the next rows into a block, in place of what it holds; false where none are left.
    ///
    /// A block may be empty where many records bring no row.
    ///
    /// # Errors
    /// Whatever `on_progress` returns: the rows of this block are lost then.
    pub fn fill(&mut self, block: &mut Vec<u8>, on_progress: Progress<'_>) -> Result<bool> {
        block.clear();
        if !self.is_begun {
            self.begin(on_progress)?;
            self.is_begun = true;
        }
        let wall = self.position.saturating_add(RECORDS_A_BLOCK);
        while block.len() < BLOCK && self.position < wall && !self.is_finished {
            let before = block.len();
            if self.position < self.wanted.stop {
                self.step(block)?;
                if self.position <= self.wanted.start {
                    block.truncate(before);
                }
            } else {
                self.is_finished = true;
                if let Some(deriver) = &mut self.deriver {
                    deriver.finish(block);
                }
            }
            self.drop_early(block, before);
            self.drop_beyond(block);
            let (done, total) = self.progress();
            on_progress(done, total)?;
        }
        self.given += (block.len() / self.what().row_size()) as u64;
        Ok(!block.is_empty() || !self.is_finished)
    }

    /// Goes as far towards the start as rows can do without the records before.
    fn begin(&mut self, on_progress: Progress<'_>) -> Result<()> {
        let Wanted { what, options, start, stop, .. } = self.wanted;
        let position = match what {
            What::Mbo | What::Derived(Schema::Trades) => start,
            What::Derived(schema) if schema.interval().is_none() => {
                let position = self.event_end_before(start)?;
                let only = self.only_book();
                let look = &mut |done: u64, _| on_progress(done.min(position), stop);
                let market = self.tape.market_at(position, only, look)?;
                if let Some(deriver) = Deriver::resume(schema, options, &market) {
                    self.deriver = Some(deriver);
                    position
                } else {
                    self.tape.first()
                }
            }
            What::Derived(_) => self.tape.first(),
        };
        if position == self.tape.first() && position > 0 {
            self.take_up_origin()?;
        }
        for (_, turn) in self.tape.turns().iter().take_while(|(index, _)| *index < position) {
            if let Turn::Name(instrument_id, symbol) = turn {
                self.names.note(*instrument_id, symbol, Nanos(0));
            }
        }
        self.position = position;
        Ok(())
    }

    /// Begins with the books that a tape begins with whose earlier records were dropped.
    fn take_up_origin(&mut self) -> Result<()> {
        let Wanted { what, options, .. } = self.wanted;
        if let What::Derived(schema) = what {
            let market = self.tape.market_at(self.tape.first(), self.only_book(), &mut |_, _| Ok(()))?;
            self.deriver = Some(Deriver::from_books(schema, options, &market));
        }
        Ok(())
    }

    /// The book whose rows are wanted, if it is one.
    fn only_book(&self) -> Option<BookKey> {
        let Wanted { instrument_id, publisher_id, .. } = self.wanted;
        self.tape.find_book(instrument_id?, publisher_id).ok()
    }

    /// The latest position not behind the start that a wanted event ends at; the beginning if that is far.
    fn event_end_before(&self, start: u64) -> Result<u64> {
        let mut found = self.tape.first();
        let from = start.saturating_sub(RECORDS_A_STEP).max(found);
        self.tape.walk(from..start, &mut |_, _| Ok(()), |step| {
            if let Step::Records(first, records) = step {
                let is_end =
                    |record: &MboRecord| record.flags().is_last() && takes(&self.wanted, &self.among, record);
                let last = records.iter().rposition(is_end);
                found = last.map_or(found, |at| first + at as u64 + 1);
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Reads the next few records: the one place that knows how.
    fn step(&mut self, block: &mut Vec<u8>) -> Result<()> {
        let Self { tape, wanted, among, deriver, names, position, .. } = self;
        // A step does not reach over the start, so that its rows are wanted or not, all of them.
        let wall = if *position < wanted.start { wanted.start.min(wanted.stop) } else { wanted.stop };
        let until = wall.min(*position + RECORDS_A_STEP);
        // Names hold from the record behind them on; what the first records mean, their ids meant before.
        let mut named = Vec::new();
        tape.walk(*position..until, &mut |_, _| Ok(()), |step| {
            match step {
                Step::Turn(Turn::Name(instrument_id, symbol)) => {
                    if let Some(deriver) = deriver {
                        deriver.name(*instrument_id, symbol);
                    }
                    named.push((*instrument_id, symbol.clone()));
                }
                Step::Turn(Turn::Settle(..) | Turn::Miss(_)) => {}
                Step::Records(index, records) => {
                    let since = records.first().filter(|_| index > 0).map_or(Nanos(0), MboRecord::ts_recv);
                    for (instrument_id, symbol) in named.drain(..) {
                        names.note(instrument_id, &symbol, since);
                    }
                    let taken = records.iter().filter(|record| takes(wanted, among, record));
                    match deriver {
                        Some(deriver) => taken.for_each(|record| deriver.apply(record, block)),
                        None => taken.for_each(|record| block.extend_from_slice(record.as_bytes())),
                    }
                }
            }
            Ok(())
        })?;
        *position = until;
        Ok(())
    }

    /// Takes out the rows from a place on whose interval is before the wanted ones.
    fn drop_early(&self, block: &mut Vec<u8>, from: usize) {
        let what = self.what();
        if what.interval().is_none() || self.wanted.since == Nanos(0) {
            return;
        }
        let mut kept = from;
        for at in (from..block.len()).step_by(what.row_size()) {
            let row = at..block.len().min(at + what.row_size());
            if what.time(&block[row.clone()]) >= self.wanted.since {
                block.copy_within(row, kept);
                kept += what.row_size();
            }
        }
        block.truncate(kept);
    }

    /// Takes out the rows beyond the limit; the first of them is the end.
    fn drop_beyond(&mut self, block: &mut Vec<u8>) {
        let Some(limit) = self.wanted.limit else { return };
        let size = self.what().row_size();
        let room = limit.saturating_sub(self.given);
        if (block.len() / size) as u64 >= room {
            block.truncate(room as usize * size);
            self.is_finished = true;
        }
    }

    /// What the instrument of a row was called.
    #[inline]
    #[must_use]
    pub fn symbol(&self, row: &[u8]) -> Option<&str> {
        self.names.at(u32::from_le_bytes(field(row, 4)), self.what().last_moment(row))
    }
}

#[inline]
fn takes(wanted: &Wanted, among: &Instruments, record: &MboRecord) -> bool {
    wanted.takes(record) && among.has(record.instrument_id)
}
