//! Records back into DBN.

use std::io::{self, Write};

use zerocopy::IntoBytes;

use super::Aside;
use crate::types::{MboRecord, TS_OUT};

/// Appends one record as DBN stores it; with `ts_out` the record is 8 bytes longer and says so.
pub fn encode_record(record: &MboRecord, ts_out: Option<u64>, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(record.as_bytes());
    if let Some(ts_out) = ts_out {
        out[start] = MboRecord::WORDS + (TS_OUT / 4) as u8;
        out.extend_from_slice(&ts_out.to_le_bytes());
    }
}

/// Writes records and those of other types in their places, as they were; `first` is the index of the first record.
///
/// # Errors
/// Those of the writer.
pub fn write_records(
    out: &mut dyn Write,
    first: u64,
    records: &[MboRecord],
    ts_outs: &[u64],
    aside: &[Aside],
) -> io::Result<()> {
    if ts_outs.is_empty() && aside.is_empty() {
        return out.write_all(records.as_bytes());
    }
    let mut aside = aside.iter().peekable();
    let mut bytes = Vec::with_capacity(MboRecord::SIZE + TS_OUT);
    for (n, record) in records.iter().enumerate() {
        while let Some(other) = aside.next_if(|other| other.index <= first + n as u64) {
            out.write_all(other.bytes())?;
        }
        bytes.clear();
        encode_record(record, ts_outs.get(n).copied(), &mut bytes);
        out.write_all(&bytes)?;
    }
    aside.try_for_each(|other| out.write_all(other.bytes()))
}
