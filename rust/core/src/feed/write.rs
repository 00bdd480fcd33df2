//! A tape's records back into DBN.

use zerocopy::IntoBytes;

use super::{Aside, Metadata, Progress, Sink};
use crate::error::Result;
use crate::types::MboRecord;

const RECORDS_BETWEEN_PROGRESS: usize = 65_536;

/// Appends one record as DBN stores it; with `ts_out` the record is 8 bytes longer and says so.
pub fn encode_record(record: &MboRecord, ts_out: Option<u64>, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(record.as_bytes());
    if let Some(ts_out) = ts_out {
        out[start] = MboRecord::WORDS + 2;
        out.extend_from_slice(&ts_out.to_le_bytes());
    }
}

/// Writes a DBN stream: metadata as it was, records, and the others in their places.
///
/// # Errors
/// Those of the sink; whatever `on_progress` returns.
pub fn write_stream(
    out: &mut Sink<'_>,
    metadata: &Metadata,
    records: &[MboRecord],
    ts_outs: &[u64],
    aside: &[Aside],
    on_progress: Progress<'_>,
) -> Result<()> {
    out.put(metadata.raw())?;
    let mut aside = aside.iter().peekable();
    let mut bytes = Vec::with_capacity(MboRecord::SIZE + 8);
    for (index, record) in records.iter().enumerate() {
        while let Some(other) = aside.next_if(|other| other.index <= index as u64) {
            out.put(other.bytes())?;
        }
        bytes.clear();
        encode_record(record, ts_outs.get(index).copied(), &mut bytes);
        out.put(&bytes)?;
        if index % RECORDS_BETWEEN_PROGRESS == 0 {
            on_progress(index as u64, records.len() as u64)?;
        }
    }
    for other in aside {
        out.put(other.bytes())?;
    }
    on_progress(records.len() as u64, records.len() as u64)
}
