//! What a client asked for of one schema.

use crate::types::Instruments;

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
