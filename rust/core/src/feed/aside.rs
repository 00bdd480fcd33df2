//! Records of other types than MBO: kept whole beside the tape, understood where a book needs them.

use dbn::enums::RType;

use crate::types::Price;

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
}

/// Where the fields of a symbol mapping are: version 1 has shorter symbols and no types beside them.
struct SymbolLayout {
    out_symbol: usize,
    symbol_length: usize,
}

const SYMBOL_V1: SymbolLayout = SymbolLayout { out_symbol: 38, symbol_length: 22 };
const SYMBOL_V2: SymbolLayout = SymbolLayout { out_symbol: 89, symbol_length: 71 };
const STAT_PRICE: usize = 32;
/// The quantity grew from 4 to 8 bytes in version 3, and what follows it moved.
const STAT_TYPE_V1: usize = 52;
const STAT_TYPE_V3: usize = 56;
const SETTLEMENT_PRICE: u16 = 3;

/// Public names of the types that records beside a tape have.
pub const TYPE_NAMES: [&str; 8] =
    ["status", "definition", "imbalance", "error", "symbol_mapping", "system", "statistics", "other"];

impl Aside {
    pub(super) fn new(index: u64, version: u8, bytes: &[u8]) -> Self {
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
            RType::SymbolMapping => {
                let layout = if self.version == 1 { SYMBOL_V1 } else { SYMBOL_V2 };
                let raw = self.bytes.get(layout.out_symbol..layout.out_symbol + layout.symbol_length)?;
                let end = raw.iter().position(|&byte| byte == 0).unwrap_or(raw.len());
                let symbol = std::str::from_utf8(&raw[..end]).ok().filter(|symbol| !symbol.is_empty())?;
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

    fn field<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.bytes.get(at..at + N)?.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;

    #[test]
    fn the_layouts_are_dbns() {
        assert_eq!(SYMBOL_V1.out_symbol, offset_of!(dbn::v1::SymbolMappingMsg, stype_out_symbol));
        assert_eq!(SYMBOL_V2.out_symbol, offset_of!(dbn::v2::SymbolMappingMsg, stype_out_symbol));
        assert_eq!(STAT_PRICE, offset_of!(dbn::v1::StatMsg, price));
        assert_eq!(STAT_PRICE, offset_of!(dbn::v3::StatMsg, price));
        assert_eq!(STAT_TYPE_V1, offset_of!(dbn::v1::StatMsg, stat_type));
        assert_eq!(STAT_TYPE_V3, offset_of!(dbn::v3::StatMsg, stat_type));
        assert_eq!(SETTLEMENT_PRICE, dbn::enums::StatType::SettlementPrice as u16);
    }
}
