//! Records of other types than MBO: kept whole beside the tape, understood where a book needs them.

use dbn::enums::{ErrorCode, RType};

use crate::types::{BookKey, Nanos, Price};

/// A record of another type, and the MBO record it precedes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Aside {
    /// Index of the MBO record that follows it.
    pub index: u64,
    /// DBN version of its layout.
    version: u8,
    bytes: Box<[u8]>,
}

/// What an aside record says that changes how MBO records are read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AsideFact {
    /// From here on this id means this symbol.
    Symbol {
        /// The id.
        instrument_id: u32,
        /// The symbol.
        symbol: String,
    },
    /// The prior settlement price, reference of an opening auction.
    Settlement {
        /// Who published it.
        publisher_id: u16,
        /// The instrument.
        instrument_id: u32,
        /// The price.
        price: Price,
    },
    /// Records that should be here are not.
    Missing {
        /// Of which book; of any where it does not say.
        of: Option<BookKey>,
        /// What it says of them.
        text: String,
    },
}

/// Where the fields of a symbol mapping are: version 1 has shorter symbols and no types beside them.
struct SymbolLayout {
    out_symbol: usize,
    symbol_length: usize,
}

const SYMBOL_V1: SymbolLayout = SymbolLayout { out_symbol: 38, symbol_length: 22 };
const SYMBOL_V2: SymbolLayout = SymbolLayout { out_symbol: 89, symbol_length: 71 };
/// An error's text, and its code, which version 1 does not have.
const ERROR_TEXT: usize = 16;
const ERROR_TEXT_LENGTH_V1: usize = 64;
const ERROR_TEXT_LENGTH: usize = 302;
const ERROR_CODE: usize = ERROR_TEXT + ERROR_TEXT_LENGTH;
/// The text of a system message is a byte longer.
const SYSTEM_CODE: usize = ERROR_CODE + 1;
/// How the text of a gap begins that was noticed here.
const GAP: &str = "gap: ";
const STAT_PRICE: usize = 32;
/// The quantity grew from 4 to 8 bytes in version 3, and what follows it moved.
const STAT_TYPE_V1: usize = 52;
const STAT_TYPE_V3: usize = 56;
const SETTLEMENT_PRICE: u16 = 3;

/// Public names of the types that records beside a tape have.
pub const TYPE_NAMES: [&str; 8] =
    ["status", "definition", "imbalance", "error", "symbol_mapping", "system", "statistics", "other"];

impl Aside {
    /// A record before the MBO record of an index, in the layout of a version of DBN.
    #[must_use]
    pub fn new(index: u64, version: u8, bytes: &[u8]) -> Self {
        Self { index, version, bytes: bytes.into() }
    }

    /// The record's bytes as they were read.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn rtype(&self) -> Option<RType> {
        self.bytes.get(1).and_then(|&rtype| RType::try_from(rtype).ok())
    }

    /// The type's public name, such as `symbol_mapping`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self.rtype() {
            Some(RType::Status) => "status",
            Some(RType::InstrumentDef) => "definition",
            Some(RType::Imbalance) => "imbalance",
            Some(RType::Error) => "error",
            Some(RType::SymbolMapping) => "symbol_mapping",
            Some(RType::System) => "system",
            Some(RType::Statistics) => "statistics",
            _ => "other",
        }
    }

    /// What the record says about the MBO records after it, if anything.
    #[must_use]
    pub fn fact(&self) -> Option<AsideFact> {
        let publisher_id = u16::from_le_bytes(self.field(2)?);
        let instrument_id = u32::from_le_bytes(self.field(4)?);
        match self.rtype()? {
            RType::Error => {
                let text = self.text()?;
                let skipped = ErrorCode::SkippedRecordsAfterSlowReading as u8;
                let is_missing = self.code().map_or_else(|| text.starts_with(GAP), |code| code == skipped);
                let of =
                    Some(BookKey { publisher_id, instrument_id }).filter(|key| *key != BookKey::default());
                is_missing.then_some(AsideFact::Missing { of, text })
            }
            RType::SymbolMapping => {
                let layout = if self.version == 1 { SYMBOL_V1 } else { SYMBOL_V2 };
                let raw = self.bytes.get(layout.out_symbol..layout.out_symbol + layout.symbol_length)?;
                let symbol = text_of(raw).filter(|symbol| !symbol.is_empty())?;
                Some(AsideFact::Symbol { instrument_id, symbol: symbol.to_owned() })
            }
            RType::Statistics => {
                let place = if self.version == 3 { STAT_TYPE_V3 } else { STAT_TYPE_V1 };
                let price = Price(i64::from_le_bytes(self.field(STAT_PRICE)?));
                let is_settlement = u16::from_le_bytes(self.field(place)?) == SETTLEMENT_PRICE;
                (is_settlement && price.is_defined()).then_some(AsideFact::Settlement {
                    publisher_id,
                    instrument_id,
                    price,
                })
            }
            _ => None,
        }
    }

    /// The text of an error or a system message.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let length = if self.version == 1 { ERROR_TEXT_LENGTH_V1 } else { ERROR_TEXT_LENGTH };
        self.bytes.get(ERROR_TEXT..ERROR_TEXT + length).and_then(text_of).map(str::to_owned)
    }

    /// The code of an error, or of a system message; version 1 has none.
    #[must_use]
    pub fn code(&self) -> Option<u8> {
        let place = if self.rtype() == Some(RType::System) { SYSTEM_CODE } else { ERROR_CODE };
        if self.version == 1 { None } else { self.bytes.get(place).copied() }
    }

    fn field<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.bytes.get(at..at + N)?.try_into().ok()
    }
}

