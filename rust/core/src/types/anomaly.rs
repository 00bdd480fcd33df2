//! What goes wrong in real data, as values that say what they saw.

use std::ops::Add;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{BookKey, Price, Side};

/// Kinds of anomaly, each with its own count. What happens to the record is said at each [`Anomaly`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum AnomalyKind {
    /// A cancel of an order that is not in the book.
    UnknownCancel,
    /// A modify of an order that is not in the book.
    UnknownModify,
    /// An add that repeats a live order exactly.
    DuplicateAdd,
    /// An add whose id is live with another state.
    ConflictingAdd,
    /// A cancel of more than rests.
    OverCancel,
    /// A cancel whose side or price is not the order's.
    CancelMismatch,
    /// An add, modify or cancel of nothing.
    ZeroSize,
    /// A side, action or price that its action cannot have.
    InvalidRecord,
    /// The venue's feed had a gap that nothing can fill.
    MaybeBadBook,
    /// Ordinary trades printing while the book is crossed.
    CrossedWhileTrading,
    /// The tape ended inside an event.
    UnfinishedEvent,
}

impl AnomalyKind {
    /// Every kind, in the order of documentation.
    pub const ALL: [Self; 11] = [
        Self::UnknownCancel,
        Self::UnknownModify,
        Self::DuplicateAdd,
        Self::ConflictingAdd,
        Self::OverCancel,
        Self::CancelMismatch,
        Self::ZeroSize,
        Self::InvalidRecord,
        Self::MaybeBadBook,
        Self::CrossedWhileTrading,
        Self::UnfinishedEvent,
    ];

    /// The public name, as in JSON, metrics and documentation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownCancel => "unknown_cancel",
            Self::UnknownModify => "unknown_modify",
            Self::DuplicateAdd => "duplicate_add",
            Self::ConflictingAdd => "conflicting_add",
            Self::OverCancel => "over_cancel",
            Self::CancelMismatch => "cancel_mismatch",
            Self::ZeroSize => "zero_size",
            Self::InvalidRecord => "invalid_record",
            Self::MaybeBadBook => "maybe_bad_book",
            Self::CrossedWhileTrading => "crossed_while_trading",
            Self::UnfinishedEvent => "unfinished_event",
        }
    }
}

/// One anomaly, with the values that make it one. Its message is complete but for the record's number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Anomaly {
    /// Skipped: data that began mid-session cancels orders that were never seen entering.
    #[error("cancel of {asked}: order {order_id} is not in the book")]
    UnknownCancel {
        /// The order named.
        order_id: u64,
        /// The quantity to remove.
        asked: u32,
    },
    /// Applied: M carries the full state, so the order enters at the back with its priority approximate.
    #[error("modify: order {order_id} was not in the book; it enters at the back, its priority approximate")]
    UnknownModify {
        /// The order named.
        order_id: u64,
    },
    /// Skipped.
    #[error("add: order {order_id} is already in the book with the same side, price and size")]
    DuplicateAdd {
        /// The order named.
        order_id: u64,
    },
    /// Applied: the newest state replaces the old one, at the back.
    #[error(
        "add: order {order_id} is already in the book as {side} {price} x {size}; the new state replaces it"
    )]
    ConflictingAdd {
        /// The order named.
        order_id: u64,
        /// Side it rested on.
        side: Side,
        /// Price it rested at.
        price: Price,
        /// Size it rested with.
        size: u32,
    },
    /// Applied: the order leaves.
    #[error("cancel of {asked} exceeds the {resting} left on order {order_id}")]
    OverCancel {
        /// The order named.
        order_id: u64,
        /// The quantity to remove.
        asked: u32,
        /// The quantity there was.
        resting: u32,
    },
    /// Applied by id.
    #[error(
        "cancel: order {order_id} rests at {price} on the {side} side, which is not what the record says"
    )]
    CancelMismatch {
        /// The order named.
        order_id: u64,
        /// Side it rests on.
        side: Side,
        /// Price it rests at.
        price: Price,
    },
    /// A and C are skipped, M removes the order.
    #[error("{action} of order {order_id} has size 0")]
    ZeroSize {
        /// The order named.
        order_id: u64,
        /// The record's action.
        action: char,
    },
    /// Skipped.
    #[error("{field} {value} is impossible for action {action:?}")]
    InvalidRecord {
        /// The field that cannot be.
        field: &'static str,
        /// Its raw value.
        value: i64,
        /// The record's action, as its code.
        action: char,
    },
    /// Every book of the channel is suspect until its next clear or snapshot.
    #[error(
        "the venue reports a gap on channel {channel_id}: its books may be wrong until the next snapshot"
    )]
    MaybeBadBook {
        /// The channel.
        channel_id: u8,
    },
    /// The trade leaves the book as it is; the book is suspect while it stays crossed.
    #[error("a trade at {price} printed while the book was crossed: bid {bid}, ask {ask}")]
    CrossedWhileTrading {
        /// The trade's price.
        price: Price,
        /// Best bid.
        bid: Price,
        /// Best ask.
        ask: Price,
    },
    /// The tape ended inside an event.
    #[error("the tape ends inside an event of this instrument")]
    UnfinishedEvent,
}

