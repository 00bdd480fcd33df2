//! The background writer: tapes are stored while they grow, and what goes wrong is told and made up for.

use std::fs::File;

use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;

use booktape_core::feed::{Options as Reading, Piece};
use booktape_core::tape::Growing;
use booktape_store::Opening;
use booktape_store::sql::{Operation, Options, Source, Store, Writer};
use rusqlite::Connection;

use super::{Folder, grown, metadata, never, quiet, records_of, synthetic};

const PATIENCE: Duration = Duration::from_mins(2);

fn opened(folder: &Folder) -> Arc<Store> {
    Arc::new(Store::open(&folder.data(), Options::default()).unwrap())
}

#[test]
fn a_growing_tape_is_stored_as_if_it_had_come_at_once() {
    let (folder, clean, tape) = (Folder::new(), Folder::new(), synthetic(60_000, 3));
    let records = records_of(&tape, tape.len());
    let store = opened(&folder);
    let writer = Writer::start(Arc::clone(&store)).unwrap();
    let growing = Arc::new(Growing::new("live".to_owned(), 1, metadata(&tape)).unwrap());
    writer.follow(Source::Growing(Arc::clone(&growing)));
    for batch in records.chunks(1_777) {
        growing.append(Piece { records: batch.to_vec(), ..Piece::default() }).unwrap();
    }
    growing.close();
    assert!(writer.flush(PATIENCE));
    let [followed] = writer.followed().try_into().unwrap();
    assert_eq!((followed.mark, followed.lag(), writer.error()), (Some(60_000), 0, None));
    assert!(store.meter().of(Operation::Insert).0 > 0);
    assert_eq!(store.meter().rows(), 60_000);
    writer.stop();
    store.close();
    clean.open().project(&grown(&tape, 60_000), &mut quiet, &never()).unwrap();
    assert!(folder.dump() == clean.dump());
}

#[test]
fn several_tapes_are_stored_and_their_indices_built_at_the_end() {
    let (folder, tapes) =
        (Folder::new(), [synthetic(150_000, 3), synthetic(90_000, 4), synthetic(10, 5)].map(Arc::new));
    let store = opened(&folder);
    let writer = Writer::start(Arc::clone(&store)).unwrap();
    for tape in &tapes {
        writer.follow(Source::Whole(Arc::clone(tape)));
    }
    assert!(writer.flush(PATIENCE));
    writer.stop();
    store.tidy(&never()).unwrap();
    let status = store.status().unwrap();
    assert!(status.indexed);
    let mut marks: Vec<_> = status.tapes.iter().map(|tape| tape.mark).collect();
    marks.sort_unstable();
    assert_eq!(marks, [10, 90_000, 150_000]);
    store.verify().unwrap();
}

#[test]
fn a_writer_that_stops_early_goes_on_behind_its_mark() {
    let (folder, clean, tape) = (Folder::new(), Folder::new(), Arc::new(synthetic(200_000, 3)));
    for _ in 0..50 {
        let store = opened(&folder);
        let writer = Writer::start(Arc::clone(&store)).unwrap();
        writer.follow(Source::Whole(Arc::clone(&tape)));
        // Not a wait for anything: whatever it has done by now is kept.
        let done = writer.flush(Duration::from_millis(20));
        drop(writer);
        store.close();
        if done {
            break;
        }
    }
    folder.open().project(&tape, &mut quiet, &never()).unwrap();
    clean.open().project(&tape, &mut quiet, &never()).unwrap();
    assert!(folder.dump() == clean.dump());
}

#[test]
fn a_writer_that_gives_way_stores_the_same_and_can_be_stopped_while_it_rests() {
    let (folder, clean, tape) = (Folder::new(), Folder::new(), Arc::new(synthetic(100_000, 3)));
    for patience in [Duration::from_millis(300), PATIENCE] {
        let store = opened(&folder);
        store.give_way(true);
        let writer = Writer::start(Arc::clone(&store)).unwrap();
        writer.follow(Source::Whole(Arc::clone(&tape)));
        let done = writer.flush(patience);
        writer.stop();
        store.close();
        assert!(done || patience < PATIENCE);
    }
    folder.open().project(&tape, &mut quiet, &never()).unwrap();
    clean.open().project(&tape, &mut quiet, &never()).unwrap();
    assert!(folder.dump() == clean.dump());
}

