//! The database's file: opened, recognised, and moved aside where it is damaged and may be.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::schema::{APPLICATION, INDICES, LATEST, MIGRATIONS, migrate, version};
use crate::DataFolder;
use crate::error::{Result, StoreError};

/// The database's name in the data folder.
pub const NAME: &str = "booktape.db";

/// How long a lock that another program holds is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Memory for pages of the connection that writes.
pub(super) const PAGES_KIB: i64 = 65_536;
/// Where `SQLite` puts what it sorts: of the first folder that is opened, since `SQLite` knows one for the process.
static SORTING: Once = Once::new();

/// What is given up for speed when the power fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Synchronous {
    /// The last commits may be missing after a power failure, never after the death of the process. They are made again
    /// from the tapes.
    #[default]
    Normal,
    /// Every commit is on the disk before it is said to be made.
    Full,
}

/// How much of the journal is written back to the database at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum WriteBack {
    /// As costs least: a page that changed many times is written once.
    Much,
    /// What somebody else has left of it.
    Rest,
    /// So little that the system is soon done with it: what it does for a thread of whatever priority, others wait for.
    Little,
}

impl WriteBack {
    /// Has a connection do so from its next commit on.
    pub fn set(self, connection: &Connection) -> rusqlite::Result<()> {
        let pages = match self {
            Self::Much => 12_288,
            Self::Rest => 32_768,
            Self::Little => 2_048,
        };
        connection.query_row(&format!("PRAGMA wal_autocheckpoint = {pages}"), (), |_| Ok(()))
    }
}

/// Where a database is, and what stands beside it.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub database: PathBuf,
}

impl Files {
    pub fn of(folder: &DataFolder) -> Self {
        Self { database: folder.path().join(NAME) }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.database.clone().into_os_string();
        name.push(suffix);
        name.into()
    }

    /// Says that the whole database is to be verified when it is opened next.
    pub fn suspect(&self) {
        // Without it the damage is found again where it is met again.
        let _ = File::create(self.beside(".suspect"));
    }

    pub fn bytes(&self) -> u64 {
        let size = |path: &Path| fs::metadata(path).map_or(0, |about| about.len());
        size(&self.database) + size(&self.beside("-wal"))
    }

    /// The connection that writes, to a database of the latest version.
    pub fn open(&self, spool: &Path, synchronous: Synchronous) -> Result<Connection> {
        let is_new = self.recognise()?;
        let path = &self.database;
        let sql = |source| StoreError::of(path, source);
        let mut connection = Connection::open_with_flags(path, writing()).map_err(sql)?;
        prepare(&connection, is_new, spool, synchronous).map_err(sql)?;
        let found = version(&connection).map_err(sql)?;
        if found > LATEST {
            return Err(self.newer(found));
        }
        migrate(&mut connection, MIGRATIONS).map_err(sql)?;
        let suspect = self.beside(".suspect");
        if suspect.exists() {
            verify(&connection, path)?;
            fs::remove_file(&suspect).map_err(StoreError::io(&suspect))?;
        }
        Ok(connection)
    }

    /// Whether there is none yet. Looks at the file alone, so that one that is not for this build stays as it is.
    fn recognise(&self) -> Result<bool> {
        let path = &self.database;
        let damaged = |why: &str| Err(StoreError::Damaged { path: path.clone(), why: why.to_owned() });
        let mut head = Vec::new();
        match File::open(path) {
            Ok(file) => file.take(100).read_to_end(&mut head).map_err(StoreError::io(path))?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(StoreError::io(path)(error)),
        };
        if head.is_empty() {
            return Ok(true);
        }
        let Some(magic) = head.get(..16) else { return damaged("its first bytes are missing") };
        if magic != b"SQLite format 3\0" {
            return damaged("it does not begin as a SQLite database does");
        }
        let number = |at: usize| {
            let bytes = head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
            i64::from(bytes.map_or(0, u32::from_be_bytes))
        };
        match (number(68), number(60)) {
            (APPLICATION, found) if found > LATEST => Err(self.newer(found)),
            // A process that died while it made the database has left it without a mark, and without tables.
            (APPLICATION, _) | (0, 0) => Ok(false),
            _ => Err(StoreError::Foreign { path: path.clone() }),
        }
    }

