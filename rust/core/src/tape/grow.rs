//! Tapes that grow while they are read.
//!
//! Every batch makes a new head: an immutable tape that shares all earlier records with the one before. Whoever reads
//! holds a head, and takes the next when it likes; an answer never changes under way.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::census::Census;
use super::names::Names;
use super::reel::{FileReel, ReadAt, Records, Reel};
use super::symbols::{Symbols, Turns};
use super::{BlockCache, Keyframes, Origin, Scan, Tape, symbols};
use crate::error::{Error, Fault, Result};
use crate::feed::{Aside, AsideFact, Metadata, Piece};
use crate::types::MboRecord;

/// Records of a reel that takes no more: its neighbours are then never copied again. To copy so many takes about half a
/// millisecond, for which whoever appends waits.
const FULL: usize = 16_384;

/// A tape that one writer adds to and anybody reads.
///
/// Where its records are kept in files, too, a stretch that its file has whole need not stay in memory: [`Growing::seal`].
#[derive(Debug)]
pub struct Growing {
    now: Mutex<Now>,
    grown: Condvar,
}

#[derive(Debug)]
struct Now {
    head: Arc<Tape>,
    names: Names,
    /// Records from here on are in no file yet, or in one that is still written.
    unsealed: u64,
    /// Reels before them.
    sealed_reels: usize,
    closed: bool,
}

/// A stretch of a tape that a plain DBN file has.
#[derive(Debug)]
pub struct Segment {
    /// What is in the file.
    pub scan: Scan,
    /// What messages call it.
    pub path: String,
    /// Its bytes.
    pub file: Arc<dyn ReadAt>,
}

