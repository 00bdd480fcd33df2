//! What is counted while records apply.

use std::ops::{Add, Sub};

use crate::book::Effect;

/// What has been applied so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Records.
    pub records: u64,
    /// Records that ended an event.
    pub event_ends: u64,
    /// Event ends with best bid above best ask.
    pub crossed_event_ends: u64,
    /// Event ends with best bid at best ask.
    pub locked_event_ends: u64,
    /// Adds, cancels and modifies that changed a book.
    pub updates: Updates,
}

/// Changes of books by kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Updates {
    /// Quantity entered.
    pub add: u64,
    /// Quantity left.
    pub cancel: u64,
    /// An order changed.
    pub modify: u64,
}

impl Tally {
    #[inline]
    pub(super) const fn count(&mut self, effect: &Effect) {
        self.records += 1;
        match effect {
            Effect::Added { .. } => self.updates.add += 1,
            Effect::Cancelled { .. } => self.updates.cancel += 1,
            Effect::Modified { .. } => self.updates.modify += 1,
            Effect::Unchanged | Effect::Skipped(_) => {}
        }
    }

    /// The counts as numbers, always in this order.
    pub(super) const fn to_numbers(self) -> [u64; 7] {
        let Updates { add, cancel, modify } = self.updates;
        let Self { records, event_ends, crossed_event_ends, locked_event_ends, .. } = self;
        [records, event_ends, crossed_event_ends, locked_event_ends, add, cancel, modify]
    }

    pub(super) const fn from_numbers(numbers: [u64; 7]) -> Self {
        let [records, event_ends, crossed_event_ends, locked_event_ends, add, cancel, modify] = numbers;
        let updates = Updates { add, cancel, modify };
        Self { records, event_ends, crossed_event_ends, locked_event_ends, updates }
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (a, b) = (self.to_numbers(), other.to_numbers());
        Self::from_numbers(std::array::from_fn(|n| a[n] + b[n]))
    }
}

/// What was counted since an earlier reading of the same counts.
impl Sub for Tally {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        let (a, b) = (self.to_numbers(), earlier.to_numbers());
        Self::from_numbers(std::array::from_fn(|n| a[n] - b[n]))
    }
}
