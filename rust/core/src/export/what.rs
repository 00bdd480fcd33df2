//! Which rows of a tape are wanted.

use crate::derive::{Column, DeriveOptions, Kind, MBO, Schema};
use crate::error::{Error, Result};
use crate::types::{MboRecord, Nanos};

/// The rows of a schema, or the MBO records themselves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// The records as they are.
    Mbo,
    /// Rows made of them.
    Derived(Schema),
}

impl What {
    /// The schema of a name, `mbo` among them.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the choices.
    pub fn named(name: &str) -> Result<Self> {
        if name == "mbo" {
            return Ok(Self::Mbo);
        }
        Schema::named(name).map(Self::Derived).map_err(|_| Error::Parameter {
            name: "schema",
            value: name.to_owned(),
            expected: format!("schemas are {}, and mbo as it is", Schema::ALL.map(Schema::name).join(", ")),
        })
    }

    /// The schema's name in DBN.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mbo => "mbo",
            Self::Derived(schema) => schema.name(),
        }
    }

    /// Bytes of a row.
    #[must_use]
    pub const fn row_size(self) -> usize {
        match self {
            Self::Mbo => MboRecord::SIZE,
            Self::Derived(schema) => schema.row_size(),
        }
    }

    /// The columns of a row, in the order in which they are shown.
    #[must_use]
    pub const fn layout(self) -> &'static [Column] {
        match self {
            Self::Mbo => MBO,
            Self::Derived(schema) => schema.layout(),
        }
    }

    pub(super) const fn interval(self) -> Option<u64> {
        match self {
            Self::Mbo => None,
            Self::Derived(schema) => schema.interval(),
        }
    }

    /// The column that says when: the first, as they are shown.
    fn clock(self) -> Option<&'static Column> {
        self.layout().iter().find(|column| column.kind == Kind::Time)
    }

    /// When a row is.
    #[inline]
    pub(super) fn time(self, row: &[u8]) -> Nanos {
        self.clock().map_or(Nanos::UNDEF, |column| Nanos(u64::from_le_bytes(field(row, column.offset))))
    }

    /// The last moment that a row tells of: a bar's time is its beginning, all others are their end.
    #[inline]
    pub(super) fn last_moment(self, row: &[u8]) -> Nanos {
        let is_begin = self.clock().is_some_and(|column| column.name == "ts_event");
        let rest = self.interval().filter(|_| is_begin).map_or(0, |length| length - 1);
        Nanos(self.time(row).0.saturating_add(rest))
    }
}

/// Which rows of a tape.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Of which schema.
    pub what: What,
    /// What datasets do differently.
    pub options: DeriveOptions,
    /// The position from which on records bring rows. The books are those of the whole tape.
    pub start: u64,
    /// The position up to which records are read; an interval it cuts is a row as far as it came.
    pub stop: u64,
    /// Rows of intervals are left out where their time is before this.
    pub since: Nanos,
    /// Of one instrument only.
    pub instrument_id: Option<u32>,
    /// Of one publisher only.
    pub publisher_id: Option<u16>,
    /// At most so many rows.
    pub limit: Option<u64>,
}

impl Wanted {
    #[inline]
    pub(super) fn takes(&self, record: &MboRecord) -> bool {
        self.instrument_id.is_none_or(|id| record.instrument_id == id)
            && self.publisher_id.is_none_or(|id| record.publisher_id == id)
    }
}

/// A field of a row; rows are whole, so there is always one.
#[inline]
#[must_use]
pub fn field<const N: usize>(row: &[u8], at: usize) -> [u8; N] {
    row.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}
