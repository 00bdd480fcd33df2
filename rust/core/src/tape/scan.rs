//! What a scan of a plain DBN file found, as bytes: with the index beside it a large file opens without another scan.

use std::collections::BTreeMap;

use super::census::Census;
use super::reel::{Directory, Start};
use crate::feed::{AsideFact, Metadata, TYPE_NAMES};
use crate::types::varint::{get_i64, get_u64, put_i64, put_u64};
use crate::types::{BookKey, Nanos, Price};

const VERSION: u64 = 2;
const SYMBOL: u64 = 0;
const SETTLEMENT: u64 = 1;
const MISSING: u64 = 2;

/// What a scan of a plain DBN file found: everything but the records.
#[derive(Clone, Debug)]
pub struct Scan {
    /// What people call the file.
    pub name: String,
    /// Hash of the content.
    pub hash: u64,
    /// The metadata at its head.
    pub metadata: Metadata,
    /// Where its records are.
    pub directory: Directory,
    /// Its books and times.
    pub census: Census,
    /// What records of other types say, with the index of the record each precedes.
    pub facts: Vec<(u64, AsideFact)>,
    /// Records of other types, by type.
    pub others: BTreeMap<&'static str, u64>,
    /// What a tolerant reading left behind.
    pub left: Option<String>,
}

impl Scan {
    /// The scan as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_u64(&mut out, VERSION);
        put_text(&mut out, self.name.as_bytes());
        put_u64(&mut out, self.hash);
        put_text(&mut out, self.metadata.raw());
        self.directory.encode(&mut out);
        put_census(&mut out, &self.census);
        put_u64(&mut out, self.facts.len() as u64);
        for (index, fact) in &self.facts {
            put_u64(&mut out, *index);
            put_fact(&mut out, fact);
        }
        for name in TYPE_NAMES {
            put_u64(&mut out, self.others.get(name).copied().unwrap_or(0));
        }
        put_text(&mut out, self.left.as_deref().unwrap_or_default().as_bytes());
        out
    }

    /// The scan of bytes; `None` if they are none, or another version's.
    #[must_use]
    pub fn decode(mut input: &[u8]) -> Option<Self> {
        let input = &mut input;
        if get_u64(input)? != VERSION {
            return None;
        }
        let name = get_string(input)?;
        let hash = get_u64(input)?;
        let metadata = Metadata::from_raw(get_text(input)?).ok()?;
        let directory = Directory::decode(input)?;
        let census = get_census(input)?;
        let facts = get_u64(input)?;
        let facts = (0..facts).map(|_| Some((get_u64(input)?, get_fact(input)?))).collect::<Option<_>>()?;
        let mut others = BTreeMap::new();
        for name in TYPE_NAMES {
            let count = get_u64(input)?;
            if count > 0 {
                others.insert(name, count);
            }
        }
        let left = Some(get_string(input)?).filter(|left| !left.is_empty());
        input.is_empty().then_some(Self { name, hash, metadata, directory, census, facts, others, left })
    }
}

impl Directory {
    fn encode(&self, out: &mut Vec<u8>) {
        for number in [self.len, self.head, self.end, u64::from(self.ts_out), self.starts.len() as u64] {
            put_u64(out, number);
        }
        let mut before = Start { offset: 0, min: Nanos(0), max: Nanos(0) };
        for start in &self.starts {
            put_u64(out, start.offset - before.offset);
            put_i64(out, start.min.0.wrapping_sub(before.min.0).cast_signed());
            put_u64(out, start.max.0 - start.min.0);
            before = *start;
        }
    }