#[test]
fn a_tape_that_is_not_followed_any_more_can_be_removed() {
    let (folder, tape) = (Folder::new(), Arc::new(synthetic(200_000, 3)));
    let store = opened(&folder);
    let writer = Writer::start(Arc::clone(&store)).unwrap();
    writer.follow(Source::Whole(Arc::clone(&tape)));
    let _ = writer.flush(Duration::from_millis(20));
    writer.unfollow(&tape.id());
    store.remove(&tape.id()).unwrap();
    assert!(writer.followed().is_empty() && writer.flush(PATIENCE));
    assert!(store.status().unwrap().tapes.is_empty());
    writer.follow(Source::Whole(Arc::clone(&tape)));
    assert!(writer.flush(PATIENCE));
    assert_eq!(store.status().unwrap().tapes[0].mark, 200_000);
}

#[test]
fn a_tape_that_cannot_be_read_is_told_and_does_not_hold_up_others() {
    let (folder, tape) = (Folder::new(), synthetic(30_000, 3));
    let path = folder.0.path().join("bad.dbn");
    tape.write_dbn(&path, &mut quiet).unwrap();
    let opening = Opening { options: Reading::default(), in_memory: 0 };
    let bad = Arc::new(folder.data().open(&[&path], opening, &mut quiet).unwrap().tape);
    let bytes = std::fs::read(&path).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(10_000).unwrap();
    let (store, good) = (opened(&folder), Arc::new(synthetic(20_000, 4)));
    let writer = Writer::start(Arc::clone(&store)).unwrap();
    writer.follow(Source::Whole(bad));
    assert!(!writer.flush(Duration::from_millis(300)));
    writer.follow(Source::Whole(Arc::clone(&good)));
    while writer.followed().iter().any(|tape| tape.id == good.id() && tape.lag() > 0) {
        std::thread::yield_now();
    }
    assert!(writer.error().unwrap().contains("bad.dbn"), "{:?}", writer.error());
    // Once it is whole again, it is stored: the writer has tried again.
    File::options().write(true).open(&path).unwrap().write_all_at(&bytes, 0).unwrap();
    assert!(writer.flush(PATIENCE));
    assert_eq!(writer.error(), None);
}

#[test]
fn a_database_that_others_hold_locked_is_told_and_waited_for() {
    let (folder, tape) = (Folder::new(), Arc::new(synthetic(5_000, 3)));
    let store = opened(&folder);
    let other = Connection::open(folder.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writer = Writer::start(Arc::clone(&store)).unwrap();
    writer.follow(Source::Whole(tape));
    while writer.error().is_none() {
        std::thread::yield_now();
    }
    assert!(writer.error().unwrap().contains("locked"), "{:?}", writer.error());
    other.execute_batch("COMMIT").unwrap();
    assert!(writer.flush(PATIENCE));
    assert_eq!(writer.error(), None);
    assert_eq!(store.status().unwrap().tapes[0].mark, 5_000);
}

#[test]
fn who_loads_a_tape_that_is_followed_too_adds_each_record_once() {
    let (folder, clean, tape) = (Folder::new(), Folder::new(), synthetic(200_000, 3));
    let store = opened(&folder);
    let writer = Writer::start(Arc::clone(&store)).unwrap();
    let tape = Arc::new(tape);
    writer.follow(Source::Whole(Arc::clone(&tape)));
    store.load(&tape, &mut quiet, &never()).unwrap();
    assert!(writer.flush(PATIENCE));
    writer.stop();
    store.close();
    clean.open().project(&tape, &mut quiet, &never()).unwrap();
    assert!(folder.dump() == clean.dump());
}
