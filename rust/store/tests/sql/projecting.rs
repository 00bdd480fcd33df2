//! Tapes become rows, each record once.

use std::cell::Cell;

use booktape_core::Error;
use booktape_core::feed::Piece;
use booktape_core::tape::{Growing, Tape};
use booktape_core::types::MboRecord;
use booktape_store::StoreError;
use rusqlite::Connection;

use super::{Folder, grown, metadata, never, number, quiet, records_of, synthetic};

const EVERYTHING: &str = "SELECT id, ts_recv, ts_event, instrument_id, publisher, order_id, action, side, price, size, \
                          flags, sequence, ts_in_delta, channel_id FROM mbo_messages ORDER BY id";

/// A row as it should be, made another way than by the code under test.
fn expected(number: i64, index: usize, record: &MboRecord) -> Vec<String> {
    let signed = |value: u64| i64::from_ne_bytes(value.to_ne_bytes()).to_string();
    vec![
        (number * 1_099_511_627_776 + index as i64).to_string(),
        signed(record.ts_recv),
        signed(record.ts_event),
        record.instrument_id.to_string(),
        record.publisher_id.to_string(),
        signed(record.order_id),
        char::from(record.action).to_string(),
        char::from(record.side).to_string(),
        record.price.to_string(),
        record.size.to_string(),
        record.flags.to_string(),
        record.sequence.to_string(),
        record.ts_in_delta.to_string(),
        record.channel_id.to_string(),
    ]
}

fn rows(folder: &Folder) -> Vec<Vec<String>> {
    let connection = Connection::open(folder.database()).unwrap();
    let mut statement = connection.prepare(EVERYTHING).unwrap();
    let columns = statement.column_count();
    let text = |row: &rusqlite::Row<'_>| {
        (0..columns)
            .map(|column| match row.get_ref(column)? {
                rusqlite::types::ValueRef::Integer(number) => Ok(number.to_string()),
                other => Ok(other.as_str()?.to_owned()),
            })
            .collect()
    };
    statement.query_map((), text).unwrap().map(|row: rusqlite::Result<_>| row.unwrap()).collect()
}

#[test]
fn every_record_is_one_row_with_all_its_fields() {
    let (folder, tape) = (Folder::new(), synthetic(60_000, 3));
    assert_eq!(folder.open().project(&tape, &mut quiet, &never()).unwrap(), 60_000);
    let records = records_of(&tape, tape.len());
    let expected: Vec<_> =
        records.iter().enumerate().map(|(index, record)| expected(1, index, record)).collect();
    assert!(rows(&folder) == expected);
}

#[test]
fn values_beyond_signed_numbers_and_codes_of_any_byte_keep_their_bits() {
    let tape = synthetic(1_000, 1);
    let growing = Growing::new("odd".to_owned(), 9, metadata(&tape)).unwrap();
    let odd = |order_id, ts_recv, action, side| MboRecord {
        order_id,
        ts_recv,
        ts_event: u64::MAX,
        action,
        side,
        price: i64::MAX,
        size: u32::MAX,
        sequence: u32::MAX,
        ts_in_delta: i32::MIN,
        publisher_id: u16::MAX,
        instrument_id: u32::MAX,
        flags: 255,
        channel_id: 255,
        ..MboRecord::default()
    };
    let records =
        vec![odd(u64::MAX, u64::MAX, 255, 0), odd(1 << 63, (1 << 63) - 1, b'"', 0x80), odd(0, 0, b'A', b'B')];
    growing.append(Piece { records: records.clone(), ..Piece::default() }).unwrap();
    let folder = Folder::new();
    folder.open().project(&growing.head(), &mut quiet, &never()).unwrap();
    let expected: Vec<_> =
        records.iter().enumerate().map(|(index, record)| expected(1, index, record)).collect();
    assert_eq!(rows(&folder), expected);
    // Read back, the last row is the tape's: nothing is added, and nothing begins anew.
    assert_eq!(folder.open().project(&growing.head(), &mut quiet, &never()).unwrap(), 0);
    assert_eq!(number(&folder, "SELECT max(number) FROM tapes"), 1);
}

#[test]
fn the_same_tape_again_adds_nothing() {
    let (folder, tape) = (Folder::new(), synthetic(5_000, 3));
    let mut database = folder.open();
    assert_eq!(database.project(&tape, &mut quiet, &never()).unwrap(), 5_000);
    assert_eq!(database.project(&tape, &mut quiet, &never()).unwrap(), 0);
    drop(database);
    let before = folder.dump();
    assert_eq!(folder.open().project(&tape, &mut quiet, &never()).unwrap(), 0);
    assert!(folder.dump() == before);
}

