//! The `SQLite` projection of tapes, by what its tables hold.
#![allow(clippy::unwrap_used, clippy::cast_possible_wrap)]

mod opening;
mod projecting;
mod reading;
mod removing;
mod writing;

use std::path::Path;
use std::sync::Arc;

use booktape_core::Result;
use booktape_core::feed::{Metadata, Piece};
use booktape_core::synth;
use booktape_core::tape::{Growing, Tape};
use booktape_core::types::MboRecord;
use booktape_store::DataFolder;
use booktape_store::sql::{Database, NAME, Options, Stop};
use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;

#[allow(clippy::unnecessary_wraps)] // what progress is told to
fn quiet(_: u64, _: u64) -> Result<()> {
    Ok(())
}

fn never() -> Stop {
    Arc::new(|| false)
}

fn synthetic(messages: u64, seed: u64) -> Tape {
    let options = synth::Options { messages, instruments: 3, seed, ..synth::Options::default() };
    Tape::synthesize(&options, &mut quiet).unwrap()
}

/// The first records of a tape as one that grows: the same id however many they are.
fn grown(tape: &Tape, records: u64) -> Arc<Tape> {
    let growing = Growing::new("live".to_owned(), 1, metadata(tape)).unwrap();
    growing.append(Piece { records: records_of(tape, records), ..Piece::default() }).unwrap();
    growing.head()
}

fn metadata(tape: &Tape) -> Metadata {
    tape.metadata().clone()
}

fn records_of(tape: &Tape, count: u64) -> Vec<MboRecord> {
    tape.blocks(0..count).flat_map(|block| block.unwrap().1.to_vec()).collect()
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn data(&self) -> DataFolder {
        DataFolder::new(self.0.path().to_owned())
    }

    fn open(&self) -> Database {
        Database::open(&self.data(), Options::default()).unwrap()
    }

    fn database(&self) -> std::path::PathBuf {
        self.0.path().join(NAME)
    }

    /// The whole content, table by table, once nobody has it open.
    fn dump(&self) -> Vec<(String, Vec<Vec<Value>>)> {
        dump(&self.database())
    }
}

fn dump(path: &Path) -> Vec<(String, Vec<Vec<Value>>)> {
    let connection = Connection::open(path).unwrap();
    let mut named =
        connection.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").unwrap();
    let mut schema: Vec<_> =
        named.query_map((), |row| row.get(0)).unwrap().map(|sql| (sql.unwrap(), Vec::new())).collect();
    for query in [
        "SELECT * FROM tapes ORDER BY number",
        "SELECT * FROM instruments ORDER BY tape, instrument_id, publisher",
        "SELECT * FROM mbo_messages ORDER BY id",
    ] {
        let mut statement = connection.prepare(query).unwrap();
        let columns = statement.column_count();
        let rows =
            statement.query_map((), |row| (0..columns).map(|column| row.get(column)).collect()).unwrap();
        schema.push((query.to_owned(), rows.map(|row| row.unwrap()).collect()));
    }
    schema
}

/// One number that a query gives.
fn number(folder: &Folder, query: &str) -> i64 {
    Connection::open(folder.database()).unwrap().query_row(query, (), |row| row.get(0)).unwrap()
}
