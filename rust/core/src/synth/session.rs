//! A trading session: the snapshot it starts from, the pre-open, the opening, continuous trading to the end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::capture::{Capture, Draft};
use super::dice::Dice;
use super::instrument::listed;
use super::plant::Schedule;
use super::queues::{Resting, better};
use super::sim::Sim;
use super::{Options, Progress};
use crate::Result;
use crate::types::{Action, AnomalyKind, MboRecord, Nanos, Side};

/// Fewest records a book needs for a pre-open; shorter tapes go from the snapshot to trading.
const SHORTEST_WITH_AUCTION: u64 = 64;
/// Most records of a pre-open, for each book.
const LONGEST_PRE_OPEN: u64 = 600;
/// Records that an event has in the mean.
const RECORDS_PER_EVENT: f64 = 1.25;
/// Share of events that others provoked.
const PROVOKED: f64 = 0.61;
/// Mean time until a provoked event follows, ns.
const REACTION: f64 = 400_000.0;

/// The instruments of a session, their tape so far, and the time.
pub(super) struct Session<'a> {
    sims: Vec<Sim>,
    capture: Capture,
    dice: Dice,
    now: Nanos,
    options: &'a Options,
    progress: Progress<'a>,
}

/// When the crowd of an instrument acts next. Ties go by number, so that the order never depends on the heap's.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Arrival {
    at: Nanos,
    number: u64,
    place: usize,
    /// Of its own accord, rather than provoked by what happened.
    fresh: bool,
}

impl<'a> Session<'a> {
    /// A session whose records go into `records`.
    pub(super) fn new(options: &'a Options, records: Vec<MboRecord>, progress: Progress<'a>) -> Self {
        // A short tape has small books, or it would be a snapshot and nothing else.
        let share = options.messages / u64::from(options.instruments) / 8;
        let sims = (0..options.instruments).map(|place| {
            let instrument = listed(place);
            let crowd = (f64::from(options.live_orders) * instrument.crowd).min(share as f64).max(32.0);
            Sim::new(instrument, place, options.publisher_id, crowd, options.seed)
        });
        Self {
            sims: sims.collect(),
            capture: Capture::onto(records),
            dice: Dice::new(options.seed, 0),
            now: options.start,
            options,
            progress,
        }
    }

    /// Runs it to its last record, with the anomalies that belong inside it.
    pub(super) fn run(mut self, anomalies: &[(AnomalyKind, u32)]) -> Result<Vec<MboRecord>> {
        self.snapshot()?;
        if self.options.messages / self.sims.len() as u64 >= SHORTEST_WITH_AUCTION {
            self.pre_open()?;
            self.open();
        }
        self.trade(anomalies)?;
        Ok(self.capture.records)
    }

    /// Every book as it was before the session: a clear, then its orders by the time that gave them their priority.
    fn snapshot(&mut self) -> Result<()> {
        let messages = self.options.messages;
        let share = messages / self.sims.len() as u64 / 8;
        for sim in self.sims.iter_mut().take(messages as usize) {
            sim.snapshot(&mut self.capture, share, self.options.start);
            self.progress.report(self.capture.len())?;
        }
        Ok(())
    }

    /// Orders gather at a tenth of the usual rate. At most an eighth of the tape, as the snapshot was: then even an
    /// opening in which every order trades (two records each) leaves a quarter for trading.
    fn pre_open(&mut self) -> Result<()> {
        let books = self.sims.len() as u64;
        let records = (self.options.messages / 8).min(LONGEST_PRE_OPEN * books);
        let mean_gap = 1e10 / (f64::from(self.options.rate) * books as f64);
        for _ in 0..records {
            self.now.0 += self.dice.whole_exponential(mean_gap);
            let place = self.dice.below(books) as usize;
            self.sims[place].quote_pre_open(&mut self.capture, self.now);
            self.progress.report(self.capture.len())?;
        }
        Ok(())
    }

