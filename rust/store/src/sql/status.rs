//! What is in the database, and how it is.

use super::database::Database;
use crate::error::{Result, StoreError};

/// A tape in the database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// The tape's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Databento's code of its dataset.
    pub dataset: String,
    /// Its number, which its rows' ids begin with.
    pub number: i64,
    /// Index of the first record there is a row for.
    pub first: u64,
    /// The high-water mark: index of the first record there is no row for yet.
    pub mark: u64,
}

/// What a store is.
#[derive(Clone, Debug)]
pub struct Status {
    /// The version of the schema.
    pub schema_version: usize,
    /// Bytes of the database and its journal.
    pub bytes: u64,
    /// Whether the indices are there: not while many rows are loaded at once.
    pub indexed: bool,
    /// Its tapes, in the order they came.
    pub tapes: Vec<Stored>,
}

impl Database {
    /// Its tapes, in the order they came.
    ///
    /// # Errors
    /// Those of the database.
    pub fn tapes(&self) -> Result<Vec<Stored>> {
        tapes(self.connection()).map_err(|source| self.error(source))
    }

    /// Reads everything, to see whether it fits together: the file, and each tape's rows with its marks.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] saying what does not.
    pub fn verify(&self) -> Result<()> {
        super::file::verify(self.connection(), &self.files().database)
            .and_then(|()| self.verify_marks())
            .inspect_err(|_| {
                self.files().suspect();
            })
    }

    fn verify_marks(&self) -> Result<()> {
        let asked = "SELECT name, first_index, high_water_mark, (SELECT count(*) FROM mbo_messages \
                     WHERE id >= (number << 40) + first_index AND id < (number << 40) + high_water_mark) AS rows \
                     FROM tapes WHERE rows <> high_water_mark - first_index LIMIT 1";
        let wrong = self.connection().query_row(asked, (), |row| {
            let [first, mark, rows] = [row.get::<_, i64>(1)?, row.get(2)?, row.get(3)?];
            Ok(format!("tape {} has {rows} rows of records {first} to {mark}", row.get::<_, String>(0)?))
        });
        match wrong {
            Ok(why) => Err(StoreError::Damaged { path: self.files().database.clone(), why }),
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok(()),
            Err(source) => Err(self.error(source)),
        }
    }
}

pub(super) fn tapes(connection: &rusqlite::Connection) -> rusqlite::Result<Vec<Stored>> {
    let asked = "SELECT id, name, dataset, number, first_index, high_water_mark FROM tapes \
                 WHERE id IS NOT NULL ORDER BY number";
    let mut statement = connection.prepare(asked)?;
    let found = statement.query_map((), |row| {
        Ok(Stored {
            id: row.get(0)?,
            name: row.get(1)?,
            dataset: row.get(2)?,
            number: row.get(3)?,
            first: row.get::<_, i64>(4)?.cast_unsigned(),
            mark: row.get::<_, i64>(5)?.cast_unsigned(),
        })
    })?;
    found.collect()
}
