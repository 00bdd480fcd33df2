//! Everything that can go wrong with the store, each naming the culprit and the way out.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// The result of everything the store does.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// What was wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process, or another store of this one, owns the folder.
    #[error(
        "{folder}: the data folder is in use{by}; stop that one, or choose another folder (BOOKTAPE_DATA_DIR)"
    )]
    InUse {
        /// The data folder.
        folder: PathBuf,
        /// Who has it, as far as is known: nothing, or words that begin with a space.
        by: String,
    },
    /// A later version of booktape wrote it.
    #[error(
        "{path}: its schema is version {found}, this booktape knows those up to {known}; nothing was changed: use the \
         booktape that wrote it, or another folder (BOOKTAPE_DATA_DIR)"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The latest version of this build.
        known: i64,
    },
    /// It is a database, but not one of booktape's.
    #[error(
        "{path}: a SQLite database that booktape did not write; nothing was changed: move it, or choose another folder"
    )]
    Foreign {
        /// The database.
        path: PathBuf,
    },
    /// It is not what was written.
    #[error(
        "{path}: the database is damaged ({why}); it can be built again from the tapes: open the store with rebuild=True \
         (`booktape store rebuild`), which moves this one aside"
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// There is no room.
    #[error("{path}: the disk is full; nothing is lost: make room and go on ({why})")]
    Full {
        /// The database.
        path: PathBuf,
        /// What `SQLite` said.
        why: String,
    },
    /// It cannot be written.
    #[error(
        "{path}: cannot be written ({why}); choose another data folder (BOOKTAPE_DATA_DIR), or change its permissions"
    )]
    ReadOnly {
        /// The folder or the database.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Another program holds a lock on the database.
    #[error("{path}: another program holds the database locked ({why}); close it there, then try again")]
    Locked {
        /// The database.
        path: PathBuf,
        /// What `SQLite` said.
        why: String,
    },
    /// A question that SQL cannot answer.
    #[error("{0}")]
    Query(String),
    /// A question that took too long.
    #[error(
        "the query took longer than {seconds} s and was stopped; narrow it down by an instrument, an order or a time, \
         or allow it more (timeout)"
    )]
    TimedOut {
        /// How long it was given.
        seconds: f64,
    },
    /// Too many questions at once.
    #[error("{limit} queries are running; try again when one has ended")]
    TooMany {
        /// How many may run.
        limit: usize,
    },
    /// Two writers at one tape.
    #[error("{id}: the tape was removed or added to meanwhile; try again")]
    Moved {
        /// The tape.
        id: String,
    },
    /// Anything else that `SQLite` refuses.
    #[error("{path}: {source}")]
    Sql {
        /// The database.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What the core refuses: a tape that cannot be read, a parameter, an interruption.
    #[error(transparent)]
    Core(#[from] booktape_core::Error),
}

impl StoreError {
    /// What `SQLite` said of a database.
    pub(crate) fn of(path: &Path, source: rusqlite::Error) -> Self {
        let (path, why) = (path.to_owned(), source.to_string());
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { path, why },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { path, why },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly { path, why }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path, why },
            Some(ErrorCode::OperationInterrupted) => Self::Core(booktape_core::Error::Interrupted),
            _ => Self::Sql { path, source },
        }
    }

    /// What the system said of a file or folder that is to be written.
    pub(crate) fn io(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| {
            let path = path.to_owned();
            match source.kind() {
                io::ErrorKind::PermissionDenied
                | io::ErrorKind::ReadOnlyFilesystem
                | io::ErrorKind::NotADirectory => Self::ReadOnly { path, why: source.to_string() },
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Self::Full { path, why: source.to_string() }
                }
                _ => Self::Io { path, source },
            }
        }
    }
}
