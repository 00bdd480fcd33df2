//! The metadata at the head of a DBN stream.

use std::collections::HashMap;
use std::io::Read;

use dbn::decode::dbn::MetadataDecoder;
use dbn::encode::dbn::MetadataEncoder;
use dbn::{Publisher, SType, Schema, VersionUpgradePolicy};

use super::source::Source;
use crate::error::Fault;
use crate::types::Nanos;

const PRELUDE: usize = 8;
/// The fields of fixed size, the smallest of the three versions.
const SMALLEST: usize = 100;
/// A day of every instrument of the largest venues stays far below.
const LARGEST: usize = 1 << 30;

/// A DBN stream's metadata, and its bytes as they were.
#[derive(Clone, Debug)]
pub struct Metadata {
    decoded: dbn::Metadata,
    raw: Vec<u8>,
}

/// For how long an instrument id means a symbol: `start` inclusive, `end` exclusive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interval {
    /// The id.
    pub instrument_id: u32,
    /// The symbol.
    pub symbol: String,
    /// First moment.
    pub start: Nanos,
    /// First moment after.
    pub end: Nanos,
}

impl Metadata {
    /// Metadata for records made here: schema MBO, version 3, symbols valid for the given range.
    ///
    /// # Errors
    /// [`Fault::Metadata`] if a symbol is longer than DBN allows.
    pub fn for_mbo(
        dataset: &str,
        symbols: &[(u32, String)],
        start: Nanos,
        end: Nanos,
    ) -> Result<Self, Fault> {
        let first_day = date_of(start);
        let day_after = date_of(end).next_day().unwrap_or(time::Date::MAX);
        let mappings = symbols.iter().map(|(id, symbol)| dbn::SymbolMapping {
            raw_symbol: symbol.clone(),
            intervals: vec![dbn::MappingInterval {
                start_date: first_day,
                end_date: day_after,
                symbol: id.to_string(),
            }],
        });
        let decoded = dbn::Metadata::builder()
            .dataset(dataset)
            .schema(Some(Schema::Mbo))
            .start(start.0)
            .end(std::num::NonZeroU64::new(end.0))
            .stype_in(Some(SType::RawSymbol))
            .stype_out(SType::InstrumentId)
            .symbols(symbols.iter().map(|(_, symbol)| symbol.clone()).collect())
            .mappings(mappings.collect())
            .build();
        Self::encode(decoded)
    }

    /// Metadata of rows derived from this stream: another schema, version 3, without `ts_out`.
    ///
    /// Symbols stay what they were. `names` adds what ids meant that the metadata did not know, as mapping records say
    /// it; in metadata a meaning lasts whole days. `end` is exclusive.
    ///
    /// # Errors
    /// [`Fault::Metadata`] for a schema that DBN does not have, or a symbol longer than it allows.
    pub fn derived(&self, schema: &str, names: &[Interval], start: Nanos, end: Nanos) -> Result<Self, Fault> {
        let mut decoded = self.decoded.clone();
        decoded.upgrade(VersionUpgradePolicy::UpgradeToV3);
        decoded.schema = Some(schema.parse().map_err(|error| damaged(&error))?);
        (decoded.start, decoded.end) = (start.0, std::num::NonZeroU64::new(end.0));
        (decoded.limit, decoded.ts_out) = (None, false);
        // A live stream maps from whatever was asked for; its mapping records name raw symbols.
        let stype_in = *decoded.stype_in.get_or_insert(SType::RawSymbol);
        let known = self.intervals();
        let is_known = |id| known.binary_search_by_key(&id, |interval| interval.instrument_id).is_ok();
        let mappings = decoded.mappings.iter().enumerate();
        let mut slots: HashMap<String, usize> =
            mappings.map(|(slot, mapping)| (mapping.raw_symbol.clone(), slot)).collect();
        for name in names.iter().filter(|name| !is_known(name.instrument_id)) {
            let (mut from, mut to) = (name.symbol.clone(), name.instrument_id.to_string());
            if stype_in == SType::InstrumentId {
                std::mem::swap(&mut from, &mut to);
            }
            let interval = dbn::MappingInterval {
                start_date: date_of(name.start),
                end_date: day_after(name.end),
                symbol: to,
            };
            let slot = *slots.entry(from.clone()).or_insert_with(|| {
                decoded.symbols.push(from.clone());
                decoded.mappings.push(dbn::SymbolMapping { raw_symbol: from, intervals: Vec::new() });
                decoded.mappings.len() - 1
            });
            decoded.mappings[slot].intervals.push(interval);
        }
        Self::encode(decoded)
    }

