//! What a client asked for of one schema.

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
    fn count(&self) -> usize {
        match self {
            Self::All => 0,
            Self::Some(ids) | Self::Except(ids) => ids.len(),
        }
    }

    fn is_none(&self) -> bool {
        matches!(self, Self::Some(ids) if ids.is_empty())
    }

    /// Takes others in.
    fn join(&mut self, others: Self) {
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
    fn leave(&mut self, others: &Self) {
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

/// Records of some instruments, from a place on.
#[derive(Clone, Debug)]
pub(super) struct Want {
    /// Index of the first record.
    pub from: u64,
    /// None with an earlier `ts_event`.
    pub since: u64,
    pub instruments: Instruments,
}

impl Want {
    #[inline]
    fn takes(&self, index: u64, ts: u64, instrument_id: u32) -> bool {
        self.from <= index && self.since <= ts && self.instruments.has(instrument_id)
    }
}

/// What of one schema is wanted: what any of several subscriptions wants.
#[derive(Clone, Debug, Default)]
pub(super) struct Wants(Vec<Want>);

impl Wants {
    /// Adds to what is wanted, where the client stands at a position by now.
    pub(super) fn add(&mut self, want: Want, position: u64) {
        self.0.push(want);
        // What has begun is the same from here on, wherever it began.
        self.merge(|want| {
            if want.since == 0 {
                want.from = want.from.max(position);
            }
        });
    }

    /// Some instruments are wanted no longer.
    pub(super) fn leave(&mut self, instruments: &Instruments) {
        self.0.iter_mut().for_each(|want| want.instruments.leave(instruments));
        self.0.retain(|want| !want.instruments.is_none());
    }

    /// From a position on everything is wanted of which anything was.
    pub(super) fn restart(&mut self, position: u64) {
        self.merge(|want| (want.from, want.since) = (position, 0));
    }

    /// Changes what is wanted, and makes one of what is the same then.
    fn merge(&mut self, change: impl Fn(&mut Want)) {
        for mut want in std::mem::take(&mut self.0) {
            change(&mut want);
            match self.0.iter_mut().find(|known| (known.from, known.since) == (want.from, want.since)) {
                Some(known) => known.instruments.join(want.instruments),
                None => self.0.push(want),
            }
        }
    }

    /// Whether a record, or a row that it brings, is wanted.
    #[inline]
    pub(super) fn takes(&self, index: u64, ts: u64, instrument_id: u32) -> bool {
        self.0.iter().any(|want| want.takes(index, ts, instrument_id))
    }

    /// Whether an instrument is, or will be, wanted.
    #[inline]
    pub(super) fn has(&self, instrument_id: u32) -> bool {
        self.0.iter().any(|want| want.instruments.has(instrument_id))
    }

    /// Whether every record is wanted from an index on.
    pub(super) fn takes_all(&self, index: u64) -> bool {
        self.0
            .iter()
            .any(|want| want.from <= index && want.since == 0 && want.instruments == Instruments::All)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How much is kept: subscriptions that could not be made one, and ids.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.0.len(), self.0.iter().map(|want| want.instruments.count()).sum())
    }
}
