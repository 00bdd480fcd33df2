//! Rows out of a tape, block by block, and files that are whole or not there.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use booktape_core::derive::{DeriveOptions, Deriver, Schema};
use booktape_core::export::{Bytes, Form, Rows, Wanted, What};
use booktape_core::feed::{Compressed, Pieces, Sink, Text, Whole, write_whole};
use booktape_core::tape::{Tape, Written};
use booktape_core::types::{MboRecord, Nanos};
use booktape_core::{Error, synth};
use zerocopy::IntoBytes;

const FORMS: [Form; 3] =
    [Form::Dbn, Form::Text(Text::Csv { is_decimal: true }, true), Form::Text(Text::Json, false)];

fn tape(messages: u64) -> Arc<Tape> {
    let options = synth::Options { messages, instruments: 2, seed: 3, ..synth::Options::default() };
    Arc::new(Tape::synthesize(&options, &mut |_, _| Ok(())).unwrap())
}

fn wanted(what: What, tape: &Tape) -> Wanted {
    Wanted {
        what,
        options: DeriveOptions::default(),
        start: 0,
        stop: tape.len(),
        since: Nanos(0),
        instrument_id: None,
        publisher_id: None,
        limit: None,
    }
}

fn all(tape: &Arc<Tape>, wanted: Wanted) -> Vec<u8> {
    let mut rows = Rows::new(Arc::clone(tape), wanted).unwrap();
    let (mut block, mut whole) = (Vec::new(), Vec::new());
    while rows.fill(&mut block, &mut |_, _| Ok(())).unwrap() {
        whole.extend_from_slice(&block);
    }
    assert_eq!(rows.given(), (whole.len() / wanted.what.row_size()) as u64);
    whole
}

/// The deriver fed by hand: what blocks must add up to.
fn by_hand(records: &[MboRecord], schema: Schema) -> Vec<u8> {
    let mut deriver = Deriver::new(schema, DeriveOptions::default());
    let mut rows = Vec::new();
    for record in records {
        deriver.apply(record, &mut rows);
    }
    deriver.finish(&mut rows);
    rows
}

#[test]
fn blocks_add_up_to_all_rows() {
    let tape = tape(30_000);
    for schema in Schema::ALL {
        let expected = by_hand(tape.in_memory().unwrap(), schema);
        assert_eq!(all(&tape, wanted(What::Derived(schema), &tape)), expected, "{}", schema.name());
    }
    assert_eq!(all(&tape, wanted(What::Mbo, &tape)), tape.in_memory().unwrap().as_bytes());
}

#[test]
fn blocks_are_bounded() {
    let tape = tape(100_000);
    let mut rows = Rows::new(Arc::clone(&tape), wanted(What::Derived(Schema::Mbp10), &tape)).unwrap();
    let (mut block, mut largest, mut whole) = (Vec::new(), 0, 0);
    while rows.fill(&mut block, &mut |_, _| Ok(())).unwrap() {
        (largest, whole) = (largest.max(block.len()), whole + block.len());
    }
    assert!(largest < 4 << 20, "{largest}");
    assert!(whole > 4 * largest, "{whole}");
}

/// Everything that is made, and the size of the largest piece.
fn taken(mut pieces: impl Pieces) -> (Vec<u8>, usize) {
    let (mut piece, mut whole, mut largest) = (Vec::new(), Vec::new(), 0);
    while pieces.next(&mut piece, &mut |_, _| Ok(())).unwrap() {
        largest = largest.max(piece.len());
        whole.extend_from_slice(&piece);
    }
    assert!(!pieces.next(&mut piece, &mut |_, _| Ok(())).unwrap(), "it has ended");
    (whole, largest)
}

