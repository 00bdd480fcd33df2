//! Synthetic flow: tapes with the habits of real ones, the same for the same options on every platform.
//!
//! A tape begins with a snapshot of every book, goes through a pre-open in which the books cross and an opening that
//! clears them, and then trades: arrivals in bursts, quotes and cancels near the best price, fills in price-time priority.
//! Its events end with `F_LAST`, its `ts_recv` never decreases, and it raises no anomaly that was not asked for.
//!
//! | file | what |
//! |---|---|
//! | `instrument` | what is traded |
//! | `session` | the phases of a session, and when the crowd acts |
//! | `auction` | the pre-open and the opening |
//! | `sim`, `trade` | what the crowd does in continuous trading, and to whom |
//! | `plant` | anomalies on purpose |
//! | `queues` | the generator's own book |
//! | `capture` | from what happened to records with times, flags and sequence numbers |
//! | `dice` | randomness that is the same everywhere |

// `side` and `size` are the field's words.
#![allow(clippy::similar_names)]

mod auction;
mod capture;
mod dice;
mod instrument;
mod plant;
mod queues;
mod session;
mod sim;
mod trade;

use std::fmt::Display;

use dice::Dice;
use instrument::listed;
use session::Session;

use crate::types::{AnomalyKind, MboRecord, Nanos};
use crate::{Error, Result};

/// Most instruments of one flow.
pub const MOST_INSTRUMENTS: u32 = 10_000;

/// What to make.
#[derive(Clone, Debug)]
pub struct Options {
    /// Records, exactly.
    pub messages: u64,
    /// Books, 1 to [`MOST_INSTRUMENTS`].
    pub instruments: u32,
    /// Another seed makes another flow.
    pub seed: u64,
    /// Anomalies to plant in continuous trading, by kind. At most one `unfinished_event` for each instrument.
    pub anomalies: Vec<(AnomalyKind, u32)>,
    /// Capture time of the first record.
    pub start: Nanos,
    /// Records a second of tape time in continuous trading, for each instrument in the mean, 1 to 100,000.
    pub rate: u32,
    /// Orders that a book holds in the mean, 32 to 1,000,000. Books of short tapes are smaller: a snapshot is at most an
    /// eighth of a tape.
    pub live_orders: u32,
    /// Publisher of every record.
    pub publisher_id: u16,
}

impl Default for Options {
    /// A hundred thousand records of one CME future, on 2026-01-05 from 08:00 UTC, about a thousand a second.
    fn default() -> Self {
        Self {
            messages: 100_000,
            instruments: 1,
            seed: 0,
            anomalies: Vec::new(),
            start: Nanos(1_767_600_000_000_000_000),
            rate: 1_000,
            live_orders: 4_000,
            publisher_id: 1,
        }
    }
}

/// What was made.
#[derive(Clone, Debug)]
pub struct Flow {
    /// In tape order.
    pub records: Vec<MboRecord>,
    /// Instrument ids and raw symbols, in order of appearance.
    pub symbols: Vec<(u32, String)>,
    /// What was planted, in the order of [`AnomalyKind::ALL`], kinds without any left out. There is nothing else to find.
    pub planted: Vec<(AnomalyKind, u32)>,
    /// The dataset that the records look like.
    pub dataset: &'static str,
}

/// Makes a flow. `on_progress(done, total)` is called every 65,536 records or so, and at the end.
///
/// ```
/// use booktape_core::synth::{Options, flow};
///
/// let made = flow(&Options { messages: 5_000, instruments: 2, seed: 7, ..Options::default() }, &mut |_, _| Ok(()))?;
/// assert_eq!(made.records.len(), 5_000);
/// assert_eq!(made.symbols[0].1, "ESH6");
/// # Ok::<(), booktape_core::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] naming the option that is out of its range, among them `messages` where they are too few to plant
/// the anomalies or more than memory holds; whatever `on_progress` returns.
pub fn flow(options: &Options, on_progress: &mut dyn FnMut(u64, u64) -> Result<()>) -> Result<Flow> {
    let planted = checked(options)?;
    let symbols: Vec<(u32, String)> =
        (0..options.instruments).map(listed).map(|instrument| (instrument.id, instrument.symbol)).collect();
    let mut records = Vec::new();
    let room = usize::try_from(options.messages).ok().and_then(|count| records.try_reserve_exact(count).ok());
    if room.is_none() {
        return Err(parameter(
            "messages",
            options.messages,
            "as many records of 56 bytes as fit into memory",
        ));
    }
    let progress = Progress { report: on_progress, total: options.messages, next: STRIDE };
    records = Session::new(options, records, progress).run(&planted)?;
    for &(kind, count) in &planted {
        if kind == AnomalyKind::UnfinishedEvent {
            let ids: Vec<u32> = symbols.iter().map(|&(id, _)| id).collect();
            plant::cut_short(&mut records, &ids, count, &mut Dice::new(options.seed, u64::MAX));
        }
    }
    on_progress(options.messages, options.messages)?;
    Ok(Flow { records, symbols, planted, dataset: "GLBX.MDP3" })
}

/// Records between two reports of progress.
const STRIDE: u64 = 1 << 16;

/// Whom to tell how far it is.
struct Progress<'a> {
    report: &'a mut dyn FnMut(u64, u64) -> Result<()>,
    total: u64,
    next: u64,
}

impl Progress<'_> {
    fn report(&mut self, done: u64) -> Result<()> {
        if done < self.next {
            return Ok(());
        }
        self.next = done + STRIDE;
        (self.report)(done, self.total)
    }
}

/// The anomalies wanted, each kind once, after every option was found to be in its range.
fn checked(options: &Options) -> Result<Vec<(AnomalyKind, u32)>> {
    within("instruments", u64::from(options.instruments), 1, u64::from(MOST_INSTRUMENTS))?;
    within("rate", u64::from(options.rate), 1, 100_000)?;
    within("live_orders", u64::from(options.live_orders), 32, 1_000_000)?;
    within("start", options.start.0, Nanos::DAY, 4_000_000_000_000_000_000)?;
    let of = |kind| -> u64 {
        options
            .anomalies
            .iter()
            .filter(|&&(other, _)| other == kind)
            .map(|&(_, count)| u64::from(count))
            .sum()
    };
    let planted: Vec<(AnomalyKind, u32)> = AnomalyKind::ALL
        .into_iter()
        .filter(|&kind| of(kind) > 0)
        .map(|kind| u32::try_from(of(kind)).map(|count| (kind, count)))
        .collect::<Result<_, _>>()
        .map_err(|_| parameter("anomalies", "more than 4294967295 of one kind", "fewer"))?;
    within("unfinished_event", of(AnomalyKind::UnfinishedEvent), 0, u64::from(options.instruments))?;
    let total: u64 = planted.iter().map(|&(_, count)| u64::from(count)).sum();
    // A quarter of the tape, or more, is continuous trading; an anomaly takes four records at most.
    let least = 64 * u64::from(options.instruments) + 16 * total;
    if total > 0 && options.messages < least {
        let expected =
            format!("at least {least}, to plant {total} anomalies in {} books", options.instruments);
        return Err(parameter("messages", options.messages, expected));
    }
    Ok(planted)
}

fn within(name: &'static str, value: u64, least: u64, most: u64) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(parameter(name, value, format!("{least} to {most}")))
}

fn parameter(name: &'static str, value: impl Display, expected: impl Into<String>) -> Error {
    Error::Parameter { name, value: value.to_string(), expected: expected.into() }
}
