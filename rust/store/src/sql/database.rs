//! The one connection that writes: tapes become rows, each tape up to its high-water mark, which moves with the rows.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use booktape_core::feed::{Progress, publisher_name};
use booktape_core::tape::Tape;
use rusqlite::{Connection, OptionalExtension, Params, Transaction, TransactionBehavior};

use super::beside::Beside;
use super::file::{Files, PAGES_KIB, Synchronous, WriteBack, has_indices};
use super::meter::{Meter, Operation};
use super::row;
use super::schema::INDICES;
use crate::DataFolder;
use crate::error::{Result, StoreError};
use crate::owner::Owner;

/// Rows of one transaction.
pub(super) const BATCH: u64 = 65_536;
/// Fewer new rows than this are added with the indices in place, whatever is there.
const BULK: u64 = 50_000;
/// Memory for what is sorted for an index before a part of it goes to a file: what a processor has near it. In 64 MiB, sorting
/// takes half as long again, since it follows a list through all of them.
const SORTING_KIB: i64 = 2_048;
/// Threads that help to sort for an index where somebody waits for it.
const SORTERS: u8 = 3;
/// Instructions of `SQLite` between two looks at whether to stop: some tens of milliseconds.
const BETWEEN_LOOKS: i32 = 1_000_000;

/// Asked now and then by work that takes long: whether it should stop.
pub type Stop = Arc<dyn Fn() -> bool + Send + Sync>;

/// How to open a store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// What a power failure may cost.
    pub synchronous: Synchronous,
    /// Whether a damaged database is moved aside, and an empty one begun.
    pub rebuild: bool,
}

/// The database of a data folder, open for writing.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
    files: Files,
    owner: Owner,
    meter: Arc<Meter>,
    indexed: bool,
    write_back: WriteBack,
    /// Helps with the journal of a load.
    beside: Option<Beside>,
    /// Where a damaged one was moved.
    set_aside: Option<PathBuf>,
}

/// How far a tape is in the database.
#[derive(Clone, Debug)]
pub struct Place {
    pub(super) number: i64,
    /// Index of the first record there is a row for.
    pub first: u64,
    /// The high-water mark: index of the first record there is no row for yet.
    pub mark: u64,
    /// What was told of the tape's instruments: books, and turns of their symbols.
    told: Option<(usize, usize)>,
}

