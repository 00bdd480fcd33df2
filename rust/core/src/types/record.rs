//! The MBO record in memory, byte for byte as DBN versions 1 to 3 store it.

use std::fmt;

use serde::Serialize;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Flags, Nanos, Price};

/// Bytes by which a record is longer that carries `ts_out`, the time at which it was sent.
pub const TS_OUT: usize = size_of::<u64>();

/// One Market-by-Order record: 56 bytes, little-endian, the layout of DBN versions 1 to 3.
///
/// Codes stay raw so that a tape is a plain block of bytes; [`MboRecord::action`] and [`MboRecord::side`] parse them.
#[derive(Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MboRecord {
    /// Length of the record in 4-byte words.
    pub length: u8,
    /// Record type, [`MboRecord::RTYPE`].
    pub rtype: u8,
    /// Who published the record.
    pub publisher_id: u16,
    /// The instrument, unique within one dataset and one day.
    pub instrument_id: u32,
    /// Matching engine time, ns UTC. For snapshot records the time that gave the order its priority.
    pub ts_event: u64,
    /// Order id at the venue.
    pub order_id: u64,
    /// Price in units of 1e-9, see [`Price`].
    pub price: i64,
    /// Quantity: of the order for A and M, removed for C, traded for T and F.
    pub size: u32,
    /// See [`Flags`].
    pub flags: u8,
    /// The venue's channel.
    pub channel_id: u8,
    /// ASCII code, see [`Action`].
    pub action: u8,
    /// ASCII code, see [`Side`].
    pub side: u8,
    /// Capture time, ns UTC: the clock of a tape.
    pub ts_recv: u64,
    /// `ts_recv` minus the venue's send time, ns.
    pub ts_in_delta: i32,
    /// The venue's message sequence number.
    pub sequence: u32,
}

impl MboRecord {
    /// Record type of MBO in a DBN header.
    pub const RTYPE: u8 = 0xA0;
    /// Size in bytes.
    pub const SIZE: usize = size_of::<Self>();
    /// The header's length field: 4-byte words.
    pub const WORDS: u8 = (Self::SIZE / 4) as u8;

    /// The action, or `None` if its code is not one of DBN's.
    #[inline]
    #[must_use]
    pub const fn action(&self) -> Option<Action> {
        Action::from_code(self.action)
    }

    /// The side: `Ok(None)` for "no side", `Err(code)` if the code is not one of DBN's.
    ///
    /// # Errors
    /// The code itself, where it is none of `A`, `B`, `N`.
    #[inline]
    pub const fn side(&self) -> Result<Option<Side>, u8> {
        match self.side {
            b'B' => Ok(Some(Side::Bid)),
            b'A' => Ok(Some(Side::Ask)),
            b'N' => Ok(None),
            code => Err(code),
        }
    }

    /// The side whose orders this is about: `None` for "no side" and for impossible codes.
    #[inline]
    #[must_use]
    pub const fn book_side(&self) -> Option<Side> {
        // Written so that bid or ask compiles to arithmetic: a jump would be guessed wrong half the time.
        if !matches!(self.side, b'A' | b'B') {
            return None;
        }
        Some(if self.side == b'A' { Side::Ask } else { Side::Bid })
    }

    /// The price in its unit.
    #[inline]
    #[must_use]
    pub const fn price(&self) -> Price {
        Price(self.price)
    }

    /// The flag byte as a set.
    #[inline]
    #[must_use]
    pub const fn flags(&self) -> Flags {
        Flags(self.flags)
    }

    /// The book this record belongs to.
    #[inline]
    #[must_use]
    pub const fn key(&self) -> BookKey {
        BookKey { publisher_id: self.publisher_id, instrument_id: self.instrument_id }
    }

    /// Capture time in its unit.
    #[inline]
    #[must_use]
    pub const fn ts_recv(&self) -> Nanos {
        Nanos(self.ts_recv)
    }
}

impl Default for MboRecord {
    /// An N record without content, to build others from.
    fn default() -> Self {
        Self {
            length: Self::WORDS,
            rtype: Self::RTYPE,
            publisher_id: 0,
            instrument_id: 0,
            ts_event: 0,
            order_id: 0,
            price: i64::MAX,
            size: 0,
            flags: 0,
            channel_id: 0,
            action: b'N',
            side: b'N',
            ts_recv: 0,
            ts_in_delta: 0,
            sequence: 0,
        }
    }
}

impl fmt::Debug for MboRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{} {}:{} order {} {} x {} flags {} @{}",
            self.action as char,
            self.side as char,
            self.publisher_id,
            self.instrument_id,
            self.order_id,
            self.price(),
            self.size,
            self.flags,
            self.ts_recv
        )
    }
}

/// What a record says happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Action {
    /// `A`: an order enters its queue.
    Add = b'A',
    /// `C`: quantity leaves an order.
    Cancel = b'C',
    /// `M`: an order's full new state.
    Modify = b'M',
    /// `R`: the book empties.
    Clear = b'R',
    /// `T`: an aggressor traded.
    Trade = b'T',
    /// `F`: a resting order was filled.
    Fill = b'F',
    /// `N`: nothing, though flags may matter.
    None = b'N',
}

impl Action {
    /// The action of an ASCII code.
    #[inline]
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            b'A' => Some(Self::Add),
            b'C' => Some(Self::Cancel),
            b'M' => Some(Self::Modify),
            b'R' => Some(Self::Clear),
            b'T' => Some(Self::Trade),
            b'F' => Some(Self::Fill),
            b'N' => Some(Self::None),
            _ => None,
        }
    }
}

/// Side of the book.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Serialize)]
pub enum Side {
    /// Buy orders, best is highest.
    #[serde(rename = "B")]
    Bid,
    /// Sell orders, best is lowest.
    #[serde(rename = "A")]
    Ask,
}

impl Side {
    /// DBN's ASCII code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Bid => b'B',
            Self::Ask => b'A',
        }
    }

    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Bid => Self::Ask,
            Self::Ask => Self::Bid,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bid => "bid",
            Self::Ask => "ask",
        })
    }
}

/// What a book is keyed by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize)]
pub struct BookKey {
    /// Who published the records.
    pub publisher_id: u16,
    /// The instrument.
    pub instrument_id: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_dbns() {
        assert_eq!(MboRecord::SIZE, 56);
        assert_eq!(MboRecord::SIZE, size_of::<dbn::MboMsg>());
        assert_eq!(align_of::<MboRecord>(), align_of::<dbn::MboMsg>());
        assert_eq!(std::mem::offset_of!(MboRecord, order_id), std::mem::offset_of!(dbn::MboMsg, order_id));
        assert_eq!(std::mem::offset_of!(MboRecord, price), std::mem::offset_of!(dbn::MboMsg, price));
        assert_eq!(std::mem::offset_of!(MboRecord, flags), std::mem::offset_of!(dbn::MboMsg, flags));
        assert_eq!(std::mem::offset_of!(MboRecord, side), std::mem::offset_of!(dbn::MboMsg, side));
        assert_eq!(std::mem::offset_of!(MboRecord, ts_recv), std::mem::offset_of!(dbn::MboMsg, ts_recv));
        assert_eq!(std::mem::offset_of!(MboRecord, sequence), std::mem::offset_of!(dbn::MboMsg, sequence));
    }
}
