//! Rows out of a tape, block by block, and files that are whole or not there.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use booktape_core::derive::{DeriveOptions, Deriver, Schema};
use booktape_core::export::{Rows, Wanted, What, write_csv, write_dbn};
use booktape_core::feed::{Sink, Whole, write_whole};
use booktape_core::tape::Tape;
use booktape_core::types::{MboRecord, Nanos};
use booktape_core::{Error, synth};
use zerocopy::IntoBytes;

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
    let rows = || Rows::new(Arc::clone(&tape), wanted(What::Derived(Schema::Mbp10), &tape)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.dbn");
    let stop = &mut |done, _| if done > 10_000 { Err(Error::Interrupted) } else { Ok(()) };
    let written = write_whole(&path, |out| write_dbn(&mut rows(), out, stop));
    assert!(matches!(written, Err(Error::Interrupted)));
    let written = write_whole(&path, |out| write_csv(&mut rows(), out, true, true, stop));
    assert!(matches!(written, Err(Error::Interrupted)));
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
    let rows = || Rows::new(Arc::clone(&tape), wanted(What::Mbo, &tape)).unwrap();
    let mut out = Full;
    let mut sink = Sink::new(Path::new("the moon"), &mut out);
    let look = &mut |_, _| Ok(());
    for written in
        [write_dbn(&mut rows(), &mut sink, look), write_csv(&mut rows(), &mut sink, false, true, look)]
    {
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
