//! Times to positions. Times are `ts_recv`, the clock of a tape; where it goes back, searches look at everything.

use super::Tape;
use crate::error::{Error, Result};
use crate::types::Nanos;

impl Tape {
    /// The position after the last record at or before a time.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the range, for a time outside the tape; those of [`Tape::block`].
    pub fn position_at(&self, ts: Nanos) -> Result<u64> {
        let (Some(first), Some(last)) = (self.start(), self.end()) else {
            return Err(Error::NotFound(format!("{}: the tape is empty", self.name)));
        };
        let outside = || Error::Parameter {
            name: "time",
            value: ts.to_string(),
            expected: format!("the tape goes from {first} to {last}"),
        };
        if self.census.in_time_order {
            if ts < first || ts > last {
                return Err(outside());
            }
            return self.count_until(ts);
        }
        for (base, reel) in self.reels.iter().rev() {
            if let Some(found) = reel.last_until(ts)? {
                let position = base + found + 1;
                let is_after = ts > last && self.first_after(0, Nanos(ts.0 - 1))?.is_none();
                return if is_after { Err(outside()) } else { Ok(position) };
            }
        }
        Err(outside())
    }

    /// How far a replay that stands at a position gets when its clock reads `ts`.
    ///
    /// # Errors
    /// Those of [`Tape::block`].
    pub fn due(&self, position: u64, ts: Nanos) -> Result<u64> {
        if self.census.in_time_order {
            return Ok(self.count_until(ts)?.max(position));
        }
        self.first_after(position, ts).map(|found| found.unwrap_or(self.len))
    }

    /// The first record from a position on that was received after a time.
    ///
    /// # Errors
    /// Those of [`Tape::block`].
    pub fn first_after(&self, position: u64, ts: Nanos) -> Result<Option<u64>> {
        for (base, reel) in &self.reels {
            let end = base + reel.len();
            if position < end
                && let Some(found) = reel.first_after(position.saturating_sub(*base), ts)?
            {
                return Ok(Some(base + found));
            }
        }
        Ok(None)
    }

    /// Records at or before a time, where time never goes back.
    fn count_until(&self, ts: Nanos) -> Result<u64> {
        let mut until = 0;
        for (base, reel) in &self.reels {
            let count = reel.count_until(ts)?;
            until = base + count;
            if count < reel.len() {
                break;
            }
        }
        Ok(until)
    }
}