/// What comes onto a tape with a reel.
struct Addition<'a> {
    reel: Reel,
    facts: &'a [(u64, AsideFact)],
    others: BTreeMap<&'static str, u64>,
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
        let (names, unsealed, sealed_reels) = (Names::of(&tape), tape.len, tape.reels.len());
        let now = Now { head: Arc::new(tape), names, unsealed, sealed_reels, closed: false };
        Self { now: Mutex::new(now), grown: Condvar::new() }
    }

    /// A tape that goes on where the records before were dropped.
    ///
    /// # Errors
    /// [`Error::Input`] for metadata that contradict themselves.
    pub fn from_origin(name: String, epoch: u64, origin: Origin) -> Result<Self> {
        let mut tape = Tape::empty(name, epoch, origin.metadata.clone())?;
        let turns: Turns = origin.turns().collect();
        let mut symbols = Symbols::new();
        for (_, turn) in &turns {
            turn.tell(&mut symbols);
        }
        tape.turns_by_instrument = Arc::new(symbols::by_instrument(&turns));
        (tape.symbols, tape.turns) = (Arc::new(symbols), Arc::new(turns));
        tape.facts = Arc::new(origin.said.clone());
        let books = origin.books.iter().map(|(key, _)| (*key, 0)).collect();
        tape.census = Census::restore(books, None, true);
        tape.keyframes = Arc::new(Keyframes::at(&origin));
        tape.len = origin.first;
        let names = Names::after(&origin.session, origin.ts_recv);
        tape.origin = Some(Arc::new(origin));
        let growing = Self::after(tape);
        growing.now().names = names;
        Ok(growing)
    }

    /// Drops the records before an origin, which are those of some files: these are what scans found in them. Heads that
    /// somebody holds keep theirs.
    ///
    /// # Errors
    /// [`Error::Invariant`] for an origin that is not where a file ends and the next begins, with a record.
    pub fn drop_before(&self, origin: Origin, dropped: &[Scan]) -> Result<()> {
        let first = origin.first;
        let head = self.head();
        let keyframes = Arc::new(head.keyframes.since(&origin));
        let start = head.record(first)?.map(|record| record.ts_recv());
        let mut now = self.now();
        let mut tape = Tape::clone(&now.head);
        let gone = tape.reels.partition_point(|(base, _)| *base < first);
        let ends =
            gone.checked_sub(1).and_then(|last| tape.reels.get(last)).map(|(base, reel)| base + reel.len());
        if ends != Some(first) || gone > now.sealed_reels || start.is_none() {
            let name = &tape.name;
            return Err(Error::Invariant(format!(
                "no file of {name} ends before record {first}, or none follows"
            )));
        }
        tape.reels.drain(..gone);
        for scan in dropped {
            tape.census.forget(&scan.census, start);
            for (name, count) in &scan.others {
                let left = tape.others.get(name).copied().unwrap_or(0).saturating_sub(*count);
                tape.others.insert(name, left);
            }
        }
        tape.others.retain(|_, count| *count > 0);
        let has_happened = |index: u64| index < first;
        let said = origin.said.iter().filter(|(index, _)| has_happened(*index)).cloned();
        let later = tape.facts.iter().filter(|(index, _)| !has_happened(*index)).cloned();
        tape.facts = Arc::new(said.chain(later).collect());
        let turns = origin.turns().filter(|(index, _)| has_happened(*index));
        let later = tape.turns.iter().filter(|(index, _)| !has_happened(*index)).cloned();
        let turns: Turns = turns.chain(later).collect();
        tape.turns_by_instrument = Arc::new(symbols::by_instrument(&turns));
        tape.turns = Arc::new(turns);
        tape.keyframes = keyframes;
        tape.origin = Some(Arc::new(origin));
        now.sealed_reels -= gone;
        now.head = Arc::new(tape);
        Ok(())
    }

    /// A session begins whose metadata speak from its first record on. An empty tape takes them as its own.
    ///
    /// # Errors
    /// [`Error::Input`] for metadata that cannot follow those before: of another dataset, say, or another version of DBN.
    pub fn begin(&self, metadata: &Metadata) -> Result<()> {
        let mut now = self.now();
        let head = &now.head;
        if head.is_untouched() {
            let begun = Tape::empty(head.name.clone(), head.hash, metadata.clone())?;
            now.names = Names::of(&begun);
            now.head = Arc::new(begun);
        } else {
            let merged = head.after_session(metadata)?;
            let begun = Tape { metadata: merged, ..Tape::clone(head) };
            now.head = Arc::new(begun);
            now.names.begin(metadata);
        }
        Ok(())
    }

    /// Adds what a file holds that grows no more, and whose session has begun.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn add(&self, segment: Segment, cache: &Arc<BlockCache>) -> Result<()> {
        let mut now = self.now();
        now.add(segment, cache)?;
        (now.unsealed, now.sealed_reels) = (now.head.len, now.head.reels.len());
        self.grown.notify_all();
        Ok(())
    }

    /// Adds what a file holds that is written still: what is appended next is behind it in the same file, until it is sealed.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn add_open(&self, segment: Segment, cache: &Arc<BlockCache>) -> Result<()> {
        let mut now = self.now();
        let sealed = (now.head.len, now.head.reels.len());
        now.add(segment, cache)?;
        (now.unsealed, now.sealed_reels) = sealed;
        self.grown.notify_all();
        Ok(())
    }

    /// All records since the last file are in this one, which grows no more: from now on they are read from there. Heads that
    /// somebody holds keep theirs.
    ///
    /// # Errors
    /// [`Error::Invariant`] for a file that has more records, or fewer.
    pub fn seal(&self, segment: Segment, cache: &Arc<BlockCache>) -> Result<()> {
        let mut now = self.now();
        let Segment { scan, path, file } = segment;
        let from = now.unsealed;
        if from + scan.directory.len != now.head.len {
            let (has, needs) = (scan.directory.len, now.head.len - from);
            return Err(Error::Invariant(format!("{path} was sealed with {has} records, not {needs}")));
        }
        let mut sealed = Tape::clone(&now.head);
        sealed.reels.truncate(now.sealed_reels);
        let reel = Reel::File(Arc::new(FileReel::new(path, file, scan.directory, cache)));
        sealed.reels.push((from, reel));
        (now.unsealed, now.sealed_reels) = (sealed.len, sealed.reels.len());
        now.head = Arc::new(sealed);
        Ok(())
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
    /// then some earlier records are copied together: about log2 of 16,384 times each in all.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a tape that is closed, and a batch whose `ts_outs` are not one for each record; then nothing
    /// is added.
    pub fn append(&self, batch: Piece) -> Result<()> {
        let mut now = self.now();
        let now = &mut *now;
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
        let Piece { records, ts_outs, aside, .. } = batch.from_zero();
        let mut grown = Tape::clone(&now.head);
        grown.census.see(&records);
        let mut others = BTreeMap::new();
        for other in &aside {
            *others.entry(other.type_name()).or_default() += 1;
        }
        let facts: Vec<_> =
            aside.iter().filter_map(|other| other.fact().map(|fact| (other.index, fact))).collect();
        let reel = Reel::Memory { whole: Arc::new(Records { records, ts_outs }), aside: Arc::new(aside) };
        grown.push(Addition { reel, facts: &facts, others }, &mut now.names)?;
        grown.join_reels(now.sealed_reels);
        now.head = Arc::new(grown);
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

impl Now {
    fn add(&mut self, segment: Segment, cache: &Arc<BlockCache>) -> Result<()> {
        let Segment { scan, path, file } = segment;
        let mut grown = Tape::clone(&self.head);
        grown.census.follow(&scan.census);
        let reel = Reel::File(Arc::new(FileReel::new(path, file, scan.directory, cache)));
        grown.push(Addition { reel, facts: &scan.facts, others: scan.others }, &mut self.names)?;
        self.head = Arc::new(grown);
        Ok(())
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

    /// Whether nothing was ever put on it.
    #[must_use]
    pub const fn is_untouched(&self) -> bool {
        self.reels.is_empty() && self.len == 0
    }

    /// The metadata of this tape and another session behind it.
    ///
    /// # Errors
    /// [`Error::Input`] for metadata that cannot follow.
    pub fn after_session(&self, next: &Metadata) -> Result<Metadata> {
        if self.metadata.raw() == next.raw() || self.is_untouched() {
            return Ok(next.clone());
        }
        self.metadata.followed_by(next).map_err(|why| Error::Input {
            name: self.name.clone(),
            fault: Fault::Sequence { before: "what it has so far".to_owned(), why },
        })
    }

    fn push(&mut self, addition: Addition<'_>, names: &mut Names) -> Result<()> {
        let Addition { reel, facts, others } = addition;
        let base = self.len;
        let mut turns: Turns =
            facts.iter().map(|(index, fact)| (base + index, symbols::turn_of(fact))).collect();
        let named = names.along(&self.symbols, &turns, base, &reel)?;
        if !(turns.is_empty() && named.is_empty()) {
            // Stable: at one place, records of other types come before what the metadata say.
            turns.extend(named);
            turns.sort_by_key(|(index, _)| *index);
            let places = Arc::make_mut(&mut self.turns_by_instrument);
            for ((_, turn), place) in turns.iter().zip(self.turns.len() as u32..) {
                turn.tell(Arc::make_mut(&mut self.symbols));
                places.entry(turn.instrument_id()).or_default().push(place);
            }
            Arc::make_mut(&mut self.turns).extend(turns);
            let facts = facts.iter().map(|(index, fact)| (base + index, fact.clone()));
            Arc::make_mut(&mut self.facts).extend(facts);
        }
        for (name, count) in others {
            *self.others.entry(name).or_default() += count;
        }
        self.len += reel.len();
        self.reels.push((base, reel));
        Ok(())
    }

    /// Makes few reels of the many that batches bring, behind those that stay.
    fn join_reels(&mut self, stay: usize) {
        while let [.., (base, first), (_, second)] = self.reels.get(stay..).unwrap_or_default()
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
