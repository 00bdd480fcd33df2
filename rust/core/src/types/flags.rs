//! The flag byte of a record.

/// Bits of a record's `flags`, tested by mask: venues combine them freely (GLBX ends events with 128 and with 130).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags(pub u8);

impl Flags {
    /// Last record of the event for this instrument.
    pub const LAST: u8 = 128;
    /// Top of book: the record stands for a whole side.
    pub const TOB: u8 = 64;
    /// The record comes from a snapshot, not from live flow.
    pub const SNAPSHOT: u8 = 32;
    /// The record is an aggregated level, not an order.
    pub const MBP: u8 = 16;
    /// `ts_recv` is not the capture time (snapshots, catch-up).
    pub const BAD_TS_RECV: u8 = 8;
    /// An unrecoverable gap upstream: books of this channel may be wrong.
    pub const MAYBE_BAD_BOOK: u8 = 4;
    /// Meaning depends on the publisher.
    pub const PUBLISHER_SPECIFIC: u8 = 2;

    /// Whether every bit of `mask` is set.
    #[inline]
    #[must_use]
    pub const fn has(self, mask: u8) -> bool {
        self.0 & mask == mask
    }

    /// Whether this record ends an event.
    #[inline]
    #[must_use]
    pub const fn is_last(self) -> bool {
        self.has(Self::LAST)
    }

    /// Whether this record belongs to a snapshot.
    #[inline]
    #[must_use]
    pub const fn is_snapshot(self) -> bool {
        self.has(Self::SNAPSHOT)
    }

    /// Whether this record stands for a level or a side instead of one order.
    #[inline]
    #[must_use]
    pub const fn is_aggregate(self) -> bool {
        self.0 & (Self::TOB | Self::MBP) != 0
    }
}
