//! A market that moves along a tape record by record.

use super::Tape;
use crate::error::Result;
use crate::feed::Progress;
use crate::market::{Market, Outcome};
use crate::types::MboRecord;

/// A place on a tape and the market as it is there.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    market: Market,
    position: u64,
}

impl Cursor {
    /// The place: records applied.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// The market there.
    #[must_use]
    pub const fn market(&self) -> &Market {
        &self.market
    }

    /// Goes forward to a position; stays where it is past.
    ///
    /// # Errors
    /// Those of [`Tape::apply`].
    pub fn advance(&mut self, tape: &Tape, position: u64, on_progress: Progress<'_>) -> Result<()> {
        if position > self.position {
            tape.apply(&mut self.market, self.position..position, on_progress)?;
            self.position = position;
        }
        Ok(())
    }

    /// Applies records up to a position, showing each with what it did.
    ///
    /// # Errors
    /// Those of [`Tape::apply`].
    pub fn each(
        &mut self,
        tape: &Tape,
        position: u64,
        mut see: impl FnMut(u64, &MboRecord, &Outcome, &Market),
    ) -> Result<()> {
        tape.check_position("position", position)?;
        let mut turns = tape.turns_from(self.position);
        while self.position < position {
            while let Some((_, turn)) = turns.next_if(|(index, _)| *index <= self.position) {
                turn.happen(&mut self.market);
            }
            let record = &tape.records()[self.position as usize];
            let outcome = self.market.apply(record)?;
            see(self.position, record, &outcome, &self.market);
            self.position += 1;
        }
        Ok(())
    }
}
