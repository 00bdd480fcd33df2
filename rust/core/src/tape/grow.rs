//! Tapes that grow while they are read.
//!
//! Every batch makes a new head: an immutable tape that shares all earlier records with the one before. Whoever reads
//! holds a head, and takes the next when it likes; an answer never changes under way.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::census::Census;
use super::reel::{Records, Reel};
use super::{Tape, symbols};
use crate::error::{Error, Result};
use crate::feed::{Aside, Metadata, Piece};
use crate::types::MboRecord;

/// Records of a reel that takes no more: its neighbours are then never copied again.
const FULL: usize = 65_536;

/// A tape that one writer adds to and anybody reads.
#[derive(Debug)]
pub struct Growing {
    now: Mutex<Now>,
    grown: Condvar,
}

#[derive(Debug)]
struct Now {
    head: Arc<Tape>,
    closed: bool,
}

impl Growing {
    /// An empty tape. `epoch` tells it from any other of its name: it stands for the content's hash in its id.
    ///
    /// # Errors
    /// [`Error::Input`] for metadata that contradicts itself.
    pub fn new(name: String, epoch: u64, metadata: Metadata) -> Result<Self> {
        Ok(Self::after(Tape::empty(name, epoch, metadata)?))
    }

    /// A tape that goes on behind another.
    #[must_use]
    pub fn after(tape: Tape) -> Self {
        Self { now: Mutex::new(Now { head: Arc::new(tape), closed: false }), grown: Condvar::new() }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tape as it is now.
    #[must_use]
    pub fn head(&self) -> Arc<Tape> {
        Arc::clone(&self.now().head)
    }

    /// Adds records, with those of other types at the places they precede in the batch. O(records + books), and now and
    /// then some earlier records are copied together: about log2 of 65,536 times each in all.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a tape that is closed, and a batch whose `ts_outs` are not one for each record; then nothing
    /// is added.
    pub fn append(&self, batch: Piece) -> Result<()> {
        let mut now = self.now();
        if now.closed {
            return Err(refused("a tape that is open", &now.head));
        }
        let wants_ts_out = now.head.metadata.ts_out();
        if batch.ts_outs.len() != if wants_ts_out { batch.records.len() } else { 0 } {
            return Err(refused(
                "ts_out for each record where the metadata has ts_out, else none",
                &now.head,
            ));
        }
        let mut grown = Tape::clone(&now.head);
        grown.push(batch);
        now.head = Arc::new(grown);
        drop(now);
        self.grown.notify_all();
        Ok(())
    }

    /// Says that no more will come.
    pub fn close(&self) {
        self.now().closed = true;
        self.grown.notify_all();
    }

    /// Whether no more will come.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.now().closed
    }

    /// Waits until there is a record at a position, the tape is closed, or the time is over; the tape as it is then.
    #[must_use]
    pub fn wait_for(&self, position: u64, longest: Duration) -> Arc<Tape> {
        let is_short = |now: &mut Now| now.head.len() <= position && !now.closed;
        let waited = self.grown.wait_timeout_while(self.now(), longest, is_short);
        let (now, _) = waited.unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&now.head)
    }
}

fn refused(expected: &str, tape: &Tape) -> Error {
    Error::Parameter { name: "batch", value: tape.name.clone(), expected: expected.to_owned() }
}

impl Tape {
    fn empty(name: String, epoch: u64, metadata: Metadata) -> Result<Self> {
        let (census, others) = (Census::default(), BTreeMap::new());
        Self::assemble(name, epoch, metadata, Vec::new(), census, Vec::new(), others, None)
    }

    fn push(&mut self, batch: Piece) {
        let Piece { records, ts_outs, mut aside, first } = batch;
        for other in &mut aside {
            other.index -= first.min(other.index);
        }
        self.census.see(&records);
        for other in &aside {
            *self.others.entry(other.type_name()).or_default() += 1;
            if let Some(fact) = other.fact() {
                let turn = symbols::turn_of(&fact);
                turn.tell(Arc::make_mut(&mut self.symbols));
                let places = Arc::make_mut(&mut self.turns_by_instrument);
                places.entry(turn.instrument_id()).or_default().push(self.turns.len() as u32);
                let index = self.len + other.index;
                Arc::make_mut(&mut self.turns).push((index, turn));
                Arc::make_mut(&mut self.facts).push((index, fact));
            }
        }
        let base = self.len;
        self.len += records.len() as u64;
        let reel = Reel::Memory { whole: Arc::new(Records { records, ts_outs }), aside: Arc::new(aside) };
        self.reels.push((base, reel));
        while let [.., (base, first), (_, second)] = self.reels.as_slice()
            && let Some(joined) = first.joined(second)
        {
            let base = *base;
            self.reels.truncate(self.reels.len() - 2);
            self.reels.push((base, joined));
        }
    }
}

impl Reel {
    /// This and the next as one, if it is no longer than twice the next and neither is full: so each record is copied only
    /// as often as its reel doubles.
    fn joined(&self, next: &Self) -> Option<Self> {
        let (Self::Memory { whole, aside }, Self::Memory { whole: behind, aside: aside_behind }) =
            (self, next)
        else {
            return None;
        };
        let length = whole.records.len();
        if length > 2 * behind.records.len().max(1) || length + behind.records.len() > FULL {
            return None;
        }
        let records: Vec<MboRecord> = [whole.records.as_slice(), behind.records.as_slice()].concat();
        let ts_outs = [whole.ts_outs.as_slice(), behind.ts_outs.as_slice()].concat();
        let moved = aside_behind.iter().cloned().map(|mut other: Aside| {
            other.index += length as u64;
            other
        });
        let aside = aside.iter().cloned().chain(moved).collect();
        Some(Self::Memory { whole: Arc::new(Records { records, ts_outs }), aside: Arc::new(aside) })
    }
}
