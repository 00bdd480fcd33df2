//! Retention of live tapes: what is dropped, what stays, and what a process that ends on the way leaves.

#![allow(clippy::unwrap_used, missing_docs)]

mod folder;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use booktape_core::audit::Audit;
use booktape_core::tape::Tape;
use booktape_core::types::{MboRecord, Nanos};
use booktape_core::{Error, synth};
use booktape_store::{Dropped, LiveSettings, LiveTape, Retention, SyncWhen};
use folder::{Folder, live, quiet, tape_bytes};

const SMALL: LiveSettings = LiveSettings { segment_bytes: 60_000, sync: SyncWhen::SegmentEnds };
const NOW: Nanos = Nanos(2_000_000_000_000_000_000);

fn synthetic() -> Tape {
    let options = synth::Options { messages: 20_000, instruments: 3, seed: 6, ..synth::Options::default() };
    Tape::synthesize(&options, &mut quiet).unwrap()
}

fn filled(folder: &Folder, dbn: &[u8]) -> Arc<LiveTape> {
    let live = folder.tapes().create_live("feed", "", SMALL).unwrap();
    for fragment in dbn.chunks(3_001) {
        live.append(fragment).unwrap();
    }
    live.sync().unwrap(); // so that nothing is written to the folder any more
    live
}

fn audit(tape: &Tape, position: u64) -> String {
    let market = tape.market_at(position, None, &mut quiet).unwrap();
    String::from_utf8(Audit::of(&market).to_json().unwrap()).unwrap()
}

/// From its first record on, the tape is the one it was made from.
fn assert_is(live: &LiveTape, tape: &Tape) {
    let head = live.head();
    let first = head.first();
    let there: Vec<MboRecord> =
        head.blocks(first..head.len()).flat_map(|block| block.unwrap().1.to_vec()).collect();
    assert!(there == tape.in_memory().unwrap()[first as usize..head.len() as usize]);
    for position in [first, u64::midpoint(first, head.len()), head.len()] {
        assert_eq!(audit(&head, position), audit(tape, position));
    }
    assert_eq!(head.symbols(), tape.symbols());
}

