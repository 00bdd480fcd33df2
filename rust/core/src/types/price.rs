//! Prices and times: the two quantities that carry a unit.

use std::fmt;

use serde::{Serialize, Serializer};

/// Price in units of 1e-9 of the quote currency, as in DBN. [`Price::UNDEF`] is "no price".
///
/// Serializes as a string of those units: JavaScript has no 64-bit integers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(pub i64);

impl Price {
    /// DBN's `UNDEF_PRICE`.
    pub const UNDEF: Self = Self(i64::MAX);
    /// Units in one whole.
    pub const SCALE: i64 = 1_000_000_000;

    /// Whether this is a price at all.
    #[inline]
    #[must_use]
    pub const fn is_defined(self) -> bool {
        self.0 != i64::MAX
    }

    /// The price as a decimal for people. Exact below 2^53 units, rounded above.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / Self::SCALE as f64
    }
}

impl fmt::Display for Price {
    /// Exact decimal, without trailing zeros beyond the second decimal: `65.40`, `5214.25`, `0.0000001`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_defined() {
            return f.write_str("no price");
        }
        let sign = if self.0 < 0 { "-" } else { "" };
        let units = self.0.unsigned_abs();
        let scale = Self::SCALE.unsigned_abs();
        let decimals = format!("{:09}", units % scale);
        let kept = decimals.trim_end_matches('0').len().max(2);
        write!(f, "{sign}{}.{}", units / scale, &decimals[..kept])
    }
}

impl fmt::Debug for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Time in nanoseconds since the UNIX epoch, UTC. [`Nanos::UNDEF`] is "no time".
///
/// Serializes as a string, like [`Price`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Nanos(pub u64);

impl Nanos {
    /// DBN's `UNDEF_TIMESTAMP`.
    pub const UNDEF: Self = Self(u64::MAX);
    /// Nanoseconds in a UTC day.
    pub const DAY: u64 = 86_400_000_000_000;
}

impl fmt::Display for Nanos {
    /// ISO 8601 with all nine decimals: `2025-09-24T19:30:00.000000000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::UNDEF {
            return f.write_str("no time");
        }
        match time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0)) {
            Ok(at) => write!(
                f,
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z",
                at.year(),
                u8::from(at.month()),
                at.day(),
                at.hour(),
                at.minute(),
                at.second(),
                at.nanosecond()
            ),
            Err(_) => write!(f, "ns:{}", self.0),
        }
    }
}

impl Serialize for Nanos {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_print_exactly() {
        assert_eq!(Price(65_400_000_000).to_string(), "65.40");
        assert_eq!(Price(5_214_250_000_000).to_string(), "5214.25");
        assert_eq!(Price(100).to_string(), "0.0000001");
        assert_eq!(Price(-37_630_000_000).to_string(), "-37.63");
        assert_eq!(Price(i64::MIN).to_string(), "-9223372036.854775808");
        assert_eq!(Price::UNDEF.to_string(), "no price");
    }

    #[test]
    fn times_print_as_iso_8601() {
        assert_eq!(Nanos(1_758_742_200_000_000_001).to_string(), "2025-09-24T19:30:00.000000001Z");
        assert_eq!(Nanos::UNDEF.to_string(), "no time");
    }
}
