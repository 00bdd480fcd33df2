//! Which instruments.

use foldhash::fast::FixedState;
use hashbrown::HashSet;

/// Ids, or all of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Instruments {
    /// Every instrument.
    All,
    /// These.
    Some(HashSet<u32, FixedState>),
    /// Every other.
    Except(HashSet<u32, FixedState>),
}

impl Instruments {
    /// Whether an instrument is one of them.
    #[inline]
    #[must_use]
    pub fn has(&self, instrument_id: u32) -> bool {
        match self {
            Self::All => true,
            Self::Some(ids) => ids.contains(&instrument_id),
            Self::Except(ids) => !ids.contains(&instrument_id),
        }
    }

    /// How many ids are kept for it.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::All => 0,
            Self::Some(ids) | Self::Except(ids) => ids.len(),
        }
    }

    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::Some(ids) if ids.is_empty())
    }

    /// Takes others in.
    pub(crate) fn join(&mut self, others: Self) {
        match (self, others) {
            (Self::All, _) => {}
            (all, Self::All) => *all = Self::All,
            (Self::Some(ids), Self::Some(others)) => ids.extend(others),
            (Self::Except(not), others) => not.retain(|id| !others.has(*id)),
            (some, Self::Except(mut not)) => {
                not.retain(|id| !some.has(*id));
                *some = Self::Except(not);
            }
        }
    }

    /// Leaves others out.
    pub(crate) fn leave(&mut self, others: &Self) {
        match (&mut *self, others) {
            (_, Self::All) => *self = Self::Some(HashSet::default()),
            (Self::Some(ids), others) => ids.retain(|id| !others.has(*id)),
            (Self::Except(not), Self::Some(others)) => not.extend(others),
            (Self::All, Self::Some(others)) => *self = Self::Except(others.clone()),
            (Self::All, Self::Except(kept)) => *self = Self::Some(kept.clone()),
            (Self::Except(not), Self::Except(kept)) => {
                *self = Self::Some(kept.difference(not).copied().collect());
            }
        }
    }
}

impl FromIterator<u32> for Instruments {
    fn from_iter<I: IntoIterator<Item = u32>>(ids: I) -> Self {
        Self::Some(ids.into_iter().collect())
    }
}
