//! What stands beside the records: those of other types, in their places, and what ids come to mean.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::reel::{FileReel, Reel};
use super::{BLOCK, Tape, Turn};
use crate::error::Result;
use crate::feed::{Aside, AsideKind, Definition, Interval, Upgrade};
use crate::types::{MboRecord, Nanos};

/// Bytes of a file that are read together: more than any record has.
const PIECE: usize = 1 << 16;

/// Takes a record's bytes as they were read, with the index of the MBO record that it precedes.
type See<'a> = &'a mut dyn FnMut(u64, &[u8]) -> ControlFlow<()>;

impl Tape {
    /// Shows the records of other types that precede the records of a range, in order, until it is told to stop. What is behind
    /// the last record of the tape precedes the one that may come, so that a range ends behind that to have it.
    ///
    /// # Errors
    /// [`crate::Error::Input`] for a file that changed or cannot be read.
    pub fn beside(&self, range: Range<u64>, see: See<'_>) -> Result<()> {
        let Range { start, end } = range;
        // What is behind a reel's last record has the index of the next reel's first.
        let first = self.reels.partition_point(|(base, reel)| base + reel.len() < start);
        for (base, reel) in self.reels.iter().skip(first).take_while(|(base, _)| *base < end) {
            let within = start.saturating_sub(*base)..end - base;
            let shown = match reel {
                Reel::Memory { aside, .. } => {
                    of_memory(aside, within, &mut |index, raw| see(base + index, raw))
                }
                Reel::File(file) => of_file(file, within, &mut |index, raw| see(base + index, raw))?,
            };
            if shown.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// What the definitions beside the tape say, by id, the latest of each. Reads no further than the last of them.
    ///
    /// # Errors
    /// Those of [`Tape::beside`].
    pub fn definitions(&self) -> Result<BTreeMap<u32, Definition>> {
        let mut found = BTreeMap::new();
        let mut left = self.others.get(AsideKind::Definition.name()).copied().unwrap_or(0);
        if left == 0 {
            return Ok(found);
        }
        let mut upgrade = Upgrade::of(&self.metadata)?;
        self.beside(self.first()..self.len + 1, &mut |_, raw| {
            if AsideKind::of(raw) == Some(AsideKind::Definition) {
                left = left.saturating_sub(1);
                let definition = upgrade.current(raw).and_then(Definition::of);
                found.extend(definition.map(|definition| (definition.instrument_id, definition)));
            }
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(found)
    }

    /// The turns at a position, by their places among all.
    #[must_use]
    pub fn turns_at(&self, position: u64) -> Range<usize> {
        let first = self.turns.partition_point(|(index, _)| *index < position);
        first..self.turns.partition_point(|(index, _)| *index <= position)
    }

    /// What an id means before a place among the turns.
    #[must_use]
    pub fn meant_before(&self, instrument_id: u32, place: usize) -> Option<&str> {
        let places = self.turns_by_instrument.get(&instrument_id)?;
        let before = places.partition_point(|&at| (at as usize) < place);
        let before = places.get(..before)?.iter().rev();
        before.filter_map(|&at| self.turns.get(at as usize)).find_map(|(_, turn)| match turn {
            Turn::Name(_, symbol) => Some(symbol.as_str()),
            Turn::Settle(..) | Turn::Miss(_) => None,
        })
    }

    /// The ids that anything was said about.
    pub fn told_ids(&self) -> impl Iterator<Item = u32> + '_ {
        self.turns_by_instrument.keys().copied()
    }

    /// What every id means and when, in the order in which it was said: to the next meaning, or to behind the last record.
    ///
    /// # Errors
    /// Those of [`Tape::block`].
    pub fn names(&self) -> Result<Vec<Interval>> {
        let end = Nanos(self.end().map_or(0, |last| last.0.saturating_add(1)));
        let mut names: Vec<Interval> = Vec::new();
        let mut latest = HashMap::<u32, usize, FixedState>::default();
        let mut at = (self.first(), self.start().unwrap_or(end));
        for (index, turn) in self.turns.iter() {
            let Turn::Name(instrument_id, symbol) = turn else { continue };
            let index = (*index).max(self.first());
            if index != at.0 {
                at = (index, self.record(index)?.map_or(end, |record| record.ts_recv()));
            }
            let start = at.1;
            if let Some(before) = latest.get(instrument_id).and_then(|&place| names.get_mut(place)) {
                if before.symbol == *symbol {
                    continue;
                }
                before.end = start;
            }
            latest.insert(*instrument_id, names.len());
            names.push(Interval { instrument_id: *instrument_id, symbol: symbol.clone(), start, end });
        }
        names.retain(|name| name.start < name.end || self.is_empty());
        Ok(names)
    }
}

fn of_memory(aside: &[Aside], range: Range<u64>, see: See<'_>) -> ControlFlow<()> {
    let first = aside.partition_point(|other| other.index < range.start);
    let within = aside.iter().skip(first).take_while(|other| other.index < range.end);
    within
        .map(|other| see(other.index, other.bytes()))
        .find(ControlFlow::is_break)
        .unwrap_or(ControlFlow::Continue(()))
}

fn of_file(file: &FileReel, range: Range<u64>, see: See<'_>) -> Result<ControlFlow<()>> {
    let directory = file.directory();
    let size = MboRecord::SIZE as u64 + if directory.ts_out { 8 } else { 0 };
    let blocks = directory.starts.len() as u64;
    let offset =
        |number: u64| directory.starts.get(number as usize).map_or(directory.end, |start| start.offset);
    // A record behind the last is in the span of the last block; in that of none, where there is no block.
    for number in (range.start.min(directory.len.saturating_sub(1)) / BLOCK)..blocks.max(1) {
        let mut index = number * BLOCK;
        if index >= range.end {
            break;
        }
        let mut at = if number == 0 { directory.head } else { offset(number) };
        let end = offset(number + 1);
        if end - at == (directory.len - index).min(BLOCK) * size {
            continue;
        }
        let mut piece = vec![0; PIECE];
        while at < end {
            let length = piece.len().min((end - at) as usize);
            file.read_bytes(&mut piece[..length], at)?;
            let mut used = 0;
            while let Some(&[words, rtype]) = piece[..length].get(used..used + 2)
                && let Some(whole) = piece[..length].get(used..used + usize::from(words) * 4)
                && !whole.is_empty()
            {
                if rtype == MboRecord::RTYPE {
                    index += 1;
                } else if range.contains(&index) && see(index, whole).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                used += whole.len();
            }
            if used == 0 {
                return Err(file.changed(at));
            }
            at += used as u64;
        }
    }
    Ok(ControlFlow::Continue(()))
}