    /// All markets open at once, give or take what an engine needs.
    fn open(&mut self) {
        self.now.0 += 1_000_000;
        for sim in &mut self.sims {
            let at = Nanos(self.now.0 + self.dice.below(500_000));
            sim.open(&mut self.capture, at);
        }
    }

    /// Continuous trading: arrivals at random, each of which may provoke others (a Hawkes process, as its clusters).
    fn trade(&mut self, anomalies: &[(AnomalyKind, u32)]) -> Result<()> {
        let messages = self.options.messages;
        let mut schedule = Schedule::spread(anomalies, self.capture.len(), messages, &mut self.dice);
        let mut calendar = BinaryHeap::new();
        let mut number = 0;
        let mut note = |calendar: &mut BinaryHeap<_>, at, place, fresh| {
            number += 1;
            calendar.push(Reverse(Arrival { at, number, place, fresh }));
        };
        let gaps: Vec<f64> = self.sims.iter().map(|sim| self.mean_gap(sim)).collect();
        for (place, &gap) in gaps.iter().enumerate() {
            note(&mut calendar, Nanos(self.now.0 + self.dice.whole_exponential(gap)), place, true);
        }
        while self.capture.len() < messages {
            let Some(Reverse(Arrival { at, place, fresh, .. })) = calendar.pop() else { break };
            let sim = &mut self.sims[place];
            if fresh {
                note(&mut calendar, Nanos(at.0 + self.dice.whole_exponential(gaps[place])), place, true);
            }
            let spare = messages - self.capture.len() - schedule.reserved();
            let provoked = if let Some(kind) = schedule.next(self.capture.len(), spare) {
                sim.plant(kind, &mut self.capture, at);
                0
            } else {
                sim.step(&mut self.capture, spare, at)
            };
            for _ in 0..provoked + self.dice.echoes() {
                note(&mut calendar, Nanos(at.0 + self.dice.whole_exponential(REACTION)), place, false);
            }
            self.progress.report(self.capture.len())?;
        }
        Ok(())
    }

    /// Mean time between two arrivals of an instrument's own accord, ns.
    fn mean_gap(&self, sim: &Sim) -> f64 {
        let records_per_second = f64::from(self.options.rate) * sim.instrument.activity;
        1e9 * RECORDS_PER_EVENT / (records_per_second * (1.0 - PROVOKED))
    }
}

impl Dice {
    /// How many events one event provokes: mostly none, one half in the mean.
    fn echoes(&mut self) -> u32 {
        match self.below(20) {
            0..13 => 0,
            13..17 => 1,
            _ => 2,
        }
    }
}

impl Sim {
    /// Its book from before: a clear and as many orders as its crowd has, `most` at most.
    fn snapshot(&mut self, capture: &mut Capture, most: u64, start: Nanos) {
        const BEFORE: u64 = 3_600_000_000_000;
        let orders = most.min(self.crowd as u64);
        let gap = BEFORE / (orders + 1);
        let mut priority = start.0 - BEFORE;
        let clear = Draft { action: Action::Clear, ..Draft::NOTHING };
        capture.snapshot(&mut self.line, &clear, priority, start, orders == 0);
        let mut earlier = self.fresh_id();
        for nth in 1..=orders {
            priority += 1 + self.dice.below(gap);
            let side = if self.dice.chance(0.5) { Side::Bid } else { Side::Ask };
            let mean = if self.dice.chance(0.4) { 5.0 } else { 50.0 };
            let away = 1 + (self.dice.exponential() * mean).min(400.0) as i64;
            let ticks = self.instrument.anchor - better(side) * away;
            let size = self.size();
            let mut order_id = self.fresh_id();
            if self.dice.chance(0.1) {
                // Older than its neighbours: it was changed, and queued again.
                std::mem::swap(&mut order_id, &mut earlier);
            }
            let order = Resting { order_id, side, ticks, size, reserve: 0, slice: size };
            self.queues.enter(order);
            let draft = self.draft(Action::Add, &order);
            capture.snapshot(&mut self.line, &draft, priority, start, nth == orders);
        }
    }
}
