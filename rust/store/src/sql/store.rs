//! The store of a data folder: one who writes, a few who read, shared between threads.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use booktape_core::feed::Progress;
use booktape_core::tape::Tape;

use super::database::{Database, Options, Stop};
use super::file::{Files, has_indices};
use super::messages::Filter;
use super::meter::Meter;
use super::read::{Answer, Limits, Parameters, Readers};
use super::schema::MIGRATIONS;
use super::status::{self, Status};
use crate::DataFolder;
use crate::error::{Result, StoreError};
use crate::owner::Owner;

/// Threads that help to sort for an index where nobody waits for it.
const IN_THE_BACKGROUND: u8 = 0;
/// How long a look at the status may take.
const A_MOMENT: Duration = Duration::from_secs(5);

/// The database of a data folder, open. Whoever loads or removes waits for others who do; nobody waits for those who read,
/// and they for nobody.
#[derive(Debug)]
pub struct Store {
    /// `None` once it is closed.
    database: Mutex<Option<Database>>,
    readers: Readers,
    files: Files,
    meter: Arc<Meter>,
    set_aside: Option<PathBuf>,
    gives_way: AtomicBool,
}

impl Store {
    /// Opens the store of a data folder, made if need be. Indices that an unfinished load left out are built by the next
    /// load, or by [`Self::tidy`].
    ///
    /// # Errors
    /// Those of [`Database::open`].
    pub fn open(folder: &DataFolder, options: Options) -> Result<Self> {
        let database = Database::open(folder, options)?;
        let (files, meter) = (Files::of(folder), Arc::clone(database.meter()));
        let set_aside = database.set_aside().cloned();
        let readers = Readers::new(files.clone(), Arc::clone(&meter));
        let gives_way = AtomicBool::default();
        Ok(Self { database: Mutex::new(Some(database)), readers, files, meter, set_aside, gives_way })
    }

    /// Where a damaged database was moved when this one was begun in its place.
    #[must_use]
    pub const fn set_aside(&self) -> Option<&PathBuf> {
        self.set_aside.as_ref()
    }

    /// Whether others need the processors more than what is done in the background and can wait.
    pub fn give_way(&self, whether: bool) {
        self.gives_way.store(whether, Relaxed);
    }

    pub(super) fn gives_way(&self) -> bool {
        self.gives_way.load(Relaxed)
    }

    /// Counts and times of operations.
    #[must_use]
    pub const fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Proof that the folder is this process's, for what else is kept there.
    ///
    /// # Errors
    /// [`StoreError::Query`] once it is closed.
    pub fn owner(&self) -> Result<Owner> {
        self.write(|database| Ok(database.owner().clone()))
    }

    fn writing(&self) -> MutexGuard<'_, Option<Database>> {
        // One that panicked while it wrote has rolled back what it had not committed.
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the connection that writes.
    pub(super) fn write<T>(&self, work: impl FnOnce(&mut Database) -> Result<T>) -> Result<T> {
        match self.writing().as_mut() {
            Some(database) => work(database),
            None => Err(StoreError::Query("the store is closed".to_owned())),
        }
    }

    /// Adds what is new on a tape, as [`Database::project`] does; how many rows.
    ///
    /// # Errors
    /// Those of [`Database::project`].
    pub fn load(&self, tape: &Tape, on_progress: Progress<'_>, stop: &Stop) -> Result<u64> {
        self.write(|database| database.project(tape, on_progress, stop))
    }

    /// Finishes what an earlier process began: removals, indices.
    ///
    /// # Errors
    /// Those of the database.
    pub fn tidy(&self, stop: &Stop) -> Result<()> {
        // A batch at a time, so that others who write come in between.
        while self.write(Database::remove_some)? {}
        self.write(|database| database.ensure_indices(stop, IN_THE_BACKGROUND))
    }

    /// Removes a tape with its rows; whether it was there.
    ///
    /// # Errors
    /// Those of the database.
    pub fn remove(&self, id: &str) -> Result<bool> {
        let found = self.write(|database| database.begin_removal(id))?;
        while self.write(Database::remove_some)? {}
        Ok(found)
    }

    /// Removes the rows of a tape before an index; how many.
    ///
    /// # Errors
    /// Those of the database.
    pub fn forget_before(&self, id: &str, index: u64) -> Result<u64> {
        let mut removed = 0;
        loop {
            match self.write(|database| database.forget_some(id, index))? {
                0 => return Ok(removed),
                some => removed += some,
            }
        }
    }

    /// Reads everything, to see whether it fits together.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] saying what does not.
    pub fn verify(&self) -> Result<()> {
        self.write(|database| database.verify())
    }

    /// What is in it. Never waits for who writes.
    ///
    /// # Errors
    /// Those of the database.
    pub fn status(&self) -> Result<Status> {
        let never: Stop = Arc::new(|| false);
        let (tapes, indexed) = self
            .readers
            .ask(A_MOMENT, &never, |connection| Ok((status::tapes(connection)?, has_indices(connection)?)))?;
        Ok(Status { schema_version: MIGRATIONS.len(), bytes: self.files.bytes(), indexed, tapes })
    }

    /// Answers any query that only reads.
    ///
    /// # Errors
    /// [`StoreError::Query`] saying what is wrong with it, [`StoreError::TimedOut`], [`StoreError::TooMany`].
    pub fn sql(&self, query: &str, parameters: &Parameters, limits: Limits, stop: &Stop) -> Result<Answer> {
        self.readers.sql(query, parameters, limits, stop)
    }

    /// A page of messages, as JSON: those of an instrument or an order in order of `ts_recv`, all others in order of tape and
    /// index. `next` is null behind the last.
    ///
    /// # Errors
    /// [`booktape_core::Error::NotFound`] for a tape or name that is not there, [`StoreError::TimedOut`],
    /// [`StoreError::TooMany`].
    pub fn messages(&self, filter: &Filter, limits: Limits, stop: &Stop) -> Result<Vec<u8>> {
        self.readers.messages(filter, limits, stop)
    }

    /// Closes it: once those who use it now are done. The folder is free then.
    pub fn close(&self) {
        self.readers.close();
        *self.writing() = None;
    }
}
