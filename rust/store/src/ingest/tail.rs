//! The end of a tape, from which a session goes on.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::Duration;

use booktape_core::Result;
use booktape_core::tape::{BLOCK, Tape};
use booktape_core::types::{BookKey, Flags, MboRecord, Nanos};

use super::overlap::Overlap;

/// Records of an overlap at most: some tens of megabytes for as long as a session takes to begin.
const MOST: usize = 1 << 18;

/// How a session goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resume {
    /// There is nothing to go on from: the tape has no record, none since its last gap, or more of an unfinished snapshot than
    /// can be told apart.
    Begin,
    /// The tape ends within a snapshot, or with it, whose records are of any time: from the beginning.
    Whole,
    /// With records whose `ts_event` is this or later.
    From(Nanos),
}

/// How to go on from the end of a tape, and what of it will come again.
pub(super) fn tail(tape: &Tape, overlap: Duration) -> Result<(Resume, Overlap)> {
    let floor = tape.gaps()?.last().map_or(tape.first(), |gap| gap.index.max(tape.first()));
    let overlap = u64::try_from(overlap.as_nanos()).unwrap_or(u64::MAX);
    let window = Window::of(tape, floor, overlap)?;
    if window.records.is_empty() {
        return Ok((Resume::Begin, Overlap::default()));
    }
    let Some(earliest) = window.earliest.filter(|_| !window.is_within_snapshot()) else {
        return if window.reaches_floor {
            let records = window.records.iter().rev();
            Ok((Resume::Whole, expected(tape, records, floor, 0)?))
        } else {
            Ok((Resume::Begin, Overlap::default()))
        };
    };
    let mut start = earliest.saturating_sub(overlap);
    if !window.reaches_floor && !window.reaches(start) {
        // Too many for all of them: those that are there, and no earlier.
        let oldest = window.records.last().map_or(earliest, |record| record.ts_recv().0);
        start = start.max(oldest);
    }
    let records = window.records.iter().rev().filter(|record| record.ts_event >= start);
    let first = tape.len() - window.records.len() as u64;
    Ok((Resume::From(Nanos(start)), expected(tape, records, first, start)?))
}

fn expected<'r>(
    tape: &Tape,
    records: impl Iterator<Item = &'r MboRecord>,
    first: u64,
    start: u64,
) -> Result<Overlap> {
    let mut overlap = Overlap::default();
    records.for_each(|record| overlap.expect(record));
    tape.beside(first..tape.len() + 1, &mut |_, record| {
        let ts_event = record.get(8..16).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
        if ts_event.is_some_and(|ts_event| ts_event >= start) && super::is_data(record) {
            overlap.expect_beside(record);
        }
        ControlFlow::Continue(())
    })?;
    Ok(overlap)
}

/// The last records of a tape, the latest first.
struct Window {
    records: Vec<MboRecord>,
    /// The earliest `ts_event` of what came within the overlap; records of a snapshot are of any time.
    earliest: Option<u64>,
    reaches_floor: bool,
}

impl Window {
    /// Those back to where nothing is as late as the overlap begins.
    fn of(tape: &Tape, floor: u64, overlap: u64) -> Result<Self> {
        let mut window = Self { records: Vec::new(), earliest: None, reaches_floor: false };
        let mut end = tape.len();
        while end > floor && window.records.len() < MOST {
            let start = floor.max(end.saturating_sub(BLOCK));
            let mut block = Vec::new();
            for part in tape.blocks(start..end) {
                block.extend_from_slice(&part?.1);
            }
            block.reverse();
            let last = window.records.first().or(block.first()).map_or(0, |record| record.ts_recv);
            let is_late = |record: &&MboRecord| record.ts_recv >= last.saturating_sub(overlap);
            let is_live = |record: &&MboRecord| {
                ![0, Nanos::UNDEF.0].contains(&record.ts_event) && !record.flags().is_snapshot()
            };
            let events = block.iter().filter(is_late).filter(is_live).map(|record| record.ts_event);
            window.earliest = events.chain(window.earliest).min();
            let is_enough = window.earliest.is_some_and(|earliest| {
                let begin = earliest.saturating_sub(overlap);
                block.iter().all(|record| record.ts_event < begin && record.ts_recv < begin)
            });
            window.records.extend(block);
            end = start;
            if is_enough {
                return Ok(window);
            }
        }
        window.reaches_floor = end <= floor;
        Ok(window)
    }

    /// Whether records as early as a time are among them.
    fn reaches(&self, start: u64) -> bool {
        self.records.last().is_some_and(|record| record.ts_recv < start)
    }

    /// Whether a book's last record is one of a snapshot that has not ended.
    fn is_within_snapshot(&self) -> bool {
        let mut seen: HashSet<BookKey> = HashSet::new();
        self.records.iter().any(|record| {
            let flags = Flags(record.flags);
            seen.insert(record.key()) && flags.is_snapshot() && !flags.is_last()
        })
    }
}
