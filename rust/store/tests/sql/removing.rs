//! Rows leave with their tape, or before an index.

use super::{Folder, never, number, quiet, synthetic};

#[test]
fn a_tape_leaves_with_its_rows_and_no_others() {
    let (one, two) = (synthetic(40_000, 3), synthetic(2_000, 4));
    let (folder, clean) = (Folder::new(), Folder::new());
    let mut database = folder.open();
    database.project(&two, &mut quiet, &never()).unwrap();
    database.project(&one, &mut quiet, &never()).unwrap();
    assert!(database.remove(&one.id()).unwrap());
    assert!(!database.remove(&one.id()).unwrap());
    drop(database);
    clean.open().project(&two, &mut quiet, &never()).unwrap();
    assert!(folder.dump() == clean.dump());

    assert_eq!(folder.open().project(&one, &mut quiet, &never()).unwrap(), 40_000);
    assert_eq!(number(&folder, "SELECT max(number) FROM tapes"), 3, "a number is never used again");
}

#[test]
fn records_before_an_index_leave_and_do_not_come_back() {
    let (folder, tape) = (Folder::new(), synthetic(40_000, 3));
    let mut database = folder.open();
    database.project(&tape, &mut quiet, &never()).unwrap();
    assert_eq!(database.forget_before(&tape.id(), 30_000).unwrap(), 30_000);
    assert_eq!(database.forget_before(&tape.id(), 20_000).unwrap(), 0);
    assert_eq!(database.project(&tape, &mut quiet, &never()).unwrap(), 0);
    let [stored] = database.tapes().unwrap().try_into().unwrap();
    assert_eq!((stored.first, stored.mark), (30_000, 40_000));
    database.verify().unwrap();
    drop(database);
    assert_eq!(number(&folder, "SELECT min(id & 0xffffffffff) FROM mbo_messages"), 30_000);
    assert_eq!(number(&folder, "SELECT count(*) FROM mbo_messages"), 10_000);

    let mut database = folder.open();
    assert_eq!(database.forget_before(&tape.id(), u64::MAX).unwrap(), 10_000);
    assert_eq!(database.forget_before("unknown", 1).unwrap(), 0);
    assert_eq!(database.project(&tape, &mut quiet, &never()).unwrap(), 0);
}