impl Anomaly {
    /// The kind it is counted under.
    #[must_use]
    pub const fn kind(&self) -> AnomalyKind {
        match self {
            Self::UnknownCancel { .. } => AnomalyKind::UnknownCancel,
            Self::UnknownModify { .. } => AnomalyKind::UnknownModify,
            Self::DuplicateAdd { .. } => AnomalyKind::DuplicateAdd,
            Self::ConflictingAdd { .. } => AnomalyKind::ConflictingAdd,
            Self::OverCancel { .. } => AnomalyKind::OverCancel,
            Self::CancelMismatch { .. } => AnomalyKind::CancelMismatch,
            Self::ZeroSize { .. } => AnomalyKind::ZeroSize,
            Self::InvalidRecord { .. } => AnomalyKind::InvalidRecord,
            Self::MaybeBadBook { .. } => AnomalyKind::MaybeBadBook,
            Self::CrossedWhileTrading { .. } => AnomalyKind::CrossedWhileTrading,
            Self::UnfinishedEvent => AnomalyKind::UnfinishedEvent,
        }
    }
}

/// How often each kind occurred. Serializes as a map of every kind's name to its count, zeros included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AnomalyCounts([u64; AnomalyKind::ALL.len()]);

impl AnomalyCounts {
    /// Counts one more of a kind.
    #[inline]
    pub const fn note(&mut self, kind: AnomalyKind) {
        self.0[kind as usize] += 1;
    }

    /// How many of one kind.
    #[must_use]
    pub const fn of(&self, kind: AnomalyKind) -> u64 {
        self.0[kind as usize]
    }

    /// How many of all kinds.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Every kind with its count, in the order of [`AnomalyKind::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (AnomalyKind, u64)> + '_ {
        AnomalyKind::ALL.into_iter().map(|kind| (kind, self.of(kind)))
    }

    /// What happened since an earlier reading of the same counts.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self(std::array::from_fn(|kind| self.0[kind] - earlier.0[kind]))
    }
}

impl Add for AnomalyCounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|kind| self.0[kind] + other.0[kind]))
    }
}

impl Serialize for AnomalyCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (kind, count) in self.iter() {
            map.serialize_entry(kind.name(), &count)?;
        }
        map.end()
    }
}

/// The first anomaly of a kind: where it was, and its values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sample {
    /// The record's number, from 0.
    pub index: u64,
    /// Its book.
    pub key: BookKey,
    /// What was wrong.
    pub anomaly: Anomaly,
}

/// Where one book's anomalies are noted: counted by kind, the first of each kept whole.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    key: BookKey,
    /// Number of the record being applied.
    index: u64,
    counts: AnomalyCounts,
    total: u64,
    last: Option<Anomaly>,
    firsts: [Option<Sample>; AnomalyKind::ALL.len()],
}

impl Notes {
    /// Notes of a book that has none yet.
    #[must_use]
    pub fn of(key: BookKey) -> Self {
        Self { key, ..Self::default() }
    }

    /// Says which record the next notes are about.
    #[inline]
    pub const fn begin(&mut self, index: u64) {
        self.index = index;
    }

    /// Notes one.
    #[cold]
    pub fn note(&mut self, anomaly: Anomaly) {
        let kind = anomaly.kind();
        let Self { key, index, .. } = *self;
        self.counts.note(kind);
        self.total += 1;
        self.last = Some(anomaly);
        self.firsts[kind as usize].get_or_insert(Sample { index, key, anomaly });
    }

    /// Takes up an earlier count of a kind, whose first was this one at the record begun.
    pub(crate) fn restore(&mut self, anomaly: Anomaly, count: u64) {
        let Self { key, index, .. } = *self;
        self.counts.0[anomaly.kind() as usize] = count;
        self.total += count;
        self.firsts[anomaly.kind() as usize] = Some(Sample { index, key, anomaly });
    }

    /// Counts by kind.
    #[must_use]
    pub const fn counts(&self) -> &AnomalyCounts {
        &self.counts
    }

    /// How many in all: compare two readings to see whether a record noted any.
    #[inline]
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The latest.
    #[must_use]
    pub const fn last(&self) -> Option<Anomaly> {
        self.last
    }

    /// The first of a kind.
    #[must_use]
    pub const fn first(&self, kind: AnomalyKind) -> Option<&Sample> {
        self.firsts[kind as usize].as_ref()
    }
}
