//! Records back into DBN: whole files under their final name or none.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use zerocopy::IntoBytes;

use super::{Aside, Metadata, Progress};
use crate::error::{Error, Result};
use crate::types::MboRecord;

const ZSTD_LEVEL: i32 = 3;
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

/// Writes a DBN file: metadata as it was, records, and the others in their places; zstd where the name ends in `.zst`.
///
/// The file appears under its name when it is complete; after an error nothing is left behind.
///
/// # Errors
/// [`Error::Io`] naming the path; whatever `on_progress` returns.
pub fn write_file(
    path: &Path,
    metadata: &Metadata,
    records: &[MboRecord],
    ts_outs: &[u64],
    aside: &[Aside],
    on_progress: Progress<'_>,
) -> Result<()> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let name = path.file_name().ok_or_else(|| io(std::io::Error::other("not a file name")))?;
    let part = path.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
    let written = (|| {
        let file = BufWriter::with_capacity(1 << 20, File::create(&part).map_err(io)?);
        let file = if path.extension().is_some_and(|extension| extension == "zst") {
            let mut encoder = zstd::stream::write::Encoder::new(file, ZSTD_LEVEL).map_err(io)?;
            write_stream(&mut encoder, metadata, records, ts_outs, aside, path, on_progress)?;
            encoder.finish().map_err(io)?
        } else {
            let mut file = file;
            write_stream(&mut file, metadata, records, ts_outs, aside, path, on_progress)?;
            file
        };
        let file = file.into_inner().map_err(|error| io(error.into_error()))?;
        file.sync_all().map_err(io)?;
        std::fs::rename(&part, path).map_err(io)
    })();
    if written.is_err() {
        // The first error is the one to report; there may be no part file at all.
        let _ = std::fs::remove_file(&part);
    }
    written
}

fn write_stream(
    out: &mut dyn Write,
    metadata: &Metadata,
    records: &[MboRecord],
    ts_outs: &[u64],
    aside: &[Aside],
    path: &Path,
    on_progress: Progress<'_>,
) -> Result<()> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    out.write_all(metadata.raw()).map_err(io)?;
    let mut aside = aside.iter().peekable();
    let mut bytes = Vec::with_capacity(MboRecord::SIZE + 8);
    for (index, record) in records.iter().enumerate() {
        while let Some(other) = aside.next_if(|other| other.index <= index as u64) {
            out.write_all(other.bytes()).map_err(io)?;
        }
        bytes.clear();
        encode_record(record, ts_outs.get(index).copied(), &mut bytes);
        out.write_all(&bytes).map_err(io)?;
        if index % RECORDS_BETWEEN_PROGRESS == 0 {
            on_progress(index as u64, records.len() as u64)?;
        }
    }
    for other in aside {
        out.write_all(other.bytes()).map_err(io)?;
    }
    on_progress(records.len() as u64, records.len() as u64)
}
