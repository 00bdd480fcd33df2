//! From record to record of an order, with its book.

use super::OrderLife;
use super::alone::Alone;
use super::find::indexes;
use super::telling::Telling;
use crate::error::{Error, Result};
use crate::feed::Progress;
use crate::tape::Tape;
use crate::types::BookKey;

/// An order's book on its way along the tape, and what is told of the order so far.
struct Following<'t> {
    tape: &'t Tape,
    key: BookKey,
    alone: Alone<'t>,
    telling: Telling<'t>,
}

/// The lives of an order in one book, whose records are all in these stretches.
pub(super) fn follow(
    tape: &Tape,
    order_id: u64,
    key: BookKey,
    stretches: &[u64],
    on_progress: Progress<'_>,
) -> Result<OrderLife> {
    let (alone, mut telling) =
        (Alone::at(tape, key, tape.first(), on_progress)?, Telling::new(tape, order_id));
    telling.begin(&alone);
    let mut following = Following { tape, key, alone, telling };
    for &stretch in stretches {
        for index in indexes(tape, order_id, key, stretch)? {
            on_progress(index, tape.len())?;
            following.reach(index, on_progress)?;
            following.go(index + 1)?;
        }
    }
    if following.telling.is_resting() {
        following.reach(tape.len(), on_progress)?;
    }
    let (lives, lives_omitted) = following.telling.finish();
    Ok(OrderLife { order_id, key, lives, lives_omitted })
}

impl Following<'_> {
    /// Brings the book to a position before which there is no more record of the order.
    fn reach(&mut self, position: u64, on_progress: Progress<'_>) -> Result<()> {
        if position.saturating_sub(self.alone.position()) <= self.tape.keyframes().long_way() {
            return self.go(position);
        }
        let there = Alone::at(self.tape, self.key, position, on_progress)?;
        if self.telling.is_resting() && !self.has_order(&there) {
            self.find_end(position, on_progress)?;
        }
        self.telling.take_up(&there);
        self.alone = there;
        Ok(())
    }

    /// The order is gone at a position, and no record of it says why: goes to the record that does, halving the distance.
    fn find_end(&mut self, mut gone: u64, on_progress: Progress<'_>) -> Result<()> {
        while gone - self.alone.position() > self.tape.keyframes().long_way().max(1) {
            let middle = self.alone.position().midpoint(gone);
            let there = Alone::at(self.tape, self.key, middle, on_progress)?;
            if self.has_order(&there) {
                self.alone = there;
            } else {
                gone = middle;
            }
        }
        self.go(gone)?;
        if self.telling.is_resting() {
            let why =
                format!("an order is gone at record {gone} of {}, and nothing took it", self.tape.name());
            return Err(Error::Invariant(why));
        }
        Ok(())
    }

    fn has_order(&self, alone: &Alone<'_>) -> bool {
        alone.standing(self.telling.order_id()).is_some()
    }

    fn go(&mut self, position: u64) -> Result<()> {
        let Self { alone, telling, .. } = self;
        alone.go(position, |market, met| telling.see(market, met))
    }
}
