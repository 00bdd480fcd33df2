//! A market that moves along a tape record by record.

use super::{Step, Tape};
use crate::error::Result;
use crate::feed::Progress;
use crate::market::{Market, Outcome};
use crate::types::MboRecord;

/// Records beyond which the index is faster than going along.
const LONG_WAY: u64 = 65_536;

/// A place on a tape and the market as it is there.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    market: Market,
}

impl Cursor {
    /// The place: records applied.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.market.position()
    }

    /// The market there.
    #[must_use]
    pub const fn market(&self) -> &Market {
        &self.market
    }

    /// Goes forward to a position, a long way by the tape's index; stays where it is past.
    ///
    /// # Errors
    /// Those of [`Tape::market_at`].
    pub fn advance(&mut self, tape: &Tape, position: u64, on_progress: Progress<'_>) -> Result<()> {
        let here = self.position();
        if position <= here {
            return Ok(());
        }
        if position > here.saturating_add(LONG_WAY) || here < tape.first() {
            self.market = tape.market_at(position, None, on_progress)?;
        } else {
            tape.apply(&mut self.market, here..position, on_progress)?;
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
        let Self { market } = self;
        let here = market.position();
        tape.walk(here..position.max(here), &mut |_, _| Ok(()), |step| {
            match step {
                Step::Turn(turn) => turn.happen(market),
                Step::Records(first, records) => {
                    for (index, record) in (first..).zip(records) {
                        let outcome = market.apply(record)?;
                        see(index, record, &outcome, market);
                    }
                }
            }
            Ok(())
        })
    }
}
