//! Steps along a tape: to the next or the previous record, event end or trade.

use super::{BLOCK, Tape};
use crate::error::{Error, Result};
use crate::types::{Action, Flags, MboRecord};

/// What a step goes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stride {
    /// Any record.
    Record,
    /// The last record of an event.
    Event,
    /// A trade.
    Trade,
}

impl Stride {
    /// The stride with a public name.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the choices.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "record" => Ok(Self::Record),
            "event" => Ok(Self::Event),
            "trade" => Ok(Self::Trade),
            _ => Err(Error::Parameter {
                name: "by",
                value: name.to_owned(),
                expected: "one of record, event, trade".to_owned(),
            }),
        }
    }

    fn ends_with(self, record: &MboRecord) -> bool {
        match self {
            Self::Record => true,
            Self::Event => record.flags().has(Flags::LAST),
            Self::Trade => record.action == Action::Trade as u8,
        }
    }
}

impl Tape {
    /// The position so many strides from another, forwards or (negative) backwards, of one instrument's records or all; the
    /// tape's end or beginning where there are fewer. A position that ends a stride has its last record just before it.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a position outside the tape; those of [`Tape::block`].
    pub fn step(&self, position: u64, stride: Stride, count: i64, only: Option<u32>) -> Result<u64> {
        self.check_position("position", position)?;
        let ends = |record: &MboRecord| {
            only.is_none_or(|wanted| wanted == record.instrument_id) && stride.ends_with(record)
        };
        let mut left = count.unsigned_abs();
        if left == 0 {
            return Ok(position);
        }
        if count > 0 {
            for block in self.blocks(position..self.len()) {
                let (first, block) = block?;
                for (index, _) in (first..).zip(block.iter()).filter(|(_, record)| ends(record)) {
                    left -= 1;
                    if left == 0 {
                        return Ok(index + 1);
                    }
                }
            }
            return Ok(self.len());
        }
        // The record just before the position is where it stands: going back begins with the one before that.
        let mut end = position.saturating_sub(1);
        while end > 0 {
            let start = end.saturating_sub(BLOCK);
            let mut found = Vec::new();
            for block in self.blocks(start..end) {
                let (first, block) = block?;
                found.extend(
                    (first..)
                        .zip(block.iter())
                        .filter(|(_, record)| ends(record))
                        .map(|(index, _)| index + 1),
                );
            }
            for place in found.into_iter().rev() {
                left -= 1;
                if left == 0 {
                    return Ok(place);
                }
            }
            end = start;
        }
        Ok(0)
    }
}