impl Database {
    /// Opens the database of a data folder, made if need be; nobody else may have it. Whether the indices are there is
    /// for [`Self::ensure_indices`].
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Newer`], [`StoreError::Foreign`], [`StoreError::Damaged`] unless it is to be
    /// rebuilt, and whatever the disk has to say.
    pub fn open(folder: &DataFolder, options: Options) -> Result<Self> {
        let owner = folder.own()?;
        let spool = folder.folder("spool").map_err(StoreError::io(folder.path()))?;
        let files = Files::of(folder);
        let (connection, set_aside) = match files.open(&spool, options.synchronous) {
            Err(StoreError::Damaged { .. }) if options.rebuild => {
                let aside = files.set_aside()?;
                (files.open(&spool, options.synchronous)?, Some(aside))
            }
            opened => (opened?, None),
        };
        let indexed = has_indices(&connection).map_err(|source| StoreError::of(&files.database, source))?;
        let (meter, write_back) = (Arc::default(), WriteBack::Much);
        Ok(Self { connection, files, owner, meter, indexed, write_back, beside: None, set_aside })
    }

    /// Proof that the folder is this process's, for what else is kept there.
    #[must_use]
    pub const fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Where a damaged database was moved when this one was opened in its place.
    #[must_use]
    pub const fn set_aside(&self) -> Option<&PathBuf> {
        self.set_aside.as_ref()
    }

    /// Counts of what was done.
    #[must_use]
    pub const fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    pub(super) const fn files(&self) -> &Files {
        &self.files
    }

    pub(super) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// What an error of `SQLite` means here; a database that turns out to be damaged is verified when it is opened next.
    pub(super) fn error(&self, source: rusqlite::Error) -> StoreError {
        let error = StoreError::of(&self.files.database, source);
        if matches!(error, StoreError::Damaged { .. }) {
            self.files.suspect();
        }
        error
    }

    /// Rows of all tapes.
    pub(super) fn rows(&self) -> Result<u64> {
        let sum = "SELECT ifnull(sum(high_water_mark - first_index), 0) FROM tapes";
        self.connection
            .query_row(sum, (), |row| row.get::<_, i64>(0))
            .map(i64::cast_unsigned)
            .map_err(|source| self.error(source))
    }

    /// The place of a tape, which gets one if it has none. A tape that has lost records since they were added here, as the
    /// power may take from a live one, loses their rows; one whose last row is not its own begins anew.
    ///
    /// # Errors
    /// Those of the database, and of reading the tape.
    pub fn place(&mut self, tape: &Tape) -> Result<Place> {
        let id = tape.id();
        let mut place = match self.find(&id)? {
            Some(place) => place,
            None => self.register(tape, &id)?,
        };
        if place.mark > tape.len() {
            self.cut(&mut place, tape.len())?;
        }
        if !self.agrees(tape, &place)? {
            self.remove(&id)?;
            place = self.register(tape, &id)?;
        }
        Ok(place)
    }

    /// The place of a tape by its id, if it has one.
    pub(super) fn find(&self, id: &str) -> Result<Option<Place>> {
        self.place_where("id = ?", [id])
    }

    pub(super) fn place_where(&self, which: &str, parameters: impl Params) -> Result<Option<Place>> {
        let asked = format!("SELECT number, first_index, high_water_mark FROM tapes WHERE {which} LIMIT 1");
        let found = self.connection.query_row(&asked, parameters, |row| {
            let [number, first, mark] = [row.get(0)?, row.get::<_, i64>(1)?, row.get(2)?];
            Ok(Place { number, first: first.cast_unsigned(), mark: mark.cast_unsigned(), told: None })
        });
        found.optional().map_err(|source| self.error(source))
    }

    fn register(&mut self, tape: &Tape, id: &str) -> Result<Place> {
        let insert = "INSERT INTO tapes (id, name, dataset) VALUES (?, ?, ?)";
        self.connection
            .execute(insert, (id, tape.name(), tape.metadata().dataset()))
            .map_err(|source| self.error(source))?;
        Ok(Place { number: self.connection.last_insert_rowid(), first: 0, mark: 0, told: None })
    }

    /// Whether the last row there is of a tape is the tape's.
    fn agrees(&self, tape: &Tape, place: &Place) -> Result<bool> {
        if place.mark <= place.first {
            return Ok(true);
        }
        let asked = format!("SELECT {} FROM mbo_messages WHERE id = ?", row::COLUMNS);
        let last = row::id(place.number, place.mark - 1);
        let found = self.connection.query_row(&asked, [last], row::record).optional();
        let found = found.map_err(|source| self.error(source))?;
        Ok(found.map(|(_, record)| record) == tape.record(place.mark - 1)?)
    }

    /// Adds the records of a tape from its high-water mark on; how many rows that made. Where they outweigh what is there, the
    /// indices are built after them, all at once. Progress is in records, told after each transaction.
    ///
    /// # Errors
    /// Those of the database and of the tape, and whatever `on_progress` returns; what was committed by then stays, and the
    /// next call goes on behind it.
    pub fn project(&mut self, tape: &Tape, on_progress: Progress<'_>, stop: &Stop) -> Result<u64> {
        let mut place = self.place(tape)?;
        let new = tape.len() - place.mark;
        self.prepare_for(new)?;
        self.beside = if new < BULK { None } else { Beside::start(&self.files.database) };
        self.write_back(if self.beside.is_some() { WriteBack::Rest } else { WriteBack::Much })?;
        let loaded = self.load(tape, &mut place, on_progress, stop);
        self.beside = None;
        let restored = self.write_back(WriteBack::Much);
        loaded.and_then(|rows| restored.map(|()| rows))
    }

    /// Adds what is missing, then indices and instruments.
    fn load(
        &mut self,
        tape: &Tape,
        place: &mut Place,
        on_progress: Progress<'_>,
        stop: &Stop,
    ) -> Result<u64> {
        let from = place.mark;
        while place.mark < tape.len() {
            self.add(tape, place, BATCH)?;
            on_progress(place.mark - from, tape.len() - from)?;
        }
        self.tell(tape, place)?;
        self.ensure_indices(stop, SORTERS)?;
        Ok(place.mark - from)
    }

    /// Drops the indices where so many new rows outweigh those there are: building them anew costs less then.
    pub(super) fn prepare_for(&mut self, new: u64) -> Result<()> {
        if !self.indexed || new < BULK || new <= self.rows()? {
            return Ok(());
        }
        self.indexed = false;
        self.write(|step| {
            INDICES
                .iter()
                .try_for_each(|(name, _)| Ok(step.execute_batch(&format!("DROP INDEX IF EXISTS {name}"))?))
        })
    }

    /// Whether the indices are there.
    #[must_use]
    pub const fn is_indexed(&self) -> bool {
        self.indexed
    }

    /// Builds the indices that are missing, as after a load that did not come to its end.
    ///
    /// # Errors
    /// Those of the database; [`booktape_core::Error::Interrupted`] where it was stopped, then with nothing half done.
    pub fn ensure_indices(&mut self, stop: &Stop, sorters: u8) -> Result<()> {
        if self.indexed {
            return Ok(());
        }
        let threads = format!("PRAGMA threads = {sorters}");
        self.connection.query_row(&threads, (), |_| Ok(())).map_err(|e| self.error(e))?;
        self.keep_pages(SORTING_KIB)?;
        let asked = Arc::clone(stop);
        self.watch(Some(move || asked()))?;
        let built = INDICES.iter().try_for_each(|(name, columns)| {
            let build = format!("CREATE INDEX IF NOT EXISTS {name} ON mbo_messages ({columns})");
            let done = self.meter.time(Operation::Index, || self.connection.execute_batch(&build));
            self.committed();
            done.map_err(|e| self.error(e))
        });
        self.watch(None::<fn() -> bool>)?;
        self.keep_pages(PAGES_KIB)?;
        built?;
        self.indexed = true;
        Ok(())
    }

    fn committed(&self) {
        if let Some(beside) = &self.beside {
            beside.ask();
        }
    }

    /// Sets the memory for pages, and with it that for sorting.
    fn keep_pages(&self, kib: i64) -> Result<()> {
        self.connection.pragma_update(None, "cache_size", -kib).map_err(|source| self.error(source))
    }

    /// Sets how much of the journal is written back at once.
    pub(super) fn write_back(&mut self, how: WriteBack) -> Result<()> {
        if self.write_back != how {
            how.set(&self.connection).map_err(|source| self.error(source))?;
            self.write_back = how;
        }
        Ok(())
    }

    fn watch(&mut self, stop: Option<impl FnMut() -> bool + Send + 'static>) -> Result<()> {
        self.connection.progress_handler(BETWEEN_LOOKS, stop).map_err(|source| self.error(source))
    }

    /// Adds up to so many records of a tape behind its high-water mark, which moves with them.
    pub(super) fn add(&mut self, tape: &Tape, place: &mut Place, most: u64) -> Result<()> {
        let (from, to) = (place.mark, tape.len().min(place.mark.saturating_add(most)));
        if to <= from {
            return Ok(());
        }
        row::check(place.number, to)?;
        let told = news(tape, place);
        let meter = Arc::clone(&self.meter);
        meter.time(Operation::Insert, || {
            self.write(|step| {
                let update = "UPDATE tapes SET high_water_mark = ? WHERE number = ? AND id = ? AND high_water_mark = ?";
                let id = tape.id();
                if step.execute(update, (to.cast_signed(), place.number, &id, from.cast_signed()))? != 1 {
                    return Err(Refusal::Other(StoreError::Moved { id }));
                }
                if told.is_some() {
                    tell_instruments(step, tape, place)?;
                }
                insert(step, tape, place.number, from..to)
            })
        })?;
        meter.added(to - from);
        place.mark = to;
        place.told = told.or(place.told);
        Ok(())
    }

    /// Writes down what the tape says of its instruments, where that is new.
    pub(super) fn tell(&mut self, tape: &Tape, place: &mut Place) -> Result<()> {
        if let Some(told) = news(tape, place) {
            self.write(|step| Ok(tell_instruments(step, tape, place)?))?;
            place.told = Some(told);
        }
        Ok(())
    }

    /// One transaction: all of it or nothing.
    pub(super) fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Refusal>,
    ) -> Result<T> {
        let begun = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let done = begun.map_err(Refusal::from).and_then(|step| {
            let done = work(&step)?;
            step.commit()?;
            Ok(done)
        });
        self.committed();
        done.map_err(|refusal| match refusal {
            Refusal::Sql(source) => self.error(source),
            Refusal::Other(error) => error,
        })
    }
}

/// Why a transaction or a question was given up.
#[derive(Debug)]
pub(super) enum Refusal {
    /// What `SQLite` said, for whoever knows what it was about.
    Sql(rusqlite::Error),
    /// Anything else.
    Other(StoreError),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<booktape_core::Error> for Refusal {
    fn from(error: booktape_core::Error) -> Self {
        Self::Other(error.into())
    }
}

/// Inserts records of a tape, whose last id is known to fit.
fn insert(step: &Transaction<'_>, tape: &Tape, number: i64, range: Range<u64>) -> Result<(), Refusal> {
    let mut statement = step.prepare(row::INSERT)?;
    for block in tape.blocks(range) {
        let (first, block) = block?;
        for (id, record) in (row::id(number, first)..).zip(block.iter()) {
            row::insert(&mut statement, id, record)?;
        }
    }
    Ok(())
}

/// What of a tape makes its instruments: where these counts have not changed, nor have they.
fn news(tape: &Tape, place: &Place) -> Option<(usize, usize)> {
    let now = (tape.books().len(), tape.turns().len());
    (place.told != Some(now)).then_some(now)
}

fn tell_instruments(step: &Transaction<'_>, tape: &Tape, place: &Place) -> rusqlite::Result<()> {
    if place.told.is_none() {
        step.execute("DELETE FROM instruments WHERE tape = ?", [place.number])?;
    }
    let insert = "INSERT OR REPLACE INTO instruments (tape, instrument_id, publisher, publisher_name, symbol) \
                  VALUES (?, ?, ?, ?, ?)";
    let mut statement = step.prepare(insert)?;
    for (key, _) in tape.books() {
        let symbol = tape.symbols().get(&key.instrument_id);
        let name = publisher_name(key.publisher_id);
        statement.execute((place.number, key.instrument_id, key.publisher_id, name, symbol))?;
    }
    Ok(())
}