#[test]
fn a_tape_in_pieces_is_the_file_it_was_read_from() {
    let tape = tape(50_000);
    let file = [tape.metadata().raw(), tape.in_memory().unwrap().as_bytes()].concat();
    let (whole, largest) = taken(Written::of(Tape::clone(&tape)));
    assert!(whole == file);
    assert!(largest <= 4 * 1_024 * MboRecord::SIZE, "{largest}");
    let (compressed, _) = taken(Compressed::new(Written::of(Tape::clone(&tape))).unwrap());
    assert!(compressed.len() < file.len() / 2);
    assert!(zstd::decode_all(compressed.as_slice()).unwrap() == file);
}

#[test]
fn text_in_pieces_has_a_line_for_each_row() {
    let tape = tape(30_000);
    for (schema, names) in
        [(What::Mbo, "ts_recv,ts_event,"), (What::Derived(Schema::Ohlcv1S), "ts_event,rtype,")]
    {
        let wanted = wanted(schema, &tape);
        let bytes = |form| Bytes::new(Rows::new(Arc::clone(&tape), wanted).unwrap(), form);
        let count = all(&tape, wanted).len() / schema.row_size();
        let (csv, _) = taken(bytes(Form::Text(Text::Csv { is_decimal: true }, true)));
        let csv = String::from_utf8(csv).unwrap();
        assert!(csv.starts_with(names));
        assert_eq!(csv.lines().count(), count + 1);
        let (json, _) = taken(bytes(Form::Text(Text::Json, true)));
        let rows: Vec<serde_json::Value> = serde_json::from_slice(&json).unwrap();
        assert_eq!(rows.len(), count);
        assert!(rows.iter().all(|row| row["symbol"].is_string() && row["hd"]["ts_event"].is_string()));
    }
}

#[test]
fn rows_of_some_instruments_are_those_of_each() {
    let tape = tape(30_000);
    for what in Schema::ALL.map(What::Derived).into_iter().chain([What::Mbo]) {
        let whole = all(&tape, wanted(what, &tape));
        let ids: Vec<u32> = tape.symbols().keys().copied().collect();
        assert_eq!(ids.len(), 2);
        for ids in [&ids[..1], &ids[1..], &ids[..], &[]] {
            let mut rows = Rows::new(Arc::clone(&tape), wanted(what, &tape)).unwrap().among(ids);
            let (mut block, mut some) = (Vec::new(), Vec::new());
            while rows.fill(&mut block, &mut |_, _| Ok(())).unwrap() {
                some.extend_from_slice(&block);
            }
            let is_of_them = |row: &&[u8]| ids.contains(&u32::from_le_bytes(row[4..8].try_into().unwrap()));
            let picked = whole.chunks_exact(what.row_size()).filter(is_of_them).collect::<Vec<_>>().concat();
            assert!(some == picked, "{} of {ids:?}", what.name());
        }
    }
}

#[test]
fn rows_end_at_their_limit() {
    let tape = tape(30_000);
    for what in Schema::ALL.map(What::Derived).into_iter().chain([What::Mbo]) {
        let whole = all(&tape, wanted(what, &tape));
        let count = (whole.len() / what.row_size()) as u64;
        for limit in [0, 1, 5_000, count - 1, count, count + 1, u64::MAX] {
            let some = all(&tape, Wanted { limit: Some(limit), ..wanted(what, &tape) });
            let kept = count.min(limit) as usize * what.row_size();
            assert!(some == whole[..kept], "{} rows of {}", limit, what.name());
        }
    }
}

#[test]
fn records_without_rows_do_not_keep_anyone_waiting() {
    let tape = tape(1_200_000);
    let daily = wanted(What::Derived(Schema::Ohlcv1D), &tape);
    let mut rows = Rows::new(Arc::clone(&tape), daily).unwrap();
    let mut block = Vec::new();
    let mut sizes = Vec::new();
    while rows.fill(&mut block, &mut |_, _| Ok(())).unwrap() {
        sizes.push(block.len());
    }
    assert!(sizes.len() > 1 && sizes[0] == 0 && sizes.iter().sum::<usize>() > 0, "{sizes:?}");
}

