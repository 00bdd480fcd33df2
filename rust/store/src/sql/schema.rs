//! The tables, and how older ones become them.

use rusqlite::{Connection, TransactionBehavior};

/// What marks a database as one of booktape's: "bktp".
pub(super) const APPLICATION: i64 = 0x626b_7470;

/// Every version's changes, in order; a database's version is how many were made to it.
///
/// Unsigned 64-bit values (`ts_recv`, `ts_event`, `order_id`) are stored as the signed integer of the same bits. The id of a
/// row, which is its rowid, is its tape's number and its index: `number << 40 | index`.
pub(super) const MIGRATIONS: &[&str] = &["
    CREATE TABLE tapes (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT UNIQUE,
        name TEXT NOT NULL,
        dataset TEXT NOT NULL,
        first_index INTEGER NOT NULL DEFAULT 0,
        high_water_mark INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE instruments (
        tape INTEGER NOT NULL REFERENCES tapes (number),
        instrument_id INTEGER NOT NULL,
        publisher INTEGER NOT NULL,
        publisher_name TEXT NOT NULL,
        symbol TEXT,
        PRIMARY KEY (tape, instrument_id, publisher)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE mbo_messages (
        id INTEGER PRIMARY KEY,
        ts_recv INTEGER NOT NULL,
        ts_event INTEGER NOT NULL,
        instrument_id INTEGER NOT NULL,
        publisher INTEGER NOT NULL,
        order_id INTEGER NOT NULL,
        action TEXT NOT NULL,
        side TEXT NOT NULL,
        price INTEGER NOT NULL,
        size INTEGER NOT NULL,
        flags INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        ts_in_delta INTEGER NOT NULL,
        channel_id INTEGER NOT NULL
    ) STRICT;
"];

/// The latest version.
#[allow(clippy::cast_possible_wrap)] // there are few
pub(super) const LATEST: i64 = MIGRATIONS.len() as i64;

pub(super) const BY_INSTRUMENT: &str = "mbo_messages_instrument_time";
pub(super) const BY_ORDER: &str = "mbo_messages_order_time";
pub(super) const BY_PUBLISHER: &str = "mbo_messages_publisher_instrument_time";

/// The indices of `mbo_messages`: name and columns. They are missing only while many rows are loaded at once.
pub(super) const INDICES: [(&str, &str); 3] = [
    (BY_INSTRUMENT, "instrument_id, ts_recv"),
    (BY_ORDER, "order_id, ts_recv"),
    (BY_PUBLISHER, "publisher, instrument_id, ts_recv"),
];

/// The schema's version, as a database says.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", (), |row| row.get(0))
}

/// Brings a database to the latest version, a step a transaction.
pub(super) fn migrate(connection: &mut Connection, migrations: &[&str]) -> rusqlite::Result<()> {
    let made = usize::try_from(version(connection)?).unwrap_or_default();
    for (version, changes) in (1_i64..).zip(migrations).skip(made) {
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        step.execute_batch(changes)?;
        step.pragma_update(None, "application_id", APPLICATION)?;
        step.pragma_update(None, "user_version", version)?;
        step.commit()?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_is_made_once_and_after_those_before_it() {
        let mut connection = Connection::open_in_memory().unwrap();
        let steps = ["CREATE TABLE one (a)", "ALTER TABLE one ADD COLUMN b", "INSERT INTO one VALUES (1, 2)"];
        migrate(&mut connection, &steps[..1]).unwrap();
        assert_eq!(version(&connection).unwrap(), 1);
        for _ in 0..2 {
            migrate(&mut connection, &steps).unwrap();
            assert_eq!(version(&connection).unwrap(), 3);
            let rows: i64 =
                connection.query_row("SELECT count(*) FROM one WHERE b = 2", (), |row| row.get(0)).unwrap();
            assert_eq!(rows, 1);
        }
    }

    #[test]
    fn a_migration_that_fails_leaves_the_version_before_it() {
        let mut connection = Connection::open_in_memory().unwrap();
        let steps = ["CREATE TABLE one (a)", "CREATE TABLE two (a); CREATE TABLE one (a)"];
        assert!(migrate(&mut connection, &steps).is_err());
        assert_eq!(version(&connection).unwrap(), 1);
        let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'two'";
        assert_eq!(connection.query_row(tables, (), |row| row.get::<_, i64>(0)).unwrap(), 0);
    }
}
