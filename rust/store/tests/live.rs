//! Live tapes: what was shown survives, segments are DBN files, torn tails are cut, failed writes leave nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod folder;

use std::sync::Arc;

use booktape_core::tape::Tape;
use booktape_core::types::MboRecord;
use booktape_core::{Error, synth};
use booktape_store::{LiveSettings, SyncWhen};
use folder::{Folder, live as taken_up, opening, quiet, tape_bytes};

/// Small enough that a few thousand records make several segments.
const SMALL: LiveSettings = LiveSettings { segment_bytes: 40_000, sync: SyncWhen::SegmentEnds };

fn synthetic(messages: u64) -> Tape {
    let options = synth::Options { messages, instruments: 3, seed: 5, ..synth::Options::default() };
    Tape::synthesize(&options, &mut quiet).unwrap()
}

fn records(tape: &Tape) -> Vec<MboRecord> {
    tape.blocks(0..tape.len()).flat_map(|block| block.unwrap().1.to_vec()).collect()
}

#[test]
fn what_comes_in_fragments_is_on_the_tape_after_a_restart_under_the_same_id() {
    let tape = synthetic(5_000);
    let dbn = tape_bytes(&tape);
    let folder = Folder::new();
    let (id, heads) = {
        let tapes = folder.tapes();
        let live = tapes.create_live("feed", "", SMALL).unwrap();
        let mut heads = Vec::new();
        let mut appended = 0;
        for fragment in dbn.chunks(1_009) {
            appended += live.append(fragment).unwrap();
            heads.push(live.head());
        }
        assert_eq!(appended, tape.len());
        (live.head().id(), heads)
    };
    let tapes = folder.tapes();
    let live = taken_up(&tapes, &id, SMALL);
    assert_eq!(live.head().id(), id);
    assert_eq!(live.cut(), [""; 0]);
    let expected = records(&tape);
    assert!(records(&live.head()) == expected);
    assert_eq!(tape_bytes(&live.head()), dbn);
    assert_eq!(live.head().books(), tape.books());
    assert_eq!(live.head().symbols(), tape.symbols());
    for head in heads {
        assert!(records(&head) == expected[..head.len() as usize]);
    }
    assert!(folder.segments(&id).len() > 5);
}

#[test]
fn a_session_goes_on_after_a_restart_and_a_closed_tape_does_not() {
    let tape = synthetic(3_000);
    let dbn = tape_bytes(&tape);
    let (first, second) = dbn.split_at(100_003);
    let folder = Folder::new();
    let id = {
        let live = folder.tapes().create_live("feed", "", SMALL).unwrap();
        live.append(first).unwrap();
        live.head().id()
    };
    let had = {
        let tapes = folder.tapes();
        let live = taken_up(&tapes, &id, SMALL);
        let had = live.head().len();
        live.begin(tape.metadata()).unwrap();
        let rest = &dbn[tape.metadata().raw().len() + had as usize * MboRecord::SIZE..];
        assert!(rest.len() >= second.len());
        live.append_records(rest).unwrap();
        live.close().unwrap();
        had
    };
    assert!(had > 1_000 && had < tape.len());
    let tapes = folder.tapes();
    let live = taken_up(&tapes, &id, SMALL);
    assert!(live.is_closed());
    assert!(matches!(live.append(b""), Err(Error::Conflict(_))));
    assert!(records(&live.head()) == records(&tape));
    assert_eq!(live.head().symbols(), tape.symbols());
}

#[test]
fn a_torn_tail_is_cut_and_said_wherever_it_is_torn() {
    let tape = synthetic(40);
    let dbn = tape_bytes(&tape);
    let head = tape.metadata().raw().len();
    let folder = Folder::new();
    let id = {
        let live = folder.tapes().create_live("feed", "", SMALL).unwrap();
        live.append(&dbn).unwrap();
        live.head().id()
    };
    let [segment] = folder.segments(&id).try_into().unwrap();
    let last = head + 39 * MboRecord::SIZE;
    for size in (1..head).step_by(7).chain(last..=dbn.len()) {
        std::fs::write(&segment, &dbn[..size]).unwrap();
        let tapes = folder.tapes();
        let live = taken_up(&tapes, &id, SMALL);
        let whole = size.saturating_sub(head) / MboRecord::SIZE;
        assert_eq!(live.head().len(), whole as u64, "{size} bytes");
        let is_torn = size < head || !(size - head).is_multiple_of(MboRecord::SIZE);
        assert_eq!(live.cut().len(), usize::from(is_torn), "{size} bytes: {:?}", live.cut());
        assert_eq!(segment.exists(), size >= head);
        live.begin(tape.metadata()).unwrap();
        live.append_records(&dbn[head + whole * MboRecord::SIZE..]).unwrap();
        assert!(std::fs::read(&segment).unwrap() == dbn, "{size} bytes");
    }
}