    fn encode(decoded: dbn::Metadata) -> Result<Self, Fault> {
        let mut raw = Vec::new();
        MetadataEncoder::new(&mut raw).encode(&decoded).map_err(|error| damaged(&error))?;
        Ok(Self { decoded, raw })
    }

    pub(super) fn read<R: Read>(source: &mut Source<'_, R>) -> Result<Self, Fault> {
        source.fill_to(PRELUDE)?;
        if source.pending().is_empty() {
            return Err(Fault::Empty);
        }
        let Some(whole) = whole_size(source.pending())? else {
            return Err(metadata_ends(source.pending().len(), PRELUDE));
        };
        source.fill_to(whole)?;
        let Some((metadata, whole)) = Self::at_head(source.pending())? else {
            return Err(metadata_ends(source.pending().len(), whole));
        };
        source.consume(whole);
        Ok(metadata)
    }

    /// Metadata of MBO records at the head of bytes, and how many of them it takes; `None` where there are too few.
    ///
    /// # Errors
    /// [`Fault::Magic`], [`Fault::Version`], [`Fault::Metadata`] or [`Fault::Schema`] for bytes that are none.
    pub fn at_head(bytes: &[u8]) -> Result<Option<(Self, usize)>, Fault> {
        let Some(raw) = whole_size(bytes)?.and_then(|whole| bytes.get(..whole)) else { return Ok(None) };
        match Self::from_raw(raw)? {
            Self { decoded: dbn::Metadata { schema: Some(other), .. }, .. } if other != Schema::Mbo => {
                Err(Fault::Schema { found: other.to_string() })
            }
            metadata => Ok(Some((metadata, raw.len()))),
        }
    }

    /// Metadata of any schema from its bytes.
    ///
    /// # Errors
    /// [`Fault::Metadata`] if they are none.
    pub fn from_raw(raw: &[u8]) -> Result<Self, Fault> {
        let decoded =
            MetadataDecoder::<_, dbn::RecordHeader>::with_upgrade_policy(raw, VersionUpgradePolicy::AsIs)
                .decode()
                .map_err(|error| damaged(&error))?;
        Ok(Self { decoded, raw: raw.to_vec() })
    }

    /// The bytes at the head of the stream, as they were.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// DBN version, 1 to 3.
    #[must_use]
    pub const fn version(&self) -> u8 {
        self.decoded.version
    }

    /// The dataset's code, such as `GLBX.MDP3`.
    #[must_use]
    pub fn dataset(&self) -> &str {
        &self.decoded.dataset
    }

    /// Whether every record carries the time it was sent.
    #[must_use]
    pub const fn ts_out(&self) -> bool {
        self.decoded.ts_out
    }

    /// What every instrument id meant and when, sorted by id and start. Works for both directions of mapping.
    #[must_use]
    pub fn intervals(&self) -> Vec<Interval> {
        let id_is_input = self.decoded.stype_in == Some(SType::InstrumentId);
        let mut intervals = Vec::new();
        for mapping in &self.decoded.mappings {
            for interval in &mapping.intervals {
                let (id, symbol) = if id_is_input {
                    (&mapping.raw_symbol, &interval.symbol)
                } else {
                    (&interval.symbol, &mapping.raw_symbol)
                };
                // Unresolved stretches carry an empty symbol; other output types carry no id.
                if let (Ok(instrument_id), false) = (id.parse(), symbol.is_empty()) {
                    intervals.push(Interval {
                        instrument_id,
                        symbol: symbol.clone(),
                        start: midnight(interval.start_date),
                        end: midnight(interval.end_date),
                    });
                }
            }
        }
        intervals.sort_by_key(|interval| (interval.instrument_id, interval.start));
        intervals
    }

