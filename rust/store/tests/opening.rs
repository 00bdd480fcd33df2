//! Files as tapes: the same records in memory and by position, and an index that is found again, or built again.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use booktape_core::feed::Options;
use booktape_core::synth;
use booktape_core::tape::Tape;
use booktape_core::types::MboRecord;
use booktape_core::{Error, Result};
use booktape_store::{DataFolder, Opened, Opening};
use tempfile::TempDir;

const RECORDS: u64 = 1_050_000;

#[allow(clippy::unnecessary_wraps)] // what progress is told to
fn quiet(_: u64, _: u64) -> Result<()> {
    Ok(())
}

fn synthetic(folder: &Path, name: &str, messages: u64) -> (PathBuf, Tape) {
    let options = synth::Options { messages, instruments: 3, seed: 4, ..synth::Options::default() };
    let tape = Tape::synthesize(&options, &mut quiet).unwrap();
    let path = folder.join(name);
    tape.write_dbn(&path, &mut quiet).unwrap();
    (path, tape)
}

fn open(data: &DataFolder, path: &Path, in_memory: u64) -> Opened {
    data.open(&[path], Opening { options: Options::default(), in_memory }, &mut quiet).unwrap()
}

fn records(tape: &Tape) -> Vec<MboRecord> {
    let mut all = Vec::new();
    while (all.len() as u64) < tape.len() {
        all.extend_from_slice(&tape.block(all.len() as u64).unwrap());
    }
    all
}

fn audit(tape: &Tape) -> Vec<u8> {
    let market = tape.market_at(tape.len(), None, &mut quiet).unwrap();
    booktape_core::audit::Audit::of(&market).to_json().unwrap()
}

fn index_files(data: &DataFolder) -> Vec<PathBuf> {
    let Ok(folder) = fs::read_dir(data.path().join("indexes")) else { return Vec::new() };
    folder.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn records_are_the_same_in_memory_by_position_and_unpacked() {
    let folder = TempDir::new().unwrap();
    let data = DataFolder::new(folder.path().join("data"));
    for name in ["plain.dbn", "packed.dbn.zst"] {
        let (path, tape) = synthetic(folder.path(), name, 30_000);
        let whole = open(&data, &path, u64::MAX).tape;
        let beyond = open(&data, &path, 100_000).tape;
        assert!(whole.in_memory().is_some());
        assert!(beyond.in_memory().is_none(), "{name}");
        assert_eq!(records(&beyond), records(&tape));
        assert_eq!(beyond.id(), whole.id());
        assert_eq!(audit(&beyond), audit(&tape));
        for position in [0, 1, 1_023, 1_024, 29_999] {
            let ts = records(&tape)[position].ts_recv();
            assert_eq!(beyond.position_at(ts).unwrap(), tape.position_at(ts).unwrap());
            assert_eq!(beyond.due(500, ts).unwrap(), tape.due(500, ts).unwrap());
        }
        let again = folder.path().join("again.dbn");
        beyond.write_dbn(&again, &mut quiet).unwrap();
        assert_eq!(records(&open(&data, &again, u64::MAX).tape), records(&tape));
    }
    assert!(index_files(&data).is_empty(), "short tapes keep no index");
    let spooled: Vec<_> = fs::read_dir(data.path().join("spool")).unwrap().collect();
    assert!(spooled.is_empty(), "what was unpacked has no name");
}

#[test]
fn an_index_is_kept_found_again_and_built_again_where_it_is_damaged() {
    let folder = TempDir::new().unwrap();
    let data = DataFolder::new(folder.path().join("data"));
    let (path, tape) = synthetic(folder.path(), "long.dbn", RECORDS);
    let expected = audit(&tape);
    for in_memory in [0, u64::MAX] {
        let first = open(&data, &path, in_memory);
        assert_eq!((first.tape.keyframes().size().records, &first.index_refused), (0, &None));
        first.tape.build_keyframes(&mut quiet).unwrap();
        assert!(data.keep(&first).unwrap());
        assert!(!data.keep(&open(&data, &path, in_memory)).unwrap(), "it is kept already");

        let second = open(&data, &path, in_memory);
        assert_eq!(second.tape.keyframes().size(), first.tape.keyframes().size());
        assert_eq!((second.tape.id(), audit(&second.tape)), (first.tape.id(), expected.clone()));

        let [file] = index_files(&data).try_into().unwrap();
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() - 100;
        bytes[middle] ^= 1;
        fs::write(&file, bytes).unwrap();
        let third = open(&data, &path, in_memory);
        let why = third.index_refused.clone().unwrap();
        assert!(why.contains("long.dbn") && why.contains("built again"), "{why}");
        assert_eq!(audit(&third.tape), expected);
        assert!(data.keep(&third).unwrap());
        assert_eq!(open(&data, &path, in_memory).index_refused, None);
        fs::remove_file(file).unwrap();
    }
}

#[test]
fn a_file_that_changed_has_no_index_and_one_that_shrinks_says_so() {
    let folder = TempDir::new().unwrap();
    let data = DataFolder::new(folder.path().join("data"));
    let (path, _) = synthetic(folder.path(), "long.dbn", RECORDS);
    let opened = open(&data, &path, 0);
    opened.tape.build_keyframes(&mut quiet).unwrap();
    data.keep(&opened).unwrap();
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 56]).unwrap();
    let changed = open(&data, &path, 0);
    assert_eq!(changed.tape.len(), RECORDS - 1);
    assert_eq!(changed.tape.keyframes().size().records, 0);

    fs::write(&path, &bytes[..1_000]).unwrap();
    let error = changed.tape.block(700_000).unwrap_err();
    assert!(matches!(error, Error::Input { .. }));
    assert!(error.to_string().contains("long.dbn: changed since it was opened"), "{error}");
}

#[test]
fn files_in_time_order_are_one_tape_by_position() {
    let folder = TempDir::new().unwrap();
    let data = DataFolder::new(folder.path().join("data"));
    let (path, tape) = synthetic(folder.path(), "whole.dbn", 20_000);
    let bytes = fs::read(&path).unwrap();
    let head = bytes.len() - 20_000 * 56;
    let cut = head + 12_345 * 56;
    let (one, two) = (folder.path().join("one.dbn"), folder.path().join("two.dbn"));
    fs::write(&one, &bytes[..cut]).unwrap();
    fs::write(&two, [&bytes[..head], &bytes[cut..]].concat()).unwrap();
    let opening = Opening { options: Options::default(), in_memory: 500_000 };
    let joined = data.open(&[&one, &two], opening, &mut quiet).unwrap().tape;
    assert_eq!(records(&joined), records(&tape));
    assert_eq!(audit(&joined), audit(&tape));
    let error = data.open(&[&two, &one], opening, &mut quiet).unwrap_err();
    assert!(error.to_string().contains("one.dbn: cannot follow two.dbn"), "{error}");
}

#[test]
fn a_data_folder_that_cannot_be_written_is_named_where_it_is_needed() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let data = DataFolder::new(file.join("data"));
    let (path, _) = synthetic(folder.path(), "packed.dbn.zst", 30_000);
    assert_eq!(open(&data, &path, u64::MAX).tape.len(), 30_000);
    let opening = Opening { options: Options::default(), in_memory: 0 };
    let error = data.open(&[&path], opening, &mut quiet).unwrap_err();
    assert!(error.to_string().contains("cannot be unpacked to disk"), "{error}");
}
