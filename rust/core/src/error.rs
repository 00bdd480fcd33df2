//! Everything that can be wrong with input, each naming the culprit and the way out.

use std::path::PathBuf;

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What was wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The input is not what it must be.
    #[error("{name}: {fault}{}", fault.way_out())]
    Input {
        /// The file's path, or what stands for it.
        name: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// Strict mode met an anomaly.
    #[error("record {index} ({publisher_id}, {instrument_id}): {anomaly}")]
    Anomaly {
        /// The record's number, from 0.
        index: u64,
        /// Publisher of its book.
        publisher_id: u16,
        /// Instrument of its book.
        instrument_id: u32,
        /// What was wrong.
        anomaly: crate::types::Anomaly,
    },
    /// A question about something that is not there.
    #[error("{0}")]
    NotFound(String),
    /// What is there already does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// Records that were dropped to make room for later ones.
    #[error("{name} = {position}: {tape} keeps records from index {first} on, those before were dropped")]
    Gone {
        /// The parameter.
        name: &'static str,
        /// What was given.
        position: u64,
        /// The tape.
        tape: String,
        /// The first index there is.
        first: u64,
    },
    /// A parameter outside what it may be.
    #[error("{name} = {value}: {expected}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// What was given.
        value: String,
        /// What would do.
        expected: String,
    },
    /// A book broke one of its own rules; only a bug can do this.
    #[error("invariant {0}")]
    Invariant(String),
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// What can be wrong with DBN input.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing there.
    #[error("the file is empty")]
    Empty,
    /// Another kind of file.
    #[error(
        "not a DBN file: it begins with {found}{}; DBN begins with \"DBN\", its zstd form with 28 b5 2f fd",
        like.map(|like| format!(", as {like}")).unwrap_or_default()
    )]
    Magic {
        /// The first bytes.
        found: String,
        /// What else begins so, and what to do with it.
        like: Option<&'static str>,
    },
    /// A version that this build does not read.
    #[error("DBN version {found}; this build reads versions 1 to 3")]
    Version {
        /// The version byte.
        found: u8,
    },
    /// Metadata that does not parse.
    #[error("the metadata is damaged: {why}")]
    Metadata {
        /// What the parser said.
        why: String,
    },
    /// Another schema than MBO.
    #[error("the schema is {found}; booktape reads mbo (request the data again with schema=\"mbo\")")]
    Schema {
        /// The schema in the metadata.
        found: String,
    },
    /// The end came early.
    #[error("truncated: record {record} at byte {offset} needs {need} bytes, and there are {have}")]
    Truncated {
        /// Number of the record that is not whole, from 0, all record types counted.
        record: u64,
        /// Its position in the (decompressed) data.
        offset: u64,
        /// Bytes that it needs.
        need: usize,
        /// Bytes there are.
        have: usize,
    },
    /// A header whose length cannot be.
    #[error(
        "record {record} at byte {offset}: length {length} bytes is impossible for record type {rtype:#04x}"
    )]
    RecordLength {
        /// The record's number, from 0, all record types counted.
        record: u64,
        /// Its position in the (decompressed) data.
        offset: u64,
        /// The length it claims, in bytes.
        length: usize,
        /// The type it claims.
        rtype: u8,
    },
    /// A header whose type is none of DBN's.
    #[error("record {record} at byte {offset}: record type {rtype:#04x} does not exist in DBN")]
    RecordType {
        /// The record's number, from 0, all record types counted.
        record: u64,
        /// Its position in the (decompressed) data.
        offset: u64,
        /// The type it claims.
        rtype: u8,
    },
    /// Several files written one behind the other, as `cat` does.
    #[error(
        "record {record} at byte {offset}: another DBN file begins here; files in order of time are opened together, \
         not joined into one"
    )]
    Joined {
        /// Records before it.
        record: u64,
        /// Where it begins in the (decompressed) data.
        offset: u64,
    },
    /// The operating system stopped giving bytes.
    #[error("reading failed: {source}")]
    Read {
        /// Why.
        source: std::io::Error,
    },
    /// Compressed data that does not decompress.
    #[error("zstd data is damaged after {offset} decompressed bytes (record {record}): {why}")]
    Zstd {
        /// Records read before it.
        record: u64,
        /// Decompressed bytes before it.
        offset: u64,
        /// What zstd said.
        why: String,
    },
    /// More decompressed data than anyone should hold.
    #[error(
        "decompresses to more than {limit} bytes; raise max_decompressed (--max-decompressed) if you trust this file"
    )]
    TooLarge {
        /// The limit in force.
        limit: u64,
    },
    /// There is no room for what memory should not hold.
    #[error("it is larger than memory should hold, and cannot be unpacked to disk: {source}")]
    Spool {
        /// Why.
        source: std::io::Error,
    },
    /// The index beside the tape is not what was written.
    #[error("its index is damaged, remove it and open the tape again: {why}")]
    Index {
        /// What is wrong with it.
        why: String,
    },
    /// The file is not what it was when it was opened.
    #[error("changed since it was opened (at byte {offset}); open it again")]
    Changed {
        /// Where it was seen.
        offset: u64,
    },
    /// Several files that are not one tape.
    #[error("cannot follow {before}: {why}")]
    Sequence {
        /// The file before.
        before: String,
        /// What does not fit.
        why: String,
    },
}

impl Fault {
    /// What may be done about it, where that is to open the file all the same: said to those who asked for all of it.
    fn way_out(&self) -> String {
        match self {
            Self::Truncated { record, .. }
            | Self::RecordLength { record, .. }
            | Self::RecordType { record, .. }
            | Self::Zstd { record, .. }
                if *record > 0 =>
            {
                format!("; open it with tolerant=True (--tolerant) to keep the {record} records before it")
            }
            _ => String::new(),
        }
    }

    /// Names the record and offset in a fault found below the level of records.
    pub(crate) fn at_record(self, found_record: u64, found_offset: u64) -> Self {
        match self {
            Self::Zstd { why, .. } => Self::Zstd { record: found_record, offset: found_offset, why },
            other => other,
        }
    }
}