    /// What ids mean from the beginning, and what some come to mean later.
    #[must_use]
    pub fn meanings(&self) -> (Vec<Interval>, Vec<Interval>) {
        let (mut first, mut later): (Vec<Interval>, Vec<Interval>) = (Vec::new(), Vec::new());
        let mut before: Option<(u32, String)> = None;
        for interval in self.intervals() {
            let is_new = before
                .as_ref()
                .is_none_or(|(id, symbol)| *id != interval.instrument_id || *symbol == interval.symbol);
            before = Some((interval.instrument_id, interval.symbol.clone()));
            if is_new { first.push(interval) } else { later.push(interval) }
        }
        (first, later)
    }

    /// Whether records of another session go on behind those of this as if it were the same: it differs in its time at most.
    #[must_use]
    pub fn goes_on_as(&self, next: &Self) -> bool {
        let timeless = |metadata: &dbn::Metadata| dbn::Metadata { start: 0, end: None, ..metadata.clone() };
        timeless(&self.decoded) == timeless(&next.decoded)
    }

    /// Metadata of one tape made of this and what follows it.
    ///
    /// # Errors
    /// A sentence saying why the two cannot be one.
    pub fn followed_by(&self, next: &Self) -> Result<Self, String> {
        if self.ts_out() != next.ts_out() {
            return Err("only one of the two has ts_out".to_owned());
        }
        let merged = self.decoded.clone().merge([next.decoded.clone()]).map_err(|error| error.to_string())?;
        Self::encode(merged).map_err(|fault| fault.to_string())
    }
}

/// Bytes of metadata that begin so; `None` where there are too few to tell.
fn whole_size(begin: &[u8]) -> Result<Option<usize>, Fault> {
    let magic = begin.get(..3).unwrap_or(begin);
    if !b"DBN".starts_with(magic) {
        let found = begin.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
        return Err(Fault::Magic { found, like: like(begin) });
    }
    let Some(&[_, _, _, version, a, b, c, d]) = begin.first_chunk::<PRELUDE>() else { return Ok(None) };
    if !(1..=3).contains(&version) {
        return Err(Fault::Version { found: version });
    }
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if !(SMALLEST..=LARGEST).contains(&length) {
        return Err(Fault::Metadata { why: format!("its length says {length} bytes") });
    }
    Ok(Some(PRELUDE + length))
}

/// What else begins so that people take for DBN, and what to do with it.
fn like(begin: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 9] = [
        (b"\x28\xb5\x2f\xfd", "zstd does: it is compressed twice, unpack it once"),
        (b"\x1f\x8b", "gzip does: unpack it first"),
        (b"BZh", "bzip2 does: unpack it first"),
        (b"\xfd7zXZ", "xz does: unpack it first"),
        (b"\x04\x22\x4d\x18", "lz4 does: unpack it first"),
        (b"PK", "zip does: unpack it first"),
        (b"PAR1", "Parquet does: request the data as DBN"),
        (b"{\"", "JSON does: request the data as DBN"),
        (b"ts_", "CSV does: request the data as DBN"),
    ];
    KINDS.iter().find(|(kind, _)| begin.starts_with(kind)).map(|(_, like)| *like)
}

fn damaged(error: &dbn::Error) -> Fault {
    Fault::Metadata { why: error.to_string() }
}

fn metadata_ends(have: usize, need: usize) -> Fault {
    Fault::Metadata { why: format!("it ends after {have} of its {need} bytes") }
}

fn date_of(ts: Nanos) -> time::Date {
    time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(ts.0))
        .map_or(time::Date::MAX, time::OffsetDateTime::date)
}

/// The day after the last moment before `end`.
fn day_after(end: Nanos) -> time::Date {
    date_of(Nanos(end.0.saturating_sub(1))).next_day().unwrap_or(time::Date::MAX)
}

fn midnight(date: time::Date) -> Nanos {
    Nanos(
        u64::try_from(date.midnight().assume_utc().unix_timestamp_nanos())
            .unwrap_or(u64::from(date.year() > 1970) * u64::MAX),
    )
}

/// The name Databento gives a publisher, such as `GLBX.MDP3.GLBX`; its number where it has none.
#[must_use]
pub fn publisher_name(publisher_id: u16) -> String {
    Publisher::try_from(publisher_id)
        .map_or_else(|_| publisher_id.to_string(), |publisher| publisher.to_string())
}