#[test]
fn a_tape_that_grows_in_pieces_ends_as_one_that_came_at_once() {
    let tape = synthetic(150_000, 5);
    let (at_once, in_pieces) = (Folder::new(), Folder::new());
    at_once.open().project(&grown(&tape, 150_000), &mut quiet, &never()).unwrap();
    let mut added = 0;
    for len in [1, 2, 1_024, 70_000, 70_000, 149_999, 150_000] {
        added += in_pieces.open().project(&grown(&tape, len), &mut quiet, &never()).unwrap();
    }
    assert_eq!(added, 150_000);
    assert!(at_once.dump() == in_pieces.dump());
}

#[test]
fn work_that_is_stopped_goes_on_behind_what_was_committed() {
    let (folder, tape) = (Folder::new(), synthetic(150_000, 5));
    let mut database = folder.open();
    let done = Cell::new(0);
    let mut stop_early = |so_far, total| {
        assert_eq!(total, 150_000);
        done.set(so_far);
        Err(Error::Interrupted)
    };
    let error = database.project(&tape, &mut stop_early, &never()).unwrap_err();
    assert!(matches!(error, StoreError::Core(Error::Interrupted)));
    assert!((1..150_000).contains(&done.get()));
    assert!(!database.is_indexed(), "so many rows into an empty database are indexed at the end");
    drop(database);

    let mut database = folder.open();
    assert!(!database.is_indexed());
    assert_eq!(database.project(&tape, &mut quiet, &never()).unwrap(), 150_000 - done.get());
    assert!(database.is_indexed());
    drop(database);
    let clean = Folder::new();
    clean.open().project(&tape, &mut quiet, &never()).unwrap();
    assert!(folder.dump() == clean.dump());
}

#[test]
fn indices_that_a_load_left_out_are_built_or_stay_out_when_stopped() {
    let (folder, tape) = (Folder::new(), synthetic(150_000, 5));
    let mut database = folder.open();
    let stopped = database.project(&tape, &mut quiet, &(std::sync::Arc::new(|| true) as _));
    assert!(matches!(stopped, Err(StoreError::Core(Error::Interrupted))), "{stopped:?}");
    assert!(!database.is_indexed());
    drop(database);
    assert_eq!(number(&folder, "SELECT count(*) FROM mbo_messages"), 150_000);
    let mut database = folder.open();
    database.ensure_indices(&never(), 0).unwrap();
    drop(database);
    assert_eq!(
        number(&folder, "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"),
        3
    );
    folder.open().verify().unwrap();
}

#[test]
fn rows_of_records_that_a_tape_has_lost_leave() {
    let tape = synthetic(40_000, 5);
    let (folder, clean) = (Folder::new(), Folder::new());
    folder.open().project(&grown(&tape, 40_000), &mut quiet, &never()).unwrap();
    assert_eq!(folder.open().project(&grown(&tape, 1_000), &mut quiet, &never()).unwrap(), 0);
    clean.open().project(&grown(&tape, 1_000), &mut quiet, &never()).unwrap();
    assert!(folder.dump() == clean.dump());
}

#[test]
fn a_tape_with_other_records_under_the_same_id_begins_anew() {
    let (one, other) = (synthetic(3_000, 5), synthetic(3_000, 6));
    let other: Tape = Tape::clone(&grown(&other, 3_000));
    let folder = Folder::new();
    folder.open().project(&grown(&one, 2_000), &mut quiet, &never()).unwrap();
    assert_eq!(folder.open().project(&other, &mut quiet, &never()).unwrap(), 3_000);
    let records = records_of(&other, 3_000);
    let expected: Vec<_> =
        records.iter().enumerate().map(|(index, record)| expected(2, index, record)).collect();
    assert!(rows(&folder) == expected);
}

#[test]
fn instruments_have_names() {
    let (folder, tape) = (Folder::new(), synthetic(5_000, 3));
    folder.open().project(&tape, &mut quiet, &never()).unwrap();
    let connection = Connection::open(folder.database()).unwrap();
    for (key, records) in tape.books() {
        let asked = "SELECT symbol, publisher_name, (SELECT count(*) FROM mbo_messages WHERE instrument_id = i.instrument_id \
                     AND publisher = i.publisher) FROM instruments AS i WHERE instrument_id = ? AND publisher = ?";
        let found: (String, String, i64) = connection
            .query_row(asked, (key.instrument_id, key.publisher_id), |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .unwrap();
        assert_eq!(
            found,
            (tape.symbols()[&key.instrument_id].clone(), "GLBX.MDP3.GLBX".to_owned(), *records as i64)
        );
    }
    assert_eq!(number(&folder, "SELECT count(*) FROM instruments"), tape.books().len() as i64);
}
