//! The schemas that can be derived from MBO.

use super::layout::{self, Column};
use crate::error::{Error, Result};

/// A derived schema, named and laid out as Databento's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Schema {
    /// Every trade and every change of the best prices.
    Mbp1,
    /// Every trade and every change within ten levels.
    Mbp10,
    /// Every trade, with the best prices before it.
    Tbbo,
    /// Every trade.
    Trades,
    /// Best prices and the last trade, every second.
    Bbo1S,
    /// Best prices and the last trade, every minute.
    Bbo1M,
    /// Bars of a second.
    Ohlcv1S,
    /// Bars of a minute.
    Ohlcv1M,
    /// Bars of an hour.
    Ohlcv1H,
    /// Bars of a UTC day.
    Ohlcv1D,
}

const SECOND: u64 = 1_000_000_000;

impl Schema {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Mbp1,
        Self::Mbp10,
        Self::Tbbo,
        Self::Trades,
        Self::Bbo1S,
        Self::Bbo1M,
        Self::Ohlcv1S,
        Self::Ohlcv1M,
        Self::Ohlcv1H,
        Self::Ohlcv1D,
    ];

    /// The schema of a name.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the choices.
    pub fn named(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|schema| schema.name() == name).ok_or_else(|| Error::Parameter {
            name: "schema",
            value: name.to_owned(),
            expected: format!("derived schemas are {}", Self::ALL.map(Self::name).join(", ")),
        })
    }

    /// Its name, as Databento spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mbp1 => "mbp-1",
            Self::Mbp10 => "mbp-10",
            Self::Tbbo => "tbbo",
            Self::Trades => "trades",
            Self::Bbo1S => "bbo-1s",
            Self::Bbo1M => "bbo-1m",
            Self::Ohlcv1S => "ohlcv-1s",
            Self::Ohlcv1M => "ohlcv-1m",
            Self::Ohlcv1H => "ohlcv-1h",
            Self::Ohlcv1D => "ohlcv-1d",
        }
    }

    /// The record type in its rows' headers.
    #[must_use]
    pub const fn rtype(self) -> u8 {
        match self {
            Self::Trades => 0,
            Self::Mbp1 | Self::Tbbo => 1,
            Self::Mbp10 => 10,
            Self::Ohlcv1S => 32,
            Self::Ohlcv1M => 33,
            Self::Ohlcv1H => 34,
            Self::Ohlcv1D => 35,
            Self::Bbo1S => 195,
            Self::Bbo1M => 196,
        }
    }

    /// Bytes of a row.
    #[must_use]
    pub const fn row_size(self) -> usize {
        match self {
            Self::Trades => 48,
            Self::Mbp1 | Self::Tbbo | Self::Bbo1S | Self::Bbo1M => 80,
            Self::Mbp10 => 368,
            Self::Ohlcv1S | Self::Ohlcv1M | Self::Ohlcv1H | Self::Ohlcv1D => 56,
        }
    }

    /// The columns of a row, in the order in which Databento prints them.
    #[must_use]
    pub const fn layout(self) -> &'static [Column] {
        match self {
            Self::Trades => layout::TRADES,
            Self::Mbp1 | Self::Tbbo => layout::MBP_1,
            Self::Mbp10 => layout::MBP_10,
            Self::Bbo1S | Self::Bbo1M => layout::BBO,
            Self::Ohlcv1S | Self::Ohlcv1M | Self::Ohlcv1H | Self::Ohlcv1D => layout::OHLCV,
        }
    }

    /// Nanoseconds of the interval a row stands for; `None` where rows follow events.
    #[must_use]
    pub const fn interval(self) -> Option<u64> {
        match self {
            Self::Mbp1 | Self::Mbp10 | Self::Tbbo | Self::Trades => None,
            Self::Bbo1S | Self::Ohlcv1S => Some(SECOND),
            Self::Bbo1M | Self::Ohlcv1M => Some(60 * SECOND),
            Self::Ohlcv1H => Some(3_600 * SECOND),
            Self::Ohlcv1D => Some(86_400 * SECOND),
        }
    }
}
