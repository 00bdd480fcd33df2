//! Rows leave: with their tape, or those before an index. In batches, so that nobody waits for long.

use rusqlite::Transaction;

use super::database::{Database, Place};
use super::meter::Operation;
use super::row;
use crate::error::Result;

/// Rows removed in one transaction.
const BATCH: u64 = 16_384;

impl Database {
    /// Removes a tape with its rows; whether it was there. A removal that did not come to its end is finished by
    /// [`Self::finish_removals`]: by then the tape has no id any more, so that it can be added anew.
    ///
    /// # Errors
    /// Those of the database.
    pub fn remove(&mut self, id: &str) -> Result<bool> {
        let found = self.begin_removal(id)?;
        self.finish_removals()?;
        Ok(found)
    }

    /// Takes a tape's id away: whether it had one.
    pub(super) fn begin_removal(&mut self, id: &str) -> Result<bool> {
        self.write(|step| Ok(step.execute("UPDATE tapes SET id = NULL WHERE id = ?", [id])? > 0))
    }

    /// Removes what is left of tapes whose removal began.
    ///
    /// # Errors
    /// Those of the database.
    pub fn finish_removals(&mut self) -> Result<()> {
        while self.remove_some()? {}
        Ok(())
    }

    /// One batch of that; whether there may be more.
    pub(super) fn remove_some(&mut self) -> Result<bool> {
        let Some(mut place) = self.place_where("id IS NULL", ())? else { return Ok(false) };
        if place.first < place.mark {
            let to = place.mark.min(place.first + BATCH);
            self.forget_batch(&mut place, to)?;
        } else {
            self.write(|step| {
                step.execute("DELETE FROM instruments WHERE tape = ?", [place.number])?;
                Ok(step.execute("DELETE FROM tapes WHERE number = ?", [place.number])?)
            })?;
        }
        Ok(true)
    }

    /// Removes the rows of a tape before an index; how many. They do not come back when the tape is added again.
    ///
    /// # Errors
    /// Those of the database.
    pub fn forget_before(&mut self, id: &str, index: u64) -> Result<u64> {
        let mut removed = 0;
        loop {
            match self.forget_some(id, index)? {
                0 => return Ok(removed),
                some => removed += some,
            }
        }
    }

    /// One batch of that; how many.
    pub(super) fn forget_some(&mut self, id: &str, index: u64) -> Result<u64> {
        let Some(mut place) = self.find(id)? else { return Ok(0) };
        let from = place.first;
        let to = index.min(place.mark).min(from + BATCH);
        if from < to {
            self.forget_batch(&mut place, to)?;
        }
        Ok(to.saturating_sub(from))
    }

    fn forget_batch(&mut self, place: &mut Place, to: u64) -> Result<()> {
        let range = (row::id(place.number, place.first), row::id(place.number, to));
        let update = "UPDATE tapes SET first_index = ? WHERE number = ?";
        self.delete(range, |step| step.execute(update, (to.cast_signed(), place.number)).map(drop))?;
        place.first = to;
        Ok(())
    }

    /// Takes rows off the end of a tape, which has lost these records.
    pub(super) fn cut(&mut self, place: &mut Place, len: u64) -> Result<()> {
        while place.mark > len {
            let mark = len.max(place.mark.saturating_sub(BATCH));
            let first = place.first.min(mark);
            let range = (row::id(place.number, mark), row::id(place.number, place.mark));
            let update = "UPDATE tapes SET high_water_mark = ?, first_index = ? WHERE number = ?";
            let moved = (mark.cast_signed(), first.cast_signed(), place.number);
            self.delete(range, |step| step.execute(update, moved).map(drop))?;
            (place.mark, place.first) = (mark, first);
        }
        Ok(())
    }

    fn delete(
        &mut self,
        (from, to): (i64, i64),
        and: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<()> {
        let meter = std::sync::Arc::clone(self.meter());
        meter.time(Operation::Delete, || {
            self.write(|step| {
                step.execute("DELETE FROM mbo_messages WHERE id >= ? AND id < ?", [from, to])?;
                Ok(and(step)?)
            })
        })
    }
}
