//! Live tapes after the power failed: of the last two segments anything may be lost, and the tape ends where the first record is
//! missing, says so, and goes on there.

#![allow(clippy::unwrap_used, missing_docs)]

mod folder;

use std::path::PathBuf;

use booktape_core::synth;
use booktape_core::tape::Tape;
use booktape_core::types::MboRecord;
use booktape_store::{LiveSettings, SyncWhen};
use folder::{Folder, live, quiet, tape_bytes};
use proptest::prelude::*;
use proptest::sample::Index;

const SMALL: LiveSettings = LiveSettings { segment_bytes: 20_000, sync: SyncWhen::SegmentEnds };
/// Records of a batch, and its bytes with the record of another type at its end.
const BATCH: usize = 10;
const BATCH_BYTES: usize = BATCH * MboRecord::SIZE + SYSTEM.len();
/// A record that is none of a book's, of which live streams have many.
const SYSTEM: [u8; 16] = [4, 23, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// A live tape whose every batch, and so every segment, ends with a record of another type.
struct Recorded {
    folder: Folder,
    id: String,
    records: Vec<MboRecord>,
    metadata: Vec<u8>,
    batches: Vec<Vec<u8>>,
    segments: Vec<(PathBuf, Vec<u8>)>,
}

impl Recorded {
    fn new() -> Self {
        let options =
            synth::Options { messages: 1_300, instruments: 2, seed: 9, ..synth::Options::default() };
        let tape = Tape::synthesize(&options, &mut quiet).unwrap();
        let (dbn, metadata) = (tape_bytes(&tape), tape.metadata().raw().to_vec());
        let batch = |records: &[u8]| [records, SYSTEM.as_slice()].concat();
        let batches: Vec<_> = dbn[metadata.len()..].chunks(BATCH * MboRecord::SIZE).map(batch).collect();
        let folder = Folder::new();
        let recording = folder.tapes().create_live("feed", "", SMALL).unwrap();
        recording.append(&metadata).unwrap();
        for batch in &batches {
            recording.append_records(batch).unwrap();
        }
        let id = recording.head().id();
        drop(recording);
        let read = |path: PathBuf| (path.clone(), std::fs::read(path).unwrap());
        let segments: Vec<_> = folder.segments(&id).into_iter().map(read).collect();
        assert!(segments.len() > 3);
        Self { folder, id, records: records(&tape), metadata, batches, segments }
    }

    /// Whole records in the first bytes of a segment.
    fn records_in(&self, bytes: usize) -> usize {
        let behind = bytes.saturating_sub(self.metadata.len());
        behind / BATCH_BYTES * BATCH + (behind % BATCH_BYTES / MboRecord::SIZE).min(BATCH)
    }

    /// Lays the folder out as it was when the power failed.
    fn fail(&self, torn: &Left, last: Option<&Left>, is_marked: bool) {
        for file in std::fs::read_dir(self.folder.tape(&self.id)).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension != "json") {
                std::fs::remove_file(path).unwrap();
            }
        }
        let [whole @ .., (torn_path, torn_bytes), (last_path, _)] = self.segments.as_slice() else {
            unreachable!("there are more than three");
        };
        for (path, bytes) in whole {
            std::fs::write(path, bytes).unwrap();
        }
        std::fs::write(torn_path, &torn.bytes).unwrap();
        if is_marked {
            std::fs::write(torn_path.with_extension(format!("ends-{}", torn_bytes.len())), "").unwrap();
        }
        if let Some(last) = last {
            std::fs::write(last_path, &last.bytes).unwrap();
        }
    }
}

/// What the disk has of a segment.
struct Left {
    bytes: Vec<u8>,
    /// So many are those that were written.
    kept: usize,
}

#[derive(Clone, Debug)]
enum Lost {
    Nothing,
    /// The record at its end that is none of a book's.
    ItsEnd,
    Behind(Index),
    /// The file had its size before it had its bytes.
    ZeroedBehind(Index),
}

impl Lost {
    fn of(&self, bytes: &[u8], metadata: usize) -> Left {
        let kept = match self {
            Self::Nothing => bytes.len(),
            Self::ItsEnd => bytes.len() - SYSTEM.len(),
            Self::Behind(place) => place.index(bytes.len()),
            Self::ZeroedBehind(place) => {
                metadata + place.index((bytes.len() - metadata) / BATCH_BYTES) * BATCH_BYTES
            }
        };
        let mut left = bytes[..kept].to_vec();
        if matches!(self, Self::ZeroedBehind(_)) {
            left.resize(bytes.len(), 0);
        }
        Left { bytes: left, kept }
    }
}

fn any_loss() -> impl Strategy<Value = Lost> {
    prop_oneof![
        Just(Lost::Nothing),
        Just(Lost::ItsEnd),
        any::<Index>().prop_map(Lost::Behind),
        any::<Index>().prop_map(Lost::ZeroedBehind),
    ]
}