#[test]
fn a_cut_anywhere_divides_the_rows() {
    let tape = tape(10_000);
    let of_events = [Schema::Mbp1, Schema::Mbp10, Schema::Tbbo, Schema::Trades].map(What::Derived);
    for what in of_events.into_iter().chain([What::Mbo]) {
        let whole = all(&tape, wanted(what, &tape));
        for cut in (0..10_000).step_by(997).chain([1, 1_023, 1_024, 1_025, 9_999, 10_000]) {
            let before = all(&tape, Wanted { stop: cut, ..wanted(what, &tape) });
            let after = all(&tape, Wanted { start: cut, ..wanted(what, &tape) });
            assert_eq!([before, after].concat(), whole, "{} at {cut}", what.name());
        }
    }
}

#[test]
fn a_late_start_does_not_read_the_whole_tape_again() {
    let tape = tape(200_000);
    tape.build_keyframes(&mut |_, _| Ok(())).unwrap();
    for schema in [Schema::Mbp10, Schema::Tbbo, Schema::Trades] {
        let late = Wanted { start: 199_000, ..wanted(What::Derived(schema), &tape) };
        let mut rows = Rows::new(Arc::clone(&tape), late).unwrap();
        let mut looks = Vec::new();
        rows.fill(&mut Vec::new(), &mut |done, _| {
            looks.push(done);
            Ok(())
        })
        .unwrap();
        assert!(looks.len() < 20, "{looks:?}");
        assert!(looks.is_sorted(), "{looks:?}");
    }
}

#[test]
fn positions_outside_the_tape_are_refused() {
    let tape = tape(1_000);
    for (start, stop) in [(1_001, 1_001), (0, 1_001)] {
        let refused = Rows::new(Arc::clone(&tape), Wanted { start, stop, ..wanted(What::Mbo, &tape) });
        assert!(matches!(refused, Err(Error::Parameter { .. })));
    }
}

#[test]
fn whoever_watches_can_stop_the_work() {
    let tape = tape(20_000);
    let bytes = |form| {
        Bytes::new(Rows::new(Arc::clone(&tape), wanted(What::Derived(Schema::Mbp10), &tape)).unwrap(), form)
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.dbn");
    let stop = &mut |done, _| if done > 10_000 { Err(Error::Interrupted) } else { Ok(()) };
    for form in FORMS {
        let written = write_whole(&path, |out| bytes(form).write(out, stop));
        assert!(matches!(written, Err(Error::Interrupted)), "{form:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_sink_that_refuses_is_named() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let tape = tape(1_000);
    let mut out = Full;
    let mut sink = Sink::new(Path::new("the moon"), &mut out);
    for form in FORMS {
        let rows = Rows::new(Arc::clone(&tape), wanted(What::Mbo, &tape)).unwrap();
        let written = Bytes::new(rows, form).write(&mut sink, &mut |_, _| Ok(()));
        let Err(Error::Io { path, source }) = written else { panic!("{written:?}") };
        assert_eq!((path.as_path(), source.kind()), (Path::new("the moon"), std::io::ErrorKind::StorageFull));
    }
}

#[test]
fn a_file_has_its_name_only_when_it_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, "before").unwrap();
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    let abandoned = Whole::begin(&path).unwrap();
    std::fs::write(abandoned.part(), "half").unwrap();
    assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), names()), ("before", 2));
    drop(abandoned);
    assert_eq!(names(), 1);
    let complete = Whole::begin(&path).unwrap();
    std::fs::write(complete.part(), "whole").unwrap();
    complete.finish().unwrap();
    assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), names()), ("whole", 1));
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_is_written_to_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt;
    let full = Path::new("/dev/full");
    let written = write_whole(full, |out| out.put(&vec![0; 4 << 20]));
    let Err(Error::Io { path, source }) = written else { panic!("{written:?}") };
    assert_eq!((path.as_path(), source.kind()), (full, std::io::ErrorKind::StorageFull));
    write_whole(Path::new("/dev/null"), |out| out.put(b"gone")).unwrap();
    for device in ["/dev/full", "/dev/null"] {
        assert!(std::fs::metadata(device).unwrap().file_type().is_char_device());
    }
}
