//! Records of other types in the layouts of the current version of DBN, whatever version they were read in.

use dbn::VersionUpgradePolicy;
use dbn::decode::dbn::fsm::{DbnFsm, ProcessResult};
use dbn::enums::{RType, SType};

use super::Metadata;
use super::aside::before_zero;
use crate::error::{Error, Result};
use crate::types::{Nanos, TS_OUT};

/// Types of records beside a tape that are schemas of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum AsideKind {
    /// What an instrument is.
    Definition,
    /// Whether it trades.
    Status,
    /// What the venue computes.
    Statistics,
    /// What an auction lacks.
    Imbalance,
}

impl AsideKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Definition, Self::Status, Self::Statistics, Self::Imbalance];

    /// The schema's name in DBN.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Definition => "definition",
            Self::Status => "status",
            Self::Statistics => "statistics",
            Self::Imbalance => "imbalance",
        }
    }

    /// The kind of a record's bytes, if it is one of these.
    #[must_use]
    pub fn of(record: &[u8]) -> Option<Self> {
        match RType::try_from(*record.get(1)?).ok()? {
            RType::InstrumentDef => Some(Self::Definition),
            RType::Status => Some(Self::Status),
            RType::Statistics => Some(Self::Statistics),
            RType::Imbalance => Some(Self::Imbalance),
            _ => None,
        }
    }

    /// Bytes of a record in a version.
    const fn size(self, version: u8) -> usize {
        match (self, version) {
            (Self::Definition, 1) => size_of::<dbn::v1::InstrumentDefMsg>(),
            (Self::Definition, 2) => size_of::<dbn::v2::InstrumentDefMsg>(),
            (Self::Definition, _) => size_of::<dbn::v3::InstrumentDefMsg>(),
            (Self::Statistics, 1 | 2) => size_of::<dbn::v1::StatMsg>(),
            (Self::Statistics, _) => size_of::<dbn::v3::StatMsg>(),
            (Self::Status, _) => size_of::<dbn::v3::StatusMsg>(),
            (Self::Imbalance, _) => size_of::<dbn::v3::ImbalanceMsg>(),
        }
    }
}

/// Brings records beside a tape into the layouts of version 3.
#[derive(Debug)]
pub struct Upgrade {
    fsm: DbnFsm,
    version: u8,
    ts_out: bool,
    plain: Vec<u8>,
}

impl Upgrade {
    /// For the records of a stream that begins with this.
    ///
    /// # Errors
    /// [`Error::Invariant`] for a version that cannot have been read.
    pub fn of(metadata: &Metadata) -> Result<Self> {
        let version = metadata.version();
        let refused = |error: dbn::Error| Error::Invariant(error.to_string());
        let fsm = DbnFsm::builder()
            .skip_metadata(true)
            .input_dbn_version(Some(version))
            .map_err(refused)?
            .upgrade_policy(VersionUpgradePolicy::UpgradeToV3)
            .build()
            .map_err(refused)?;
        Ok(Self { fsm, version, ts_out: metadata.ts_out(), plain: Vec::new() })
    }

    /// Whether it is for the records of a stream that begins with this.
    #[must_use]
    pub fn is_for(&self, metadata: &Metadata) -> bool {
        (self.version, self.ts_out) == (metadata.version(), metadata.ts_out())
    }

    /// A record as version 3 has it, without a `ts_out` of its own. `None` for one of another kind, or whose length is not
    /// that of its kind: nobody could read it.
    pub fn current(&mut self, record: &[u8]) -> Option<&[u8]> {
        let kind = AsideKind::of(record)?;
        let length = record.len().checked_sub(if self.ts_out { TS_OUT } else { 0 })?;
        let record = record.get(..length).filter(|record| record.len() == kind.size(self.version))?;
        self.plain.clear();
        self.plain.extend_from_slice(record);
        *self.plain.first_mut()? = (record.len() / 4) as u8;
        if kind.size(self.version) == kind.size(3) {
            return Some(&self.plain);
        }
        self.fsm.write_all(&self.plain);
        match self.fsm.process() {
            ProcessResult::Record(()) => self.fsm.last_record().map(|record| {
                self.plain.clear();
                self.plain.extend_from_slice(record.as_ref());
                self.plain.as_slice()
            }),
            _ => None,
        }
    }
}

/// What a definition says of an instrument that a parent symbol needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Definition {
    /// The id.
    pub instrument_id: u32,
    /// The venue's symbol.
    pub raw_symbol: String,
    /// The product, such as `ES`.
    pub asset: String,
    /// One letter, such as `F` for a future.
    pub instrument_class: char,
}

impl Definition {
    /// What the bytes of a definition of version 3 say.
    #[must_use]
    pub fn of(record: &[u8]) -> Option<Self> {
        use std::mem::offset_of;
        type Message = dbn::v3::InstrumentDefMsg;
        let record = record
            .get(..size_of::<Message>())
            .filter(|_| AsideKind::of(record) == Some(AsideKind::Definition))?;
        let text = |at: usize, length: usize| {
            let raw = before_zero(record.get(at..at + length)?);
            Some(String::from_utf8_lossy(raw).into_owned())
        };
        Some(Self {
            instrument_id: u32::from_le_bytes(record.get(4..8)?.try_into().ok()?),
            raw_symbol: text(offset_of!(Message, raw_symbol), dbn::v3::SYMBOL_CSTR_LEN)?,
            asset: text(offset_of!(Message, asset), dbn::v3::ASSET_CSTR_LEN)?,
            instrument_class: char::from(*record.get(offset_of!(Message, instrument_class))?),
        })
    }
}

/// The bytes of a record that says what an id means from a moment on; `None` for a symbol that is longer than DBN allows.
#[must_use]
pub fn symbol_mapping(instrument_id: u32, symbol: &str, ts: Nanos) -> Option<Vec<u8>> {
    let raw = SType::RawSymbol;
    let (start, end) = (ts.0, Nanos::UNDEF.0);
    let record =
        dbn::v3::SymbolMappingMsg::new(instrument_id, ts.0, raw, symbol, raw, symbol, start, end).ok()?;
    Some(record.as_ref().to_vec())
}
