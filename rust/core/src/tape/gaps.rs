//! Where records are missing on a tape.

use super::Tape;
use crate::error::Result;
use crate::feed::AsideFact;
use crate::types::{BookKey, Nanos};

/// A place at which records are missing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gap {
    /// Index of the record that follows; that of the next to come, at the end of the tape.
    pub index: u64,
    /// `ts_recv` of the record before, if the tape has it.
    pub start: Option<Nanos>,
    /// `ts_recv` of the record that follows, if it has come.
    pub end: Option<Nanos>,
    /// Of which book they are; of any where that is not known.
    pub of: Option<BookKey>,
    /// What was said of it.
    pub text: String,
}

impl Tape {
    /// Where records are missing, in order: as a record beside the tape says it, of whoever recorded it or sent it.
    ///
    /// # Errors
    /// Those of [`Tape::block`].
    pub fn gaps(&self) -> Result<Vec<Gap>> {
        let mut gaps = Vec::new();
        for (index, fact) in self.facts.iter() {
            let AsideFact::Missing { of, text } = fact else { continue };
            let time = |index: Option<u64>| match index.filter(|index| *index >= self.first()) {
                Some(index) => Ok(self.record(index)?.map(|record| record.ts_recv())),
                None => Ok(None),
            };
            gaps.push(Gap {
                index: *index,
                start: time(index.checked_sub(1))?,
                end: time(Some(*index))?,
                of: *of,
                text: text.clone(),
            });
        }
        Ok(gaps)
    }

    /// The records before which some are missing.
    pub(super) fn misses(&self) -> impl Iterator<Item = (u64, Option<BookKey>)> + '_ {
        self.facts.iter().filter_map(|(index, fact)| match fact {
            AsideFact::Missing { of, .. } => Some((*index, *of)),
            _ => None,
        })
    }
}
