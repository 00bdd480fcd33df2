//! From the index to books: the nearest keyframe before a moment, and the book's own records from there.

use std::collections::BTreeSet;

use super::{Built, Image, Keyframes};
use crate::book::ImageError;
use crate::error::{Error, Fault, Result};
use crate::feed::Progress;
use crate::market::{Entry, Market};
use crate::tape::reel::BLOCK;
use crate::tape::{Tape, Turn};
use crate::types::{BookKey, Flags, MboRecord};

/// Where one book is taken up.
#[derive(Debug)]
struct Start {
    key: BookKey,
    position: u64,
    image: Image,
}

/// A book on its way from its keyframe to the moment.
struct Taken<'t> {
    entry: Entry,
    from: u64,
    /// What happens to it on the way.
    turns: std::iter::Peekable<std::vec::IntoIter<&'t (u64, Turn)>>,
    symbol: Option<&'t str>,
}

impl Keyframes {
    /// The market after `position` records, all books or one of them alone. Where a stored index turns out to be damaged, it
    /// is built again.
    ///
    /// # Errors
    /// Those of [`Tape::walk`].
    pub(crate) fn market_at(
        &self,
        tape: &Tape,
        position: u64,
        only: Option<BookKey>,
        on_progress: Progress<'_>,
    ) -> Result<Market> {
        let mut attempt = || {
            self.extend(tape, position, on_progress)?;
            self.restore(tape, position, only)
        };
        match attempt() {
            Err(Error::Input { fault: Fault::Index { why }, .. }) => {
                self.give_up(tape, why);
                attempt()
            }
            restored => restored,
        }
    }

    /// The market after `position` records, which must be indexed.
    ///
    /// # Errors
    /// Those of [`Tape::block`]; [`Error::Input`] for an index that is damaged.
    pub(crate) fn restore(&self, tape: &Tape, position: u64, only: Option<BookKey>) -> Result<Market> {
        let (starts, blocks, file) = {
            let built = self.read();
            let (starts, blocks) = built.plan(position, only);
            (starts, blocks, built.file.clone())
        };
        let mut taken = Vec::with_capacity(starts.len());
        for Start { key, position: from, image } in starts {
            let decode = |mut bytes: &[u8]| {
                Entry::decode(key, &mut bytes).map_err(|error: ImageError| stale(tape, error.to_string()))
            };
            let entry = match &image {
                Image::Empty => Entry::new(key, from),
                Image::Memory(bytes) => decode(bytes)?,
                Image::File { offset, size } => {
                    let mut bytes = vec![0; *size as usize];
                    if let Some(file) = &file {
                        file.read_exact_at(&mut bytes, *offset)
                            .map_err(|source| stale(tape, source.to_string()))?;
                    }
                    decode(&bytes)?
                }
            };
            taken.push(Taken::new(tape, entry, from, matches!(image, Image::Empty), position));
        }
        go_on(tape, &mut taken, &blocks, position)?;
        let gaps = self.read().gaps_before(tape, position)?;
        let ts_recv = match (position.checked_sub(1), &tape.origin) {
            (_, Some(origin)) if origin.first == position => Some(origin.ts_recv),
            (Some(last), _) => tape.record(last)?.map(|record| record.ts_recv()),
            (None, _) => None,
        };
        let entries = taken.into_iter().map(|taken| taken.finish(position)).collect();
        let mut market = Market::restore(entries, gaps, position, ts_recv);
        recall(tape, &mut market, position, only);
        tape.misses().filter(|(index, _)| *index < position).for_each(|(index, of)| market.miss(of, index));
        Ok(market)
    }
}

fn stale(tape: &Tape, why: String) -> Error {
    Error::Input { name: tape.name().to_owned(), fault: Fault::Index { why } }
}

