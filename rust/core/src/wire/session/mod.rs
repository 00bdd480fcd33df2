//! What one client of Databento's live protocol gets from a tape, record by record: MBO as it is, rows derived from it, and the
//! records beside it, each in its place, in the layouts of DBN version 3.

mod feed;
mod notices;
mod outgoing;
mod snapshot;
mod wants;

use crate::derive::Schema;
use crate::error::{Error, Result};
use crate::feed::{AsideKind, Progress, Upgrade, symbol_mapping};
use crate::tape::Tape;
use crate::types::{BookKey, Instruments, MboRecord, Nanos};
use feed::Feed;
use notices::{Notices, Place};
use outgoing::Outgoing;
use wants::{Want, Wants};
use zerocopy::IntoBytes;

pub use snapshot::Snapshot;

/// Records looked at in one call, so that none takes long: a fraction of a millisecond where they are only filtered.
const RECORDS_A_PIECE: u64 = 1 << 18;
/// The same where rows are derived, for one schema.
const RECORDS_A_DERIVED_PIECE: u64 = 1 << 16;
/// Subscriptions that could not be made one, and ids, over all schemas of a session.
const MOST_WANTS: usize = 1_000;
const MOST_IDS: usize = 1_000_000;
/// So few books are taken up one by one.
const FEW_BOOKS: usize = 8;

/// A schema as a client asks for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// The records as they are.
    Mbo,
    /// Rows made of them.
    Derived(Schema),
    /// Records of another type.
    Beside(AsideKind),
}

impl Subject {
    /// The subject of a schema's name.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the choices.
    pub fn named(name: &str) -> Result<Self> {
        if name == "mbo" {
            return Ok(Self::Mbo);
        }
        if let Some(kind) = AsideKind::ALL.into_iter().find(|kind| kind.name() == name) {
            return Ok(Self::Beside(kind));
        }
        Schema::named(name).map(Self::Derived).map_err(|_| {
            let derived = Schema::ALL.map(Schema::name).join(", ");
            let beside = AsideKind::ALL.map(AsideKind::name).join(", ");
            let expected = format!("schemas are mbo, {derived}, {beside}");
            Error::Parameter { name: "schema", value: name.to_owned(), expected }
        })
    }
}

/// What a client is subscribed to, and where it stands.
#[derive(Debug, Default)]
pub struct Session {
    mbo: Wants,
    feeds: Vec<Feed>,
    beside: Vec<(AsideKind, Wants)>,
    place: Place,
    has_begun: bool,
    /// Where it stood before it jumped: what ids mean may be something else now.
    jumped_from: Option<Place>,
    upgrade: Option<Upgrade>,
}