    fn newer(&self, found: i64) -> StoreError {
        StoreError::Newer { path: self.database.clone(), found, known: LATEST }
    }

    /// Moves a damaged database to a free name beside it.
    pub fn set_aside(&self) -> Result<PathBuf> {
        let io = StoreError::io(&self.database);
        let mut number = 1;
        let aside = loop {
            let candidate = self.beside(&format!(".damaged-{number}"));
            if !candidate.try_exists().map_err(&io)? {
                break candidate;
            }
            number += 1;
        };
        // First what has not reached it yet: were it left behind, it would be taken for the new one's.
        for (suffix, is_kept) in [("-wal", true), ("-shm", false), (".suspect", false)] {
            let from = self.beside(suffix);
            let mut to = aside.clone().into_os_string();
            to.push(suffix);
            let moved = if is_kept { fs::rename(&from, to) } else { fs::remove_file(&from) };
            match moved {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(error)),
                _ => {}
            }
        }
        fs::rename(&self.database, &aside).map_err(&io)?;
        Ok(aside)
    }
}

/// How the connection that writes does it.
fn prepare(
    connection: &Connection,
    is_new: bool,
    spool: &Path,
    synchronous: Synchronous,
) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    let mut sorting = Ok(());
    SORTING.call_once(|| {
        sorting = connection.pragma_update(None, "temp_store_directory", spool.to_string_lossy());
    });
    sorting?;
    if is_new {
        connection.pragma_update(None, "page_size", 8_192)?;
    }
    connection.query_row("PRAGMA journal_mode = WAL", (), |_| Ok(()))?;
    let synchronous = match synchronous {
        Synchronous::Normal => "NORMAL",
        Synchronous::Full => "FULL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "cache_size", -PAGES_KIB)?;
    WriteBack::Much.set(connection)?;
    // What stays of a journal that was larger: the space of one that is full.
    connection.query_row("PRAGMA journal_size_limit = 134217728", (), |_| Ok(()))
}

/// How a connection is opened that may write.
pub(super) fn writing() -> OpenFlags {
    flags(OpenFlags::SQLITE_OPEN_READ_WRITE)
}

fn flags(mode: OpenFlags) -> OpenFlags {
    // Each connection is used by one thread at a time, which the types say.
    let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if mode == OpenFlags::SQLITE_OPEN_READ_WRITE { flags | OpenFlags::SQLITE_OPEN_CREATE } else { flags }
}

/// A connection that only reads, and cannot reach any other file.
pub(super) fn reading(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags(OpenFlags::SQLITE_OPEN_READ_ONLY))?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    // A value that a query makes up must not fill the memory.
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, 1 << 20)?;
    connection.set_limit(Limit::SQLITE_LIMIT_WORKER_THREADS, 0)?;
    Ok(connection)
}

/// Reads the whole database, to see whether its parts fit together.
pub(super) fn verify(connection: &Connection, path: &Path) -> Result<()> {
    let said: String = connection
        .query_row("PRAGMA integrity_check(1)", (), |row| row.get(0))
        .map_err(|source| StoreError::of(path, source))?;
    let why = said.split_whitespace().collect::<Vec<_>>().join(" ");
    if why == "ok" { Ok(()) } else { Err(StoreError::Damaged { path: path.to_owned(), why }) }
}

/// Whether the indices are all there.
pub(super) fn has_indices(connection: &Connection) -> rusqlite::Result<bool> {
    let mut named =
        connection.prepare("SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name = ?")?;
    for (name, _) in INDICES {
        if named.query_row([name], |row| row.get::<_, i64>(0))? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}