fn records(tape: &Tape) -> Vec<MboRecord> {
    tape.blocks(0..tape.len()).flat_map(|block| block.unwrap().1.to_vec()).collect()
}

#[test]
fn a_tape_ends_where_the_first_record_is_missing_and_goes_on_there() {
    let recorded = Recorded::new();
    let [.., (torn_path, torn_bytes), (last_path, last_bytes)] = recorded.segments.as_slice() else {
        unreachable!("there are more than three");
    };
    let first = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().parse::<usize>().unwrap();
    let config = ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(torn in any_loss(), last in prop::option::of(any_loss()), marked in any::<bool>())| {
        let torn = torn.of(torn_bytes, recorded.metadata.len());
        let last = last.map(|last| last.of(last_bytes, recorded.metadata.len()));
        let is_whole = torn.kept == torn_bytes.len();
        // A segment that is on the disk may have its mark no more.
        recorded.fail(&torn, last.as_ref(), marked || !is_whole);

        let tapes = recorded.folder.tapes();
        let tape = live(&tapes, &recorded.id, SMALL);
        let expected = match &last {
            Some(last) if is_whole => first(last_path) + recorded.records_in(last.kept),
            _ => first(torn_path) + recorded.records_in(torn.kept),
        };
        prop_assert_eq!(tape.head().len() as usize, expected);
        prop_assert!(records(&tape.head()) == recorded.records[..expected]);
        let said = tape.cut().join("; ");
        if let Some(last) = last.as_ref().filter(|_| !is_whole) {
            let aside = last_path.with_extension("apart-0");
            prop_assert!(said.contains(aside.to_str().unwrap()) && said.contains(torn_path.to_str().unwrap()));
            prop_assert!(std::fs::read(aside).unwrap() == last.bytes);
        }
        let is_all = is_whole && last.as_ref().is_some_and(|last| last.kept == last_bytes.len());
        if is_all {
            prop_assert_eq!(said, "");
        }

        tape.append(&recorded.metadata).unwrap();
        for batch in &recorded.batches[expected.div_ceil(BATCH)..] {
            tape.append_records(batch).unwrap();
        }
        let grown = records(&tape.head());
        let missing = expected.next_multiple_of(BATCH).min(recorded.records.len()) - expected;
        prop_assert_eq!(grown.len() + missing, recorded.records.len());
        drop((tape, tapes));
        let tapes = recorded.folder.tapes();
        let again = live(&tapes, &recorded.id, SMALL);
        prop_assert!(records(&again.head()) == grown);
        prop_assert_eq!(again.cut(), [""; 0]);
    });
}

#[test]
fn a_segment_that_is_cut_again_and_again_loses_nothing_that_was_set_aside() {
    let recorded = Recorded::new();
    let [.., (torn_path, torn_bytes), (last_path, last_bytes)] = recorded.segments.as_slice() else {
        unreachable!("there are more than three");
    };
    let torn = Lost::ItsEnd.of(torn_bytes, recorded.metadata.len());
    let last = Lost::Nothing.of(last_bytes, recorded.metadata.len());
    recorded.fail(&torn, Some(&last), true);
    for time in 0..3 {
        let tapes = recorded.folder.tapes();
        drop(live(&tapes, &recorded.id, SMALL));
        assert!(last_path.with_extension(format!("apart-{time}")).exists());
        std::fs::write(last_path, last_bytes).unwrap();
        std::fs::write(torn_path.with_extension(format!("ends-{}", torn_bytes.len())), "").unwrap();
    }
}

#[test]
fn older_segments_were_on_the_disk_and_are_named_where_they_are_damaged() {
    let recorded = Recorded::new();
    let path = &recorded.segments[0].0;
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_len(recorded.segments[0].1.len() as u64 - 30).unwrap();
    let opened =
        recorded.folder.tapes().open_tape(&recorded.id, folder::opening(), SMALL, &mut quiet).unwrap_err();
    assert!(opened.to_string().contains(path.to_str().unwrap()), "{opened}");
    assert!(recorded.segments.iter().all(|(path, _)| path.exists()));
}

#[test]
fn what_is_brought_to_the_disk_needs_no_mark_and_is_not_read_again() {
    let recorded = Recorded::new();
    let tapes = recorded.folder.tapes();
    let tape = live(&tapes, &recorded.id, SMALL);
    for batch in &recorded.batches {
        tape.append_records(batch).unwrap();
    }
    tape.sync().unwrap();
    let files = std::fs::read_dir(recorded.folder.tape(&recorded.id)).unwrap();
    let marks = files.filter(|file| file.as_ref().unwrap().path().to_str().unwrap().contains(".ends-"));
    assert_eq!(marks.count(), 0);
    let [finished @ .., last] = &recorded.folder.segments(&recorded.id)[..] else { unreachable!() };
    assert!(finished.iter().all(|segment| segment.with_extension("scan").exists()));
    assert!(!last.with_extension("scan").exists());
}