#[test]
fn damage_behind_whole_records_is_kept_beside_the_segment() {
    let tape = synthetic(40);
    let mut dbn = tape_bytes(&tape);
    let folder = Folder::new();
    let id = {
        let live = folder.tapes().create_live("feed", "", SMALL).unwrap();
        live.append(&dbn).unwrap();
        live.head().id()
    };
    let [segment] = folder.segments(&id).try_into().unwrap();
    let at = tape.metadata().raw().len() + 30 * MboRecord::SIZE;
    dbn[at..].fill(0);
    std::fs::write(&segment, &dbn).unwrap();
    let tapes = folder.tapes();
    let live = taken_up(&tapes, &id, SMALL);
    assert_eq!(live.head().len(), 30);
    let said = live.cut().join("; ");
    assert!(said.contains("560 bytes") && said.contains("kept as"), "{said}");
    assert!(std::fs::read(segment.with_extension(format!("damaged-{at}"))).unwrap() == [0; 560]);
}

#[test]
fn segments_that_are_missing_or_doubled_are_named() {
    let folder = Folder::new();
    let id = {
        let live = folder.tapes().create_live("feed", "", SMALL).unwrap();
        for fragment in tape_bytes(&synthetic(5_000)).chunks(5_000) {
            live.append(fragment).unwrap();
        }
        live.head().id()
    };
    let segments = folder.segments(&id);
    let aside = segments[2].with_extension("gone");
    std::fs::rename(&segments[2], &aside).unwrap();
    let error = folder.tapes().open_tape(&id, opening(), SMALL, &mut quiet).unwrap_err().to_string();
    assert!(
        error.contains(segments[3].to_str().unwrap()) && error.contains(segments[1].to_str().unwrap()),
        "{error}"
    );
    assert!(error.contains("missing"), "{error}");
    std::fs::rename(&aside, &segments[2]).unwrap();
    let doubled = segments[2].with_file_name("00000000000000000007.dbn");
    std::fs::copy(&segments[2], &doubled).unwrap();
    let error = folder.tapes().open_tape(&id, opening(), SMALL, &mut quiet).unwrap_err().to_string();
    assert!(error.contains("00000000000000000007.dbn") && error.contains("twice"), "{error}");
}

#[test]
fn bytes_that_are_not_dbn_end_the_session_and_records_before_them_stay() {
    let tape = synthetic(50);
    let dbn = tape_bytes(&tape);
    let folder = Folder::new();
    let live = folder.tapes().create_live("feed", "", SMALL).unwrap();
    let mut damaged = dbn.clone();
    damaged.extend([3; 16]);
    let error = live.append(&damaged).unwrap_err().to_string();
    assert!(error.contains("record 50"), "{error}");
    assert_eq!(live.head().len(), 50);
    assert!(live.append(&dbn[dbn.len() - 56..]).is_err());
    assert_eq!(live.append(&dbn).unwrap(), 50);
    assert_eq!(live.head().len(), 100);
    let mut other = dbn.clone();
    other[8] = b'X';
    let error = live.append(&other).unwrap_err().to_string();
    assert!(error.contains("dataset"), "{error}");
    assert_eq!(live.head().len(), 100);
}

#[test]
fn one_process_owns_a_folder() {
    let folder = Folder::new();
    let tapes = folder.tapes();
    let live = tapes.create_live("feed", "", SMALL).unwrap();
    let error = folder.data().own().unwrap_err().to_string();
    assert!(error.contains("in use by this process already"), "{error}");
    drop(tapes);
    assert!(folder.data().own().is_err(), "the live tape can still be written");
    drop(live);
    assert!(folder.data().own().is_ok());
}

