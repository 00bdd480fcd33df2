//! One book alone, going along the tape.

use crate::book::Standing;
use crate::error::Result;
use crate::feed::Progress;
use crate::market::{Entry, Market};
use crate::tape::{Step, Tape, Turn};
use crate::types::{BookKey, MboRecord};

/// What a book meets on its way.
#[derive(Clone, Copy, Debug)]
pub(super) enum Met<'a> {
    /// Something was said about its instrument before the record with this index; it has happened.
    Turn(u64),
    /// A record of its own, which whoever sees it applies.
    Record(u64, &'a MboRecord),
}

/// A market of one book, and a place on the tape.
pub(super) struct Alone<'t> {
    tape: &'t Tape,
    key: BookKey,
    market: Market,
    position: u64,
}

impl<'t> Alone<'t> {
    /// The book at a position, from the nearest keyframe before it.
    pub(super) fn at(tape: &'t Tape, key: BookKey, position: u64, on_progress: Progress<'_>) -> Result<Self> {
        let market = tape.market_at(position, Some(key), on_progress)?;
        Ok(Self { tape, key, market, position })
    }

    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn entry(&self) -> Option<&Entry> {
        self.market.entries().first()
    }

    /// An order in it.
    pub(super) fn standing(&self, order_id: u64) -> Option<Standing> {
        standing(&self.market, order_id)
    }

    /// Goes on to a position.
    pub(super) fn go(
        &mut self,
        to: u64,
        mut see: impl FnMut(&mut Market, Met<'_>) -> Result<()>,
    ) -> Result<()> {
        let Self { tape, key, market, position } = self;
        tape.walk(*position..to.max(*position), &mut |_, _| Ok(()), |step| {
            match step {
                Step::Turn(turn @ Turn::Name(id, _)) if *id == key.instrument_id => {
                    market.skip_to(*position);
                    turn.happen(market);
                    see(market, Met::Turn(*position))?;
                }
                Step::Turn(_) => {}
                Step::Records(first, records) => {
                    for (index, record) in (first..).zip(records) {
                        if record.key() == *key {
                            market.skip_to(index);
                            see(market, Met::Record(index, record))?;
                        }
                    }
                    *position = first + records.len() as u64;
                }
            }
            Ok(())
        })
    }
}

/// An order in the one book of a market.
pub(super) fn standing(market: &Market, order_id: u64) -> Option<Standing> {
    market.entries().first()?.book.standing(order_id)
}