/// Applies the records of the blocks that the books have not had.
fn go_on(tape: &Tape, taken: &mut [Taken<'_>], blocks: &BTreeSet<u64>, position: u64) -> Result<()> {
    let slots: hashbrown::HashMap<BookKey, usize, foldhash::fast::FixedState> =
        taken.iter().enumerate().map(|(slot, taken)| (taken.entry.key, slot)).collect();
    let mut recent: Option<(BookKey, Option<usize>)> = None;
    for &block in blocks {
        for records in tape.blocks((block * BLOCK).max(tape.first())..position.min((block + 1) * BLOCK)) {
            let (first, records) = records?;
            for (index, record) in (first..).zip(records.iter()) {
                let key = record.key();
                let slot = match recent {
                    Some((recent, slot)) if recent == key => slot,
                    _ => slots.get(&key).copied(),
                };
                recent = Some((key, slot));
                if let Some(slot) = slot {
                    taken[slot].apply(record, index);
                }
            }
        }
    }
    Ok(())
}

impl<'t> Taken<'t> {
    fn new(tape: &'t Tape, mut entry: Entry, from: u64, is_new: bool, position: u64) -> Self {
        let key = entry.key;
        // What was said before a book's first record stands for it, too.
        let before = if is_new { from + 1 } else { from };
        let mut symbol = None;
        let mut turns = Vec::new();
        for said in tape.turns_of(key.instrument_id, position) {
            match said {
                (index, _) if *index >= before => turns.push(said),
                (_, Turn::Name(_, name)) => {
                    if is_new && symbol.is_some_and(|symbol| symbol != name) {
                        entry.watch.settlement = None;
                    }
                    symbol = Some(name.as_str());
                }
                (_, Turn::Settle(of, price)) if is_new && *of == key => entry.watch.settlement = Some(*price),
                _ => {}
            }
        }
        Self { entry, from, turns: turns.into_iter().peekable(), symbol }
    }

    #[inline]
    fn apply(&mut self, record: &MboRecord, index: u64) {
        if index < self.from {
            return;
        }
        if self.turns.peek().is_some() {
            self.turn(index);
        }
        self.entry.apply(record, index);
    }

    /// Lets happen what comes before a record.
    fn turn(&mut self, index: u64) {
        while let Some((at, turn)) = self.turns.next_if(|(at, _)| *at <= index) {
            match turn {
                Turn::Name(_, name) => {
                    if self.symbol.is_some_and(|symbol| symbol != name) {
                        self.entry.forget(*at);
                    }
                    self.symbol = Some(name);
                }
                Turn::Settle(key, price) if *key == self.entry.key => {
                    self.entry.watch.settlement = Some(*price);
                }
                Turn::Settle(..) | Turn::Miss(_) => {}
            }
        }
    }

    fn finish(mut self, position: u64) -> Entry {
        if let Some(last) = position.checked_sub(1) {
            self.turn(last);
        }
        self.entry
    }
}

/// Tells the market what was said up to a position: symbols, and settlement prices of books to come.
fn recall(tape: &Tape, market: &mut Market, position: u64, only: Option<BookKey>) {
    let recall = |market: &mut Market, turn: &Turn| match turn {
        Turn::Name(instrument_id, symbol) => market.recall_name(*instrument_id, symbol),
        Turn::Settle(key, price) => market.recall_settlement(*key, *price),
        Turn::Miss(_) => {} // of its own index, whatever the books have had
    };
    match only {
        Some(key) => tape.turns_of(key.instrument_id, position).for_each(|(_, turn)| recall(market, turn)),
        None => tape.turns_between(0, position).iter().for_each(|(_, turn)| recall(market, turn)),
    }
}

impl Built {
    /// Where to take up the books, and the blocks to go through.
    fn plan(&self, position: u64, only: Option<BookKey>) -> (Vec<Start>, BTreeSet<u64>) {
        let slots = match only {
            Some(key) => self.slots.get(&key).map(|&slot| slot..slot + 1).unwrap_or_default(),
            None => 0..self.books.len(),
        };
        let mut blocks = BTreeSet::new();
        let mut starts = Vec::new();
        for book in self.books.get(slots).unwrap_or_default() {
            // The first stands before the book's first record, the others behind the record that made them.
            let has_begun = book.frames.first().is_some_and(|first| match first.image {
                Image::Empty => first.position < position,
                _ => first.position <= position,
            });
            let after = book.frames.partition_point(|frame| frame.position <= position);
            if let (true, Some(frame)) = (has_begun, after.checked_sub(1).and_then(|at| book.frames.get(at)))
            {
                blocks.extend(frame.touched.before(position, frame.position));
                let image = frame.image.clone();
                starts.push(Start { key: book.key, position: frame.position, image });
            }
        }
        (starts, blocks)
    }

    /// By publisher and channel, the last gap that the venue reported before a position.
    fn gaps_before(&self, tape: &Tape, position: u64) -> Result<Vec<((u16, u8), u64)>> {
        // What the tape begins with comes first: a later one of the same channel replaces it.
        let mut gaps = tape.origin.as_ref().map_or_else(Vec::new, |origin| origin.gaps.clone());
        for (&channel, blocks) in &self.gaps {
            let before = blocks.partition_point(|block| block * BLOCK < position);
            for &block in blocks[..before].iter().rev() {
                if let Some(index) = last_gap(tape, block, position, channel)? {
                    gaps.push((channel, index));
                    break;
                }
            }
        }
        Ok(gaps)
    }
}

/// The last record of a block, before a position, with which the venue reported a gap on a channel.
fn last_gap(tape: &Tape, block: u64, position: u64, channel: (u16, u8)) -> Result<Option<u64>> {
    let mut last = None;
    for records in tape.blocks((block * BLOCK).max(tape.first())..position.min((block + 1) * BLOCK)) {
        let (first, records) = records?;
        let gap = records.iter().rposition(|record| {
            record.flags().has(Flags::MAYBE_BAD_BOOK) && (record.publisher_id, record.channel_id) == channel
        });
        last = gap.map(|gap| first + gap as u64).or(last);
    }
    Ok(last)
}