    fn decode(input: &mut &[u8]) -> Option<Self> {
        let (len, head, end) = (get_u64(input)?, get_u64(input)?, get_u64(input)?);
        let ts_out = get_u64(input)? != 0;
        let count = get_u64(input)?;
        if count != len.div_ceil(super::BLOCK) {
            return None;
        }
        let mut before = Start { offset: 0, min: Nanos(0), max: Nanos(0) };
        let mut starts = Vec::new();
        for _ in 0..count {
            let offset = before.offset.checked_add(get_u64(input)?).filter(|offset| *offset < end)?;
            let min = Nanos(before.min.0.wrapping_add_signed(get_i64(input)?));
            let max = Nanos(min.0.checked_add(get_u64(input)?)?);
            before = Start { offset, min, max };
            starts.push(before);
        }
        Some(Self { len, head, end, ts_out, starts })
    }
}

fn put_census(out: &mut Vec<u8>, census: &Census) {
    put_u64(out, census.books.len() as u64);
    for (key, records) in &census.books {
        for number in [u64::from(key.publisher_id), u64::from(key.instrument_id), *records] {
            put_u64(out, number);
        }
    }
    put_u64(out, census.start.map_or(u64::MAX, |start| start.0));
    put_u64(out, census.end.map_or(u64::MAX, |end| end.0));
    put_u64(out, u64::from(census.in_time_order));
}

fn get_census(input: &mut &[u8]) -> Option<Census> {
    let count = get_u64(input)?;
    let book = |input: &mut &[u8]| Some((get_key(input)?, get_u64(input)?));
    let books: Vec<(BookKey, u64)> = (0..count).map(|_| book(input)).collect::<Option<_>>()?;
    let times = (Nanos(get_u64(input)?), Nanos(get_u64(input)?));
    let times = (!books.is_empty()).then_some(times);
    Some(Census::restore(books, times, get_u64(input)? != 0))
}

pub(super) fn get_key(input: &mut &[u8]) -> Option<BookKey> {
    let publisher_id = u16::try_from(get_u64(input)?).ok()?;
    Some(BookKey { publisher_id, instrument_id: u32::try_from(get_u64(input)?).ok()? })
}

pub(super) fn put_fact(out: &mut Vec<u8>, fact: &AsideFact) {
    match fact {
        AsideFact::Symbol { instrument_id, symbol } => {
            put_u64(out, SYMBOL);
            put_u64(out, u64::from(*instrument_id));
            put_text(out, symbol.as_bytes());
        }
        AsideFact::Settlement { publisher_id, instrument_id, price } => {
            put_u64(out, SETTLEMENT);
            put_u64(out, u64::from(*publisher_id));
            put_u64(out, u64::from(*instrument_id));
            put_i64(out, price.0);
        }
        AsideFact::Missing { of, text } => {
            let key = of.unwrap_or_default();
            put_u64(out, MISSING);
            put_u64(out, u64::from(key.publisher_id));
            put_u64(out, u64::from(key.instrument_id));
            put_text(out, text.as_bytes());
        }
    }
}

pub(super) fn get_fact(input: &mut &[u8]) -> Option<AsideFact> {
    match get_u64(input)? {
        SYMBOL => {
            let instrument_id = u32::try_from(get_u64(input)?).ok()?;
            Some(AsideFact::Symbol { instrument_id, symbol: get_string(input)? })
        }
        SETTLEMENT => {
            let BookKey { publisher_id, instrument_id } = get_key(input)?;
            Some(AsideFact::Settlement { publisher_id, instrument_id, price: Price(get_i64(input)?) })
        }
        MISSING => {
            let of = Some(get_key(input)?).filter(|key| *key != BookKey::default());
            Some(AsideFact::Missing { of, text: get_string(input)? })
        }
        _ => None,
    }
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put_u64(out, text.len() as u64);
    out.extend_from_slice(text);
}

pub(super) fn get_text<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let size = usize::try_from(get_u64(input)?).ok()?;
    let (text, rest) = input.split_at_checked(size)?;
    *input = rest;
    Some(text)
}

fn get_string(input: &mut &[u8]) -> Option<String> {
    get_text(input).and_then(|text| String::from_utf8(text.to_vec()).ok())
}
