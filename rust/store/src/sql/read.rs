//! Connections that only read: a bounded number, none of which ever keeps the writer waiting.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use booktape_core::Error;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, ErrorCode, Statement};

use super::database::{Refusal, Stop};
use super::file::{Files, reading};
use super::meter::{Meter, Operation};
use crate::error::{Result, StoreError};

/// Questions answered at once.
const MOST: usize = 4;
/// Instructions of `SQLite` between two looks at the clock: well below a millisecond.
const BETWEEN_LOOKS: i32 = 10_000;
/// Bytes of text and blobs that an answer may hold.
const MOST_BYTES: usize = 1 << 26;

/// How much an answer may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Its rows.
    pub rows: usize,
    /// The time until it is there.
    pub timeout: Duration,
}

/// Values for the places of a query.
#[derive(Clone, Debug)]
pub enum Parameters {
    /// In their order.
    InOrder(Vec<Value>),
    /// By name, each with its `:`, `@` or `$`.
    Named(Vec<(String, Value)>),
}

/// What a query gave.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    /// The columns' names.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Value>>,
    /// Whether there are more, which the limit left out.
    pub more: bool,
}

/// The connections that read a database.
#[derive(Debug)]
pub(super) struct Readers {
    files: Files,
    meter: Arc<Meter>,
    pool: Mutex<Pool>,
    free: Condvar,
}

#[derive(Debug, Default)]
struct Pool {
    idle: Vec<Connection>,
    lent: usize,
    closed: bool,
}

impl Readers {
    pub fn new(files: Files, meter: Arc<Meter>) -> Self {
        Self { files, meter, pool: Mutex::default(), free: Condvar::new() }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self) -> PathBuf {
        self.files.database.clone()
    }

    /// Waits until nobody reads any more, and lets nobody begin to.
    pub fn close(&self) {
        let mut pool = self.pool();
        pool.closed = true;
        let waited = self.free.wait_while(pool, |pool| pool.lent > 0);
        waited.unwrap_or_else(PoisonError::into_inner).idle.clear();
    }

    /// Lends a connection for as long as one question takes.
    fn lend(&self, timeout: Duration) -> Result<Connection> {
        let busy = |pool: &mut Pool| pool.lent >= MOST && !pool.closed;
        let waited = self.free.wait_timeout_while(self.pool(), timeout, busy);
        let (mut pool, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if pool.closed {
            return Err(StoreError::Query("the store is closed".to_owned()));
        }
        if pool.lent >= MOST {
            return Err(StoreError::TooMany { limit: MOST });
        }
        let connection = match pool.idle.pop() {
            Some(connection) => connection,
            None => reading(&self.files.database).map_err(|source| StoreError::of(&self.path(), source))?,
        };
        pool.lent += 1;
        Ok(connection)
    }

    fn give_back(&self, connection: Option<Connection>) {
        let mut pool = self.pool();
        pool.lent -= 1;
        pool.idle.extend(connection);
        drop(pool);
        self.free.notify_all();
    }

    /// Asks something: within its time, and only as long as nobody says stop.
    pub fn ask<T>(
        &self,
        timeout: Duration,
        stop: &Stop,
        question: impl FnOnce(&Connection) -> Result<T, Refusal>,
    ) -> Result<T> {
        let began = Instant::now();
        let mut connection = self.lend(timeout)?;
        let (late, stop) = (Arc::new(AtomicBool::new(false)), Arc::clone(stop));
        let noted = Arc::clone(&late);
        let watch = move || {
            let is_late = began.elapsed() > timeout;
            noted.fetch_or(is_late, Relaxed);
            is_late || stop()
        };
        let answered = self.meter.time(Operation::Query, || {
            connection.progress_handler(BETWEEN_LOOKS, Some(watch))?;
            let answered = question(&connection);
            connection.progress_handler(0, None::<fn() -> bool>)?;
            answered
        });
        // One that a query left within a transaction would show the past from now on.
        self.give_back(Some(connection).filter(Connection::is_autocommit));
        answered.map_err(|refusal| match refusal {
            Refusal::Sql(source) => self.refusal(source, timeout, late.load(Relaxed)),
            Refusal::Other(error) => error,
        })
    }

    fn refusal(&self, source: rusqlite::Error, timeout: Duration, late: bool) -> StoreError {
        match source.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) if late => {
                StoreError::TimedOut { seconds: timeout.as_secs_f64() }
            }
            Some(ErrorCode::OperationInterrupted) => Error::Interrupted.into(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                self.files.suspect();
                StoreError::of(&self.path(), source)
            }
            Some(
                ErrorCode::DiskFull
                | ErrorCode::DatabaseBusy
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen,
            ) => StoreError::of(&self.path(), source),
            // What is left is about the query: its words, its values, what it asks to be done.
            _ => StoreError::Query(source.to_string()),
        }
    }

    /// Answers any query that only reads.
    pub fn sql(&self, query: &str, parameters: &Parameters, limits: Limits, stop: &Stop) -> Result<Answer> {
        self.ask(limits.timeout, stop, |connection| {
            let mut statement = connection.prepare(query)?;
            if !statement.readonly() || statement.column_count() == 0 {
                let why = format!("only queries that read are answered here: {query}");
                return Err(Refusal::Other(StoreError::Query(why)));
            }
            bind(&mut statement, parameters)?;
            let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
            let (mut rows, mut bytes, mut more) = (Vec::new(), 0, false);
            let mut given = statement.raw_query();
            while let Some(row) = given.next()? {
                more = rows.len() >= limits.rows || bytes >= MOST_BYTES;
                if more {
                    break;
                }
                let values = (0..columns.len())
                    .map(|column| row.get_ref(column))
                    .collect::<rusqlite::Result<Vec<_>>>()?;
                bytes += values.iter().map(size).sum::<usize>();
                rows.push(
                    values
                        .into_iter()
                        .map(Value::try_from)
                        .collect::<Result<_, _>>()
                        .map_err(rusqlite::Error::from)?,
                );
            }
            Ok(Answer { columns, rows, more })
        })
    }
}

fn size(value: &ValueRef<'_>) -> usize {
    size_of::<Value>()
        + match value {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
            _ => 0,
        }
}

fn bind(statement: &mut Statement<'_>, parameters: &Parameters) -> rusqlite::Result<()> {
    let needed = statement.parameter_count();
    match parameters {
        Parameters::InOrder(values) => {
            if values.len() != needed {
                return Err(rusqlite::Error::InvalidParameterCount(values.len(), needed));
            }
            for (place, value) in (1..).zip(values) {
                statement.raw_bind_parameter(place, value)?;
            }
        }
        Parameters::Named(values) => {
            for (name, value) in values {
                let place = statement
                    .parameter_index(name)?
                    .ok_or_else(|| rusqlite::Error::InvalidParameterName(name.clone()))?;
                statement.raw_bind_parameter(place, value)?;
            }
            let is_missing = |place: &usize| {
                let name = statement.parameter_name(*place).unwrap_or("?");
                values.iter().all(|(given, _)| given != name)
            };
            if let Some(place) = (1..=needed).find(is_missing) {
                let name = statement.parameter_name(place).unwrap_or("?").to_owned();
                return Err(rusqlite::Error::InvalidParameterName(format!("{name} has no value")));
            }
        }
    }
    Ok(())
}
