//! Building the index: one pass over the tape with all its books.

use std::sync::Arc;

use super::{BookFrames, Built, Frame, Image, Keyframes, Touched};
use crate::error::Result;
use crate::feed::Progress;
use crate::market::{Entry, Market};
use crate::tape::reel::BLOCK;
use crate::tape::{Step, Tape};
use crate::types::{Flags, MboRecord};

/// What going on over one record costs, in nanoseconds: measured, rounded up.
pub(super) const RECORD_COST: u64 = 40;
/// What finding a book's records in one block costs, in nanoseconds: reading 56 KiB from the page cache and a look at each.
const BLOCK_COST: u64 = 12_000;
/// Keyframes may take this share of the tape's bytes; filters and lists come on top, about 3 % together.
const SHARE: f64 = 0.12;
/// And this much in any case, so that short tapes have some, too.
const ALWAYS: u64 = 1 << 20;
/// What an image is expected to take: for each order and level, and besides.
const ORDER_BYTES: u64 = 8;
const HEAD_BYTES: u64 = 256;

/// Where building stands.
#[derive(Debug)]
pub struct Builder {
    market: Market,
    /// By slot: nanoseconds to get from the last keyframe to here.
    costs: Vec<u64>,
}

impl Keyframes {
    /// Makes sure that the index reaches a position.
    ///
    /// # Errors
    /// Those of [`Tape::walk`]; what is built until then stays.
    pub(crate) fn extend(&self, tape: &Tape, position: u64, on_progress: Progress<'_>) -> Result<()> {
        if position <= self.read().end {
            return Ok(());
        }
        let mut builder = self.builder();
        let from = self.read().end;
        if position <= from {
            return Ok(()); // somebody else was faster
        }
        let mut now = if let Some(builder) = builder.take() {
            builder
        } else {
            let market = self.restore(tape, from, None)?;
            // Getting here from the last keyframes cost less than one is worth.
            Builder { costs: vec![0; market.entries().len()], market }
        };
        let walked = tape.walk(from..position, on_progress, |step| {
            match step {
                Step::Turn(turn) => turn.happen(&mut now.market),
                Step::Records(first, records) => {
                    now.records(&mut self.write(), self.worth, first, records)?;
                }
            }
            Ok(())
        });
        *builder = Some(now);
        walked
    }
}

impl Builder {
    fn records(&mut self, built: &mut Built, worth: u64, first: u64, records: &[MboRecord]) -> Result<()> {
        for (index, record) in (first..).zip(records) {
            let outcome = self.market.apply(record)?;
            let slot = self.market.last_slot();
            let block = index / BLOCK;
            if outcome.created {
                built.open(record, index);
                self.costs.push(0);
            }
            built.orders.insert(index, record.order_id);
            let cost = &mut self.costs[slot];
            *cost += RECORD_COST;
            let frames = &mut built.books[slot].frames;
            if let Some(frame) = frames.last_mut()
                && frame.touched.last != Some(block)
            {
                frame.touched.touch(block, frame.position);
                *cost += BLOCK_COST;
                if *cost > worth && built.affords(&self.market.entries()[slot], index) {
                    built.take(&self.market.entries()[slot], slot, index + 1);
                    self.costs[slot] = 0;
                }
            }
            if record.flags().has(Flags::MAYBE_BAD_BOOK) {
                built.note_gap(record, block);
            }
            built.end = index + 1;
        }
        Ok(())
    }
}

impl Built {
    fn open(&mut self, record: &MboRecord, index: u64) {
        let key = record.key();
        self.slots.insert(key, self.books.len());
        let frame = Frame { position: index, image: Image::Empty, touched: Touched::default() };
        self.books.push(BookFrames { key, frames: vec![frame] });
    }

    /// Whether a keyframe of a book keeps the index within its share of the tape.
    fn affords(&self, entry: &Entry, index: u64) -> bool {
        let expected = HEAD_BYTES + ORDER_BYTES * entry.book.order_count() as u64;
        let share = ((index - self.first) as f64 * MboRecord::SIZE as f64 * SHARE) as u64;
        self.image_bytes + expected <= ALWAYS + share
    }

    fn take(&mut self, entry: &Entry, slot: usize, position: u64) {
        let mut image = Vec::new();
        entry.encode(&mut image);
        self.image_bytes += image.len() as u64;
        self.books[slot].frames.push(Frame {
            position,
            image: Image::Memory(Arc::from(image)),
            touched: Touched::default(),
        });
    }

    #[cold]
    fn note_gap(&mut self, record: &MboRecord, block: u64) {
        let blocks = self.gaps.entry((record.publisher_id, record.channel_id)).or_default();
        if blocks.last() != Some(&block) {
            blocks.push(block);
        }
    }
}