#[test]
fn a_file_that_changed_is_not_served_under_its_old_id() {
    let folder = Folder::new();
    let path = folder.path().join("day.dbn");
    synthetic(50).write_dbn(&path, &mut quiet).unwrap();
    let tapes = folder.tapes();
    let (entry, opened) = tapes.register(&path, opening(), &mut quiet).unwrap();
    assert_eq!(entry.id, opened.tape.id());
    assert_eq!(tapes.register(&path, opening(), &mut quiet).unwrap().0, entry);
    drop(tapes);
    let tapes = folder.tapes();
    assert_eq!(tapes.list(), std::slice::from_ref(&entry));
    assert!(tapes.open_tape(&entry.id, opening(), SMALL, &mut quiet).is_ok());
    synthetic(51).write_dbn(&path, &mut quiet).unwrap();
    let error = tapes.open_tape(&entry.id, opening(), SMALL, &mut quiet).unwrap_err().to_string();
    assert!(error.contains("day.dbn") && error.contains("register it again"), "{error}");
    std::fs::remove_file(&path).unwrap();
    let error = tapes.open_tape(&entry.id, opening(), SMALL, &mut quiet).unwrap_err().to_string();
    assert!(error.contains("not there any more"), "{error}");
    tapes.remove(&entry.id).unwrap();
    assert!(matches!(tapes.remove(&entry.id), Err(Error::NotFound(_))));
    assert!(tapes.list().is_empty());
}

#[test]
fn removing_a_tape_takes_its_own_files_and_readers_read_on() {
    let folder = Folder::new();
    let tape = synthetic(5_000);
    let path = folder.path().join("day.dbn");
    tape.write_dbn(&path, &mut quiet).unwrap();
    let tapes = folder.tapes();
    let id = tapes.register(&path, opening(), &mut quiet).unwrap().0.id;
    tapes.remove(&id).unwrap();
    assert!(path.exists());
    let live = tapes.create_live("feed", "", SMALL).unwrap();
    for fragment in tape_bytes(&tape).chunks(5_000) {
        live.append(fragment).unwrap();
    }
    let id = live.head().id();
    assert!(matches!(tapes.remove(&id), Err(Error::Conflict(_))));
    live.close().unwrap();
    let head = live.head();
    drop(live);
    tapes.remove(&id).unwrap();
    assert!(!folder.tape(&id).exists());
    assert!(records(&head) == records(&tape));
}

#[test]
fn whoever_asked_is_told_of_every_batch() {
    let folder = Folder::new();
    let tape = synthetic(100);
    let live = folder.tapes().create_live("feed", "", SMALL).unwrap();
    let told = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let count = Arc::clone(&told);
    live.on_growth(Some(Arc::new(move || {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    })));
    for fragment in tape_bytes(&tape).chunks(1_120) {
        live.append(fragment).unwrap();
    }
    let batches = told.load(std::sync::atomic::Ordering::Relaxed);
    assert!(batches >= 5);
    live.close().unwrap();
    assert_eq!(told.load(std::sync::atomic::Ordering::Relaxed), batches + 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_tape_of_many_segments_has_few_files_open() {
    let tiny = LiveSettings { segment_bytes: 2_000, ..SMALL };
    let (folder, tape) = (Folder::new(), synthetic(6_000));
    let dbn = tape_bytes(&tape);
    let (metadata, rest) = dbn.split_at(tape.metadata().raw().len());
    let open_files = || {
        let links = std::fs::read_dir("/proc/self/fd").unwrap();
        let files = links.filter_map(|link| std::fs::read_link(link.unwrap().path()).ok());
        files.filter(|file| file.starts_with(folder.path())).count()
    };
    let live = folder.tapes().create_live("feed", "", tiny).unwrap();
    live.append(metadata).unwrap();
    for records in rest.chunks(20 * MboRecord::SIZE) {
        live.append_records(records).unwrap();
    }
    let id = live.head().id();
    for head in [live.head(), {
        drop(live);
        taken_up(&folder.tapes(), &id, tiny).head()
    }] {
        assert!(folder.segments(&id).len() > 200);
        assert!(records(&head) == records(&tape));
        assert!(open_files() < 140, "{}", open_files());
    }
}