fn files(folder: &Folder, id: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        std::fs::read_dir(folder.tape(id)).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn the_oldest_segments_go_and_the_rest_is_what_it_was() {
    let tape = synthetic();
    let dbn = tape_bytes(&tape);
    let folder = Folder::new();
    let (id, first) = {
        let live = filled(&folder, &dbn[..dbn.len() - 56_000]);
        let id = live.head().id();
        let before = live.head();
        let retention = Retention { bytes: Some(500_000), ..Retention::default() };
        let Dropped { from, to, bytes, .. } = live.retain(retention, NOW).unwrap().unwrap();
        assert!(from == 0 && to > 9_000 && bytes > 500_000, "{from}, {to}, {bytes}");
        assert_eq!(live.retain(retention, NOW).unwrap(), None);
        assert_is(&live, &tape);
        // Whoever holds a head from before reads on, though its files are gone.
        assert_eq!(before.first(), 0);
        assert_eq!(audit(&before, before.len()), audit(&tape, before.len()));
        assert!(matches!(live.head().record(to - 1), Err(Error::Gone { first, .. }) if first == to));
        live.append(&dbn[dbn.len() - 56_000..]).unwrap();
        let again = live.retain(Retention { bytes: Some(300_000), ..retention }, NOW).unwrap().unwrap();
        assert_eq!(again.from, to);
        assert_is(&live, &tape);
        (id, again.to)
    };
    let tapes = folder.tapes();
    let live = live(&tapes, &id, SMALL);
    assert_eq!((live.head().first(), live.head().len(), live.head().id()), (first, tape.len(), id.clone()));
    assert_is(&live, &tape);
    let size: u64 = folder.segments(&id).iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(size <= 300_000);
    assert_eq!(files(&folder, &id).iter().filter(|path| path.extension().unwrap() == "origin").count(), 1);
}

#[test]
fn segments_go_by_the_age_of_their_last_record_and_the_last_one_stays() {
    let tape = synthetic();
    let folder = Folder::new();
    let live = filled(&folder, &tape_bytes(&tape));
    let middle = tape.record(10_000).unwrap().unwrap().ts_recv;
    let retention = |longest| Retention { longest: Some(Duration::from_nanos(longest)), bytes: None };
    let end = tape.end().unwrap();
    assert_eq!(live.retain(retention(end.0), end).unwrap(), None);
    let dropped = live.retain(retention(end.0 - middle), end).unwrap().unwrap();
    assert!(dropped.to <= 10_000 && dropped.to > 8_000, "{dropped:?}");
    assert_is(&live, &tape);
    let dropped = live.retain(retention(0), NOW).unwrap().unwrap();
    assert!(dropped.to < tape.len());
    assert_eq!(folder.segments(&live.head().id()).len(), 1);
    assert_is(&live, &tape);
}

#[test]
fn a_process_that_ends_while_it_drops_leaves_the_tape_before_or_after() {
    let tape = synthetic();
    let dbn = tape_bytes(&tape);
    let folder = Folder::new();
    let live_tape = filled(&folder, &dbn);
    let id = live_tape.head().id();
    let copy = |files: &[PathBuf]| -> Vec<(PathBuf, Vec<u8>)> {
        files.iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
    };
    let before = copy(&files(&folder, &id));
    let retention = Retention { bytes: Some(400_000), ..Retention::default() };
    let to = live_tape.retain(retention, NOW).unwrap().unwrap().to;
    let origin = files(&folder, &id).into_iter().find(|path| path.extension().unwrap() == "origin").unwrap();
    let origin = copy(&[origin]);
    drop(live_tape);
    // The books are written and so many files removed.
    let gone = before.len() - files(&folder, &id).len();
    for removed in (0..gone).step_by(3) {
        for (path, bytes) in before.iter().skip(removed).chain(&origin) {
            std::fs::write(path, bytes).unwrap();
        }
        let tapes = folder.tapes();
        let live = live(&tapes, &id, SMALL);
        assert_eq!((live.head().first(), live.head().len()), (to, tape.len()));
        assert_is(&live, &tape);
        assert_eq!(folder.segments(&id)[0].file_stem().unwrap().to_str().unwrap().parse(), Ok(to));
    }
    // They are not: the tape is what it was.
    for (path, bytes) in &before {
        std::fs::write(path, bytes).unwrap();
    }
    std::fs::remove_file(&origin[0].0).unwrap();
    let half = origin[0].0.with_file_name(".half.origin.part");
    std::fs::write(&half, &origin[0].1[..100]).unwrap();
    let tapes = folder.tapes();
    let whole = live(&tapes, &id, SMALL);
    assert_eq!(whole.head().first(), 0);
    assert_is(&whole, &tape);
    assert!(!half.exists());
    drop((whole, tapes));
    std::fs::write(&origin[0].0, &origin[0].1[..100]).unwrap();
    let opened = folder.tapes().open_tape(&id, folder::opening(), SMALL, &mut quiet);
    assert!(opened.unwrap_err().to_string().contains("damaged"));
}

#[test]
fn readers_read_on_while_segments_are_finished_and_dropped() {
    let tape = synthetic();
    let dbn = tape_bytes(&tape);
    let folder = Folder::new();
    let live = folder.tapes().create_live("feed", "", SMALL).unwrap();
    let records = tape.in_memory().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for fragment in dbn.chunks(997) {
                live.append(fragment).unwrap();
            }
            live.close().unwrap();
        });
        scope.spawn(|| {
            while !live.is_closed() {
                live.retain(Retention { bytes: Some(200_000), ..Retention::default() }, NOW).unwrap();
            }
        });
        for reader in 0..2 {
            let live = &live;
            scope.spawn(move || {
                let mut at = 0;
                loop {
                    let head = live.growing().wait_for(at, Duration::MAX);
                    at = at.max(head.first());
                    for block in head.blocks(at..head.len()) {
                        let (first, block) = block.unwrap();
                        assert!(*block == records[first as usize..first as usize + block.len()]);
                    }
                    at = head.len();
                    if reader == 0 {
                        let middle = u64::midpoint(head.first(), head.len());
                        head.market_at(middle, None, &mut quiet).unwrap();
                    }
                    if at == records.len() as u64 {
                        break;
                    }
                }
            });
        }
    });
    assert!(live.head().first() > 10_000);
    assert_is(&live, &tape);
}
