//! What a data folder may hold when it is opened.

use std::fs;

use booktape_store::StoreError;
use booktape_store::sql::{Database, Options};
use rusqlite::Connection;

use super::{Folder, dump, never, number, quiet, synthetic};

type Damage = fn(&mut Vec<u8>);

fn refused(folder: &Folder) -> StoreError {
    Database::open(&folder.data(), Options::default()).unwrap_err()
}

#[test]
fn a_folder_has_one_owner() {
    let folder = Folder::new();
    let owner = folder.open();
    let error = refused(&folder);
    let text = error.to_string();
    assert!(matches!(error, StoreError::InUse { .. }));
    assert!(
        text.contains(folder.0.path().to_str().unwrap()) && text.contains("choose another folder"),
        "{text}"
    );
    drop(owner);
    folder.open();
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_stays_as_it_is() {
    let folder = Folder::new();
    folder.open().project(&synthetic(1_000, 1), &mut quiet, &never()).unwrap();
    Connection::open(folder.database()).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let before = fs::read(folder.database()).unwrap();
    for rebuild in [false, true] {
        let error = Database::open(&folder.data(), Options { rebuild, ..Options::default() }).unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    }
    assert!(fs::read(folder.database()).unwrap() == before);
}

#[test]
fn a_newer_version_that_stands_in_the_journal_alone_is_refused() {
    let folder = Folder::new();
    folder.open().project(&synthetic(1_000, 1), &mut quiet, &never()).unwrap();
    let newer = Connection::open(folder.database()).unwrap();
    newer.execute_batch("PRAGMA user_version = 99; CREATE TABLE later (a)").unwrap();
    assert!(matches!(refused(&folder), StoreError::Newer { found: 99, .. }));
    drop(newer);
    assert_eq!(number(&folder, "SELECT count(*) FROM later"), 0);
    assert_eq!(number(&folder, "SELECT count(*) FROM mbo_messages"), 1_000);
}

#[test]
fn a_database_of_others_is_refused_and_stays_as_it_is() {
    let folder = Folder::new();
    let theirs = Connection::open(folder.database()).unwrap();
    theirs.execute_batch("CREATE TABLE theirs (a); PRAGMA user_version = 1").unwrap();
    drop(theirs);
    let before = fs::read(folder.database()).unwrap();
    let rebuilding = Options { rebuild: true, ..Options::default() };
    assert!(matches!(Database::open(&folder.data(), rebuilding), Err(StoreError::Foreign { .. })));
    assert!(fs::read(folder.database()).unwrap() == before);
    assert!(refused(&folder).to_string().contains("booktape did not write"));
}

#[test]
fn an_empty_file_is_a_database_that_was_just_begun() {
    let folder = Folder::new();
    fs::write(folder.database(), b"").unwrap();
    assert_eq!(folder.open().project(&synthetic(1_000, 1), &mut quiet, &never()).unwrap(), 1_000);
}

#[test]
fn a_damaged_database_is_moved_aside_only_when_asked_and_made_again() {
    let (folder, clean, tape) = (Folder::new(), Folder::new(), synthetic(20_000, 1));
    clean.open().project(&tape, &mut quiet, &never()).unwrap();
    let damages: [(&str, Damage); 4] = [
        ("no SQLite at all", |bytes| bytes[..16].fill(b'x')),
        ("cut", |bytes| bytes.truncate(100_000)),
        ("cut within its head", |bytes| bytes.truncate(50)),
        ("its schema overwritten", |bytes| bytes[100..4_096].fill(0x5a)),
    ];
    for (number, (what, damage)) in (1..).zip(damages) {
        folder.open().project(&tape, &mut quiet, &never()).unwrap();
        let mut bytes = fs::read(folder.database()).unwrap();
        damage(&mut bytes);
        fs::write(folder.database(), &bytes).unwrap();
        let error = refused(&folder);
        assert!(matches!(error, StoreError::Damaged { .. }), "{what}: {error}");
        assert!(error.to_string().contains("rebuild=True"), "{error}");
        assert!(fs::read(folder.database()).unwrap() == bytes, "{what}: changed");

        let mut database =
            Database::open(&folder.data(), Options { rebuild: true, ..Options::default() }).unwrap();
        let aside = database.set_aside().unwrap().clone();
        assert!(aside.ends_with(format!("booktape.db.damaged-{number}")), "{}", aside.display());
        assert!(fs::read(&aside).unwrap() == bytes, "{what}: what was moved changed");
        assert_eq!(database.project(&tape, &mut quiet, &never()).unwrap(), 20_000);
        drop(database);
        assert!(dump(&folder.database()) == clean.dump());
    }
}

#[test]
fn damage_that_is_met_later_is_looked_for_at_the_next_opening() {
    let (folder, tape) = (Folder::new(), synthetic(20_000, 1));
    folder.open().project(&tape, &mut quiet, &never()).unwrap();
    let mut bytes = fs::read(folder.database()).unwrap();
    let middle = bytes.len() / 2 / 8_192 * 8_192;
    bytes[middle..middle + 512].fill(0xff);
    fs::write(folder.database(), &bytes).unwrap();
    let database = folder.open();
    assert!(matches!(database.verify(), Err(StoreError::Damaged { .. })));
    drop(database);
    assert!(matches!(refused(&folder), StoreError::Damaged { .. }));
    let mut rebuilt =
        Database::open(&folder.data(), Options { rebuild: true, ..Options::default() }).unwrap();
    assert_eq!(rebuilt.project(&tape, &mut quiet, &never()).unwrap(), 20_000);
    rebuilt.verify().unwrap();
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = Folder::new();
    let file = folder.0.path().join("file");
    fs::write(&file, b"").unwrap();
    let error =
        Database::open(&booktape_store::DataFolder::new(file.join("data")), Options::default()).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    assert!(error.to_string().contains("choose another data folder"), "{error}");
}
