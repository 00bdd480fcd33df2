//! Where each column stands in a row, and what it holds: enough to show rows as tables.
//!
//! Columns come in the order in which Databento prints them, which is not the order of the bytes. The header's length
//! and reserved bytes are no columns.

/// What a column holds. Integers are little-endian.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Kind {
    /// An unsigned byte.
    U8,
    /// Two bytes, unsigned.
    U16,
    /// Four bytes, unsigned.
    U32,
    /// Four bytes, signed.
    I32,
    /// Eight bytes, unsigned.
    U64,
    /// A price: eight bytes, signed, in units of 1e-9; `i64::MAX` is "no price".
    Price,
    /// A time: eight bytes, unsigned, nanoseconds since the UNIX epoch; `u64::MAX` is "no time".
    Time,
    /// One ASCII letter.
    Char,
    /// A byte of flags.
    Flags,
}

impl Kind {
    /// Bytes of a value.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::U8 | Self::Char | Self::Flags => 1,
            Self::U16 => 2,
            Self::U32 | Self::I32 => 4,
            Self::U64 | Self::Price | Self::Time => 8,
        }
    }
}

/// One column of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its name, as Databento prints it.
    pub name: &'static str,
    /// Bytes before it in a row.
    pub offset: usize,
    /// What it holds.
    pub kind: Kind,
}

macro_rules! columns {
    ($($name:literal $kind:ident @ $offset:expr),+ $(,)?) => {
        &[$(Column { name: $name, offset: $offset, kind: Kind::$kind }),+]
    };
}

/// A head of 48 bytes, then levels of 32, named by the digits given.
macro_rules! levels {
    ($head:tt, $($digits:literal)*) => {
        levels!(@ $head, [], 48; $($digits)*)
    };
    (@ [$($head:tt)*], [$($done:tt)*], $at:expr; $digits:literal $($more:literal)*) => {
        levels!(@ [$($head)*], [
            $($done)*
            Column { name: concat!("bid_px_", $digits), offset: $at, kind: Kind::Price },
            Column { name: concat!("ask_px_", $digits), offset: $at + 8, kind: Kind::Price },
            Column { name: concat!("bid_sz_", $digits), offset: $at + 16, kind: Kind::U32 },
            Column { name: concat!("ask_sz_", $digits), offset: $at + 20, kind: Kind::U32 },
            Column { name: concat!("bid_ct_", $digits), offset: $at + 24, kind: Kind::U32 },
            Column { name: concat!("ask_ct_", $digits), offset: $at + 28, kind: Kind::U32 },
        ], $at + 32; $($more)*)
    };
    (@ [$($name:literal $kind:ident @ $offset:literal),+], [$($done:tt)*], $at:expr;) => {
        &[$(Column { name: $name, offset: $offset, kind: Kind::$kind },)+ $($done)*]
    };
}

/// The columns of MBO itself, 56 bytes a record.
pub const MBO: &[Column] = columns![
    "ts_recv" Time @ 40, "ts_event" Time @ 8, "rtype" U8 @ 1, "publisher_id" U16 @ 2, "instrument_id" U32 @ 4,
    "action" Char @ 38, "side" Char @ 39, "price" Price @ 24, "size" U32 @ 32, "channel_id" U8 @ 37,
    "order_id" U64 @ 16, "flags" Flags @ 36, "ts_in_delta" I32 @ 48, "sequence" U32 @ 52,
];

pub(super) const TRADES: &[Column] = levels![[
    "ts_recv" Time @ 32, "ts_event" Time @ 8, "rtype" U8 @ 1, "publisher_id" U16 @ 2, "instrument_id" U32 @ 4,
    "action" Char @ 28, "side" Char @ 29, "depth" U8 @ 31, "price" Price @ 16, "size" U32 @ 24,
    "flags" Flags @ 30, "ts_in_delta" I32 @ 40, "sequence" U32 @ 44
],];

pub(super) const MBP_1: &[Column] = levels![[
    "ts_recv" Time @ 32, "ts_event" Time @ 8, "rtype" U8 @ 1, "publisher_id" U16 @ 2, "instrument_id" U32 @ 4,
    "action" Char @ 28, "side" Char @ 29, "depth" U8 @ 31, "price" Price @ 16, "size" U32 @ 24,
    "flags" Flags @ 30, "ts_in_delta" I32 @ 40, "sequence" U32 @ 44
], "00"];

pub(super) const MBP_10: &[Column] = levels![[
    "ts_recv" Time @ 32, "ts_event" Time @ 8, "rtype" U8 @ 1, "publisher_id" U16 @ 2, "instrument_id" U32 @ 4,
    "action" Char @ 28, "side" Char @ 29, "depth" U8 @ 31, "price" Price @ 16, "size" U32 @ 24,
    "flags" Flags @ 30, "ts_in_delta" I32 @ 40, "sequence" U32 @ 44
], "00" "01" "02" "03" "04" "05" "06" "07" "08" "09"];

pub(super) const BBO: &[Column] = levels![[
    "ts_recv" Time @ 32, "ts_event" Time @ 8, "rtype" U8 @ 1, "publisher_id" U16 @ 2, "instrument_id" U32 @ 4,
    "side" Char @ 29, "price" Price @ 16, "size" U32 @ 24, "flags" Flags @ 30, "sequence" U32 @ 44
], "00"];

pub(super) const OHLCV: &[Column] = columns![
    "ts_event" Time @ 8, "rtype" U8 @ 1, "publisher_id" U16 @ 2, "instrument_id" U32 @ 4, "open" Price @ 16,
    "high" Price @ 24, "low" Price @ 32, "close" Price @ 40, "volume" U64 @ 48,
];
