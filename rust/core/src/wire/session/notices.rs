//! What stands between the records of a session: records of other types, and what ids come to mean.

use std::ops::{ControlFlow, Range};

use super::{Nanos, Outgoing, Session, Tape, Upgrade, Wants, symbol_mapping};
use crate::error::Result;
use crate::export::field;
use crate::feed::AsideKind;
use crate::tape::Turn;

/// Records whose neighbours are looked for together.
const RECORDS_AT_ONCE: u64 = 4_096;
/// Bytes of records beside that are held at once.
const BYTES_AT_ONCE: usize = 1 << 18;

/// Where a client stands: before a record, and how much of what stands there it has had.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub index: u64,
    /// Turns at this index.
    pub turns: usize,
    /// Records of other types at this index.
    pub asides: usize,
}

impl Place {
    pub(super) const fn at(index: u64) -> Self {
        Self { index, turns: 0, asides: 0 }
    }

    /// Before a record, of somebody who knows what ids mean there.
    pub(super) fn known(tape: &Tape, index: u64) -> Self {
        Self { turns: tape.turns_at(index).len(), ..Self::at(index) }
    }
}

/// Something that stands before a record.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    pub index: u64,
    /// Its number among those of its sort at this index.
    number: usize,
    pub said: Said,
}

#[derive(Clone, Debug)]
pub(super) enum Said {
    /// A turn, by its place among all.
    Turn(usize),
    /// A record, by its bytes.
    Aside(Range<usize>),
}

/// What stands between the next records.
#[derive(Debug, Default)]
pub(super) struct Notices {
    pub all: Vec<Notice>,
    /// Records that stand there.
    pub bytes: Vec<u8>,
    /// Up to where.
    pub end: u64,
}

impl Session {
    /// Looks for what stands between the next records. False where there is more before the last of them than is held at once.
    pub(super) fn gather(&mut self, tape: &Tape, until: u64, notices: &mut Notices) -> Result<bool> {
        let Notices { all, bytes, end } = notices;
        all.clear();
        bytes.clear();
        let here = self.place;
        *end = if self.beside.is_empty() { until } else { until.min(here.index + RECORDS_AT_ONCE) };
        // Behind the last record there is none to precede.
        let behind = if *end == tape.len() { *end + 1 } else { *end };
        let mut whole = true;
        if !self.beside.is_empty() {
            whole = self.gather_asides(tape, here.index..behind, all, bytes)?;
        }
        let behind = match all.last() {
            Some(last) if !whole => {
                *end = last.index;
                last.index + 1
            }
            _ => behind,
        };
        let first = tape.turns_at(here.index).start;
        let mut before = (here.index, first);
        let turns = tape.turns().iter().enumerate().skip(first).take_while(|(_, (index, _))| *index < behind);
        for (at, (index, turn)) in turns {
            if before.0 != *index {
                before = (*index, at);
            }
            if matches!(turn, Turn::Name(..)) {
                all.push(Notice { index: *index, number: at - before.1, said: Said::Turn(at) });
            }
        }
        // An id is named before what is said of its instrument.
        all.sort_by_key(|notice| (notice.index, matches!(notice.said, Said::Aside(_))));
        Ok(whole)
    }

    fn gather_asides(
        &mut self,
        tape: &Tape,
        range: Range<u64>,
        all: &mut Vec<Notice>,
        bytes: &mut Vec<u8>,
    ) -> Result<bool> {
        let Self { beside, upgrade, place, .. } = self;
        // A live tape knows its version when the first session begins.
        let known = upgrade.take().filter(|known| known.is_for(tape.metadata()));
        let upgrade = upgrade.insert(known.map_or_else(|| Upgrade::of(tape.metadata()), Ok)?);
        let (mut at, mut count, mut whole) = (range.start, 0, true);
        tape.beside(range, &mut |index, raw| {
            if index != at {
                (at, count) = (index, 0);
            }
            let number = count;
            count += 1;
            let has_had = index == place.index && number < place.asides;
            if has_had || !is_wanted(beside, index, raw) {
                return ControlFlow::Continue(());
            }
            let Some(record) = upgrade.current(raw) else { return ControlFlow::Continue(()) };
            let start = bytes.len();
            bytes.extend_from_slice(record);
            all.push(Notice { index, number, said: Said::Aside(start..bytes.len()) });
            whole = bytes.len() < BYTES_AT_ONCE;
            if whole { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(whole)
    }

    /// Gives out what stands before the record that comes next.
    pub(super) fn notify(
        &mut self,
        tape: &Tape,
        notice: &Notice,
        bytes: &[u8],
        out: &mut Outgoing,
    ) -> Result<()> {
        match &notice.said {
            Said::Aside(range) => {
                out.push(bytes.get(range.clone()).unwrap_or_default());
                self.place.asides = notice.number + 1;
            }
            Said::Turn(at) => {
                let Some((index, Turn::Name(instrument_id, symbol))) = tape.turns().get(*at) else {
                    return Ok(());
                };
                // To be told twice what an id means changes nothing, but a client need not hear it twice.
                self.feeds.iter_mut().for_each(|feed| feed.name(*instrument_id, symbol));
                let has_had = notice.number < self.place.turns;
                self.place.turns = self.place.turns.max(notice.number + 1);
                if !has_had && tape.meant_before(*instrument_id, *at) != Some(symbol) {
                    self.map(tape, *index, *instrument_id, symbol, out)?;
                }
            }
        }
        Ok(())
    }

    /// Says what ids mean that meant something else where the client was before it jumped.
    pub(super) fn rename(&self, tape: &Tape, before: Place, out: &mut Outgoing) -> Result<()> {
        let was = tape.turns_at(before.index).start + before.turns;
        let is = tape.turns_at(self.place.index).start + self.place.turns;
        let mut ids: Vec<u32> = tape.told_ids().collect();
        ids.sort_unstable();
        for id in ids {
            match tape.meant_before(id, is) {
                Some(symbol) if tape.meant_before(id, was) != Some(symbol) => {
                    self.map(tape, self.place.index, id, symbol, out)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Tells a client what an id means from a record on, if it wants anything of it.
    fn map(
        &self,
        tape: &Tape,
        index: u64,
        instrument_id: u32,
        symbol: &str,
        out: &mut Outgoing,
    ) -> Result<()> {
        if self.wants().any(|wants| wants.has(instrument_id)) {
            let at = tape.record(index)?.map(|record| record.ts_recv()).or(tape.end());
            if let Some(record) = symbol_mapping(instrument_id, symbol, at.unwrap_or(Nanos(0))) {
                out.push(&record);
            }
        }
        Ok(())
    }
}

fn is_wanted(beside: &[(AsideKind, Wants)], index: u64, raw: &[u8]) -> bool {
    let Some(kind) = AsideKind::of(raw) else { return false };
    let (instrument_id, ts_event) = (u32::from_le_bytes(field(raw, 4)), u64::from_le_bytes(field(raw, 8)));
    beside.iter().any(|(known, wants)| *known == kind && wants.takes(index, ts_event, instrument_id))
}