impl Session {
    /// Subscribes to the records of a schema from a position on, with a `ts_event` at or after `since`. The same record or row
    /// comes once for all subscriptions to its schema.
    ///
    /// A derived schema takes up its books here, which may be long work where the tape has no index yet.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a position outside the tape, and for more subscriptions than a session may have; those of
    /// [`Tape::market_at`]; whatever `on_progress` returns.
    pub fn subscribe(
        &mut self,
        tape: &Tape,
        subject: Subject,
        instruments: Instruments,
        position: u64,
        since: Nanos,
        on_progress: Progress<'_>,
    ) -> Result<()> {
        tape.check_position("position", position)?;
        if !self.has_begun && (self.is_empty() || position < self.place.index) {
            // What ids mean here the client is told when it subscribes.
            self.place = Place::known(tape, position);
        }
        let here = if self.has_begun { self.place.index } else { 0 };
        let wants = self.wants_of(subject);
        let before = wants.clone();
        wants.add(Want { from: position, since: since.0, instruments }, here);
        let sizes = self.wants().map(Wants::size).fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1));
        if sizes.0 > MOST_WANTS || sizes.1 > MOST_IDS {
            *self.wants_of(subject) = before;
            return Err(Error::Parameter {
                name: "subscription",
                value: format!("number {}, with {} instruments", sizes.0, sizes.1),
                expected: format!(
                    "a session has at most {MOST_WANTS} that differ, and {MOST_IDS} instruments"
                ),
            });
        }
        self.settle(tape, on_progress)
    }

    /// Some instruments of a schema are wanted no longer, whatever subscription wanted them.
    pub fn unsubscribe(&mut self, subject: Subject, instruments: &Instruments) {
        match subject {
            Subject::Mbo => self.mbo.leave(instruments),
            Subject::Derived(schema) => {
                let feeds = self.feeds.iter_mut().filter(|feed| feed.schema() == schema);
                feeds.for_each(|feed| feed.leave(instruments));
                self.feeds.retain(|feed| !feed.wants.is_empty());
            }
            Subject::Beside(kind) => {
                let beside = self.beside.iter_mut().filter(|(known, _)| *known == kind);
                beside.for_each(|(_, wants)| wants.leave(instruments));
                self.beside.retain(|(_, wants)| !wants.is_empty());
            }
        }
    }

    fn wants_of(&mut self, subject: Subject) -> &mut Wants {
        match subject {
            Subject::Mbo => &mut self.mbo,
            Subject::Derived(schema) => {
                let place = self.feeds.iter().position(|feed| feed.schema() == schema);
                let feed = match place {
                    Some(place) => &mut self.feeds[place],
                    None => self.feeds.push_mut(Feed::new(schema)),
                };
                feed.widen();
                &mut feed.wants
            }
            Subject::Beside(kind) => {
                let place = self.beside.iter().position(|(known, _)| *known == kind);
                match place {
                    Some(place) => &mut self.beside[place].1,
                    None => &mut self.beside.push_mut((kind, Wants::default())).1,
                }
            }
        }
    }

    fn wants(&self) -> impl Iterator<Item = &Wants> {
        let derived = self.feeds.iter().map(|feed| &feed.wants);
        [&self.mbo].into_iter().chain(derived).chain(self.beside.iter().map(|(_, wants)| wants))
    }

    fn is_empty(&self) -> bool {
        self.wants().all(Wants::is_empty)
    }

    /// The client goes on at another position, with everything from there on: derived schemas with the books there.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a position outside the tape; those of [`Tape::market_at`]; whatever `on_progress` returns.
    pub fn restart(&mut self, tape: &Tape, position: u64, on_progress: Progress<'_>) -> Result<()> {
        tape.check_position("position", position)?;
        self.jump(tape, position);
        self.mbo.restart(position);
        self.beside.iter_mut().for_each(|(_, wants)| wants.restart(position));
        for feed in &mut self.feeds {
            feed.wants.restart(position);
            feed.restart();
        }
        self.settle(tape, on_progress)
    }

    fn jump(&mut self, tape: &Tape, position: u64) {
        self.jumped_from.get_or_insert(self.place);
        self.place = Place::known(tape, position);
    }

    /// The records of [position, until) in tape order, each after what stands before it, as much as fits a piece; and the
    /// position after them. At the end of the tape that includes what stands behind the last record.
    ///
    /// A piece is about 256 KiB. It may be empty where many records are of no interest, and it may end before it has moved
    /// where much stands before one record: whoever asks goes on from the position that is given.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a position outside the tape; those of [`Tape::block`] and [`Tape::market_at`]; whatever
    /// `on_progress` returns.
    pub fn next(
        &mut self,
        tape: &Tape,
        position: u64,
        until: u64,
        ts_out: Option<u64>,
        on_progress: Progress<'_>,
    ) -> Result<(Vec<u8>, u64)> {
        tape.check_position("position", position)?;
        if self.place.index != position {
            self.jump(tape, position);
        }
        self.has_begun = true;
        self.settle(tape, on_progress)?;
        let mut out = Outgoing::new(ts_out);
        if let Some(before) = self.jumped_from.take() {
            self.rename(tape, before, &mut out)?;
        }
        let most = match self.feeds.len() as u64 {
            0 => RECORDS_A_PIECE,
            feeds => RECORDS_A_DERIVED_PIECE.div_ceil(feeds),
        };
        let until = until.min(tape.len()).min(position.saturating_add(most)).max(position);
        let mut notices = Notices::default();
        while !out.is_full() {
            let is_whole = self.gather(tape, until, &mut notices)?;
            for notice in &notices.all {
                self.records(tape, notice.index, &mut out)?;
                if self.place.index < notice.index || out.is_full() {
                    return Ok((out.into_bytes(), self.place.index));
                }
                self.notify(tape, notice, &notices.bytes, &mut out)?;
            }
            if !is_whole {
                break;
            }
            self.records(tape, notices.end, &mut out)?;
            if self.place.index >= until {
                break;
            }
        }
        Ok((out.into_bytes(), self.place.index))
    }

    /// The tape is complete and the client has had it all: the rows of intervals that are open.
    #[must_use]
    pub fn finish(&mut self, ts_out: Option<u64>) -> Vec<u8> {
        let mut out = Outgoing::new(ts_out);
        for feed in &mut self.feeds {
            feed.finish(self.place.index, &mut out);
        }
        out.into_bytes()
    }

    /// Brings derived schemas to where records go on.
    fn settle(&mut self, tape: &Tape, on_progress: Progress<'_>) -> Result<()> {
        let position = self.place.index;
        let mut lacks: Vec<BookKey> =
            self.feeds.iter_mut().flat_map(|feed| feed.lacks(tape, position)).collect();
        lacks.sort_unstable();
        lacks.dedup();
        let mut take_up = |only| {
            let market = tape.market_at(position, only, on_progress)?;
            self.feeds.iter_mut().for_each(|feed| feed.take_up(&market));
            Ok(())
        };
        if lacks.len() > FEW_BOOKS {
            return take_up(None);
        }
        lacks.into_iter().try_for_each(|key| take_up(Some(key)))
    }

    /// Gives out records from where it stands, up to a position or until the piece is full.
    fn records(&mut self, tape: &Tape, until: u64, out: &mut Outgoing) -> Result<()> {
        while self.place.index < until && !out.is_full() {
            let first = self.place.index;
            let block = tape.block(first)?.up_to(until - first);
            let taken = if self.feeds.is_empty() {
                self.plain(first, &block, out)
            } else {
                self.derived(first, &block, out)
            };
            if taken == 0 {
                return Err(Error::Invariant(format!(
                    "{}: no record {first} of {}",
                    tape.name(),
                    tape.len()
                )));
            }
            self.place = Place::at(first + taken);
        }
        Ok(())
    }

    /// Gives out MBO records alone; how many were looked at.
    fn plain(&self, first: u64, records: &[MboRecord], out: &mut Outgoing) -> u64 {
        let all = records.len() as u64;
        if self.mbo.is_empty() {
            return all;
        }
        if self.mbo.takes_all(first) {
            let taken = all.min(out.room(MboRecord::SIZE));
            let records = records.get(..taken as usize).unwrap_or_default();
            out.push_all(records.as_bytes(), MboRecord::SIZE);
            return taken;
        }
        for (n, record) in records.iter().enumerate() {
            if self.mbo.takes(first + n as u64, record.ts_event, record.instrument_id) {
                out.push(record.as_bytes());
                if out.is_full() {
                    return n as u64 + 1;
                }
            }
        }
        all
    }

    /// Gives out MBO records and the rows that each brings; how many were looked at.
    fn derived(&mut self, first: u64, records: &[MboRecord], out: &mut Outgoing) -> u64 {
        let Self { mbo, feeds, .. } = self;
        let has_mbo = !mbo.is_empty();
        for (index, record) in (first..).zip(records) {
            if has_mbo && mbo.takes(index, record.ts_event, record.instrument_id) {
                out.push(record.as_bytes());
            }
            for feed in feeds.iter_mut() {
                feed.apply(index, record, out);
            }
            if out.is_full() {
                return index + 1 - first;
            }
        }
        records.len() as u64
    }
}