/// Text that ends with a zero byte, or with its field.
fn text_of(raw: &[u8]) -> Option<&str> {
    std::str::from_utf8(before_zero(raw)).ok()
}

/// The bytes of a field that its text has.
pub(super) fn before_zero(raw: &[u8]) -> &[u8] {
    raw.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// The record that says that records are missing from here on: an error of version 1, or of 2 and 3.
#[must_use]
pub fn encode_gap(version: u8, of: Option<BookKey>, ts: Nanos, what: &str) -> Vec<u8> {
    let size = if version == 1 { ERROR_TEXT + ERROR_TEXT_LENGTH_V1 } else { ERROR_CODE + 2 };
    let BookKey { publisher_id, instrument_id } = of.unwrap_or_default();
    let mut record = vec![(size / 4) as u8, RType::Error as u8];
    record.extend(publisher_id.to_le_bytes());
    record.extend(instrument_id.to_le_bytes());
    record.extend(ts.0.to_le_bytes());
    let room = if version == 1 { ERROR_TEXT_LENGTH_V1 } else { ERROR_TEXT_LENGTH } - 1;
    record.extend(GAP.bytes().chain(what.bytes()).take(room));
    record.resize(size, 0);
    if let Some([code, is_last]) = record.get_mut(ERROR_CODE..ERROR_CODE + 2) {
        (*code, *is_last) = (ErrorCode::SkippedRecordsAfterSlowReading as u8, 1);
    }
    record
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;

    #[test]
    fn the_layouts_are_dbns() {
        assert_eq!(SYMBOL_V1.out_symbol, offset_of!(dbn::v1::SymbolMappingMsg, stype_out_symbol));
        assert_eq!(SYMBOL_V2.out_symbol, offset_of!(dbn::v2::SymbolMappingMsg, stype_out_symbol));
        assert_eq!(ERROR_TEXT, offset_of!(dbn::v1::ErrorMsg, err));
        assert_eq!(ERROR_CODE, offset_of!(dbn::v2::ErrorMsg, code));
        assert_eq!(SYSTEM_CODE, offset_of!(dbn::SystemMsg, code));
        assert_eq!(STAT_PRICE, offset_of!(dbn::v1::StatMsg, price));
        assert_eq!(STAT_PRICE, offset_of!(dbn::v3::StatMsg, price));
        assert_eq!(STAT_TYPE_V1, offset_of!(dbn::v1::StatMsg, stat_type));
        assert_eq!(STAT_TYPE_V3, offset_of!(dbn::v3::StatMsg, stat_type));
        assert_eq!(SETTLEMENT_PRICE, dbn::enums::StatType::SettlementPrice as u16);
    }

    #[test]
    fn a_gap_is_read_as_it_was_written() {
        let of = Some(BookKey { publisher_id: 1, instrument_id: 7 });
        for (version, size) in [(1, size_of::<dbn::v1::ErrorMsg>()), (3, size_of::<dbn::v2::ErrorMsg>())] {
            for of in [of, None] {
                let bytes = encode_gap(version, of, Nanos(5), "records are missing");
                assert_eq!(bytes.len(), size);
                let text = "gap: records are missing".to_owned();
                assert_eq!(Aside::new(0, version, &bytes).fact(), Some(AsideFact::Missing { of, text }));
            }
        }
    }
}
