//! The tapes of a data folder: which there are, and the records of those that live nowhere else.
//!
//! | in `tapes/<id>/` | what |
//! |---|---|
//! | `tape.json` | what the tape is: written last when it is made, and whole or not at all |
//! | a file's own name | an upload |
//! | `<index>.dbn` | a segment of a live tape: a DBN file that begins with the record of that index |
//! | `<index>.scan` | what a finished segment holds, so that it need not be read to be opened; may be removed |
//! | `<index>.ends-<bytes>` | an empty file: how many bytes a segment has that may not be on the disk, though the next one began |
//! | `<index>.apart-<n>` | a segment that was taken out of the tape, as the one before it had lost its end |
//! | `<index>.origin` | every book as it was before that record, where records before it were dropped |
//! | `<index>.damaged-<byte>` | what was cut off behind a segment's last whole record and is not just half of one |
//!
//! A folder comes and goes under its name by being renamed, so that a tape is there or not; names that begin with a dot are of
//! tapes that were being made or removed.

mod entry;
mod feeder;
mod files;
mod finished;
mod live;
mod retain;
mod segment;
mod sync;
mod taking_up;
mod upload;

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use booktape_core::feed::{Metadata, Progress};
use booktape_core::tape::Growing;
use booktape_core::types::Nanos;
use booktape_core::{Error, Result};

pub use entry::{Entry, Kind};
pub use feeder::{Feeder, Pace};
pub use live::{LiveSettings, LiveTape};
pub use retain::{Dropped, Retention};
pub use sync::SyncWhen;
pub use upload::Upload;

use crate::folder::{io_error, sync_folder};
use crate::{DataFolder, Opened, Opening, Owner};

/// Tapes that are registered at most: each is looked at when the folder is opened.
const MOST: usize = 10_000;

/// The tapes of a data folder that this process owns.
#[derive(Debug)]
pub struct Tapes {
    owner: Owner,
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<String, Entry>,
    /// Those that are open: there is one writer of each.
    live: BTreeMap<String, Arc<LiveTape>>,
}

impl State {
    fn require_removable(&self, id: &str) -> Result<()> {
        let Some(entry) = self.entries.get(id) else {
            return Err(Error::NotFound(format!("no tape {id}")));
        };
        let is_open = matches!(entry.kind, Kind::Live { .. })
            && self.live.get(id).is_some_and(|live| !live.is_closed());
        if is_open { Err(Error::Conflict(format!("{id} is live; close it first"))) } else { Ok(()) }
    }
}

/// A tape of the data folder, opened.
#[derive(Debug)]
pub enum Found {
    /// One that stays as it is.
    File(Box<Opened>),
    /// One that may grow.
    Live(Arc<LiveTape>),
}

impl Tapes {
    /// The tapes of a folder. What was being made or removed when the process before ended is cleared away.
    ///
    /// # Errors
    /// [`Error::Io`] for a folder that cannot be read or written, [`Error::Conflict`] for an entry that is damaged, naming it.
    pub fn open(owner: Owner) -> Result<Self> {
        let folder = owner.folder().folder("tapes").map_err(io_error(owner.folder().path()))?;
        upload::clear(owner.folder())?;
        let mut entries = BTreeMap::new();
        for found in fs::read_dir(&folder).map_err(io_error(&folder))? {
            let found = found.map_err(io_error(&folder))?;
            let path = found.path();
            if found.file_name().as_encoded_bytes().starts_with(b".") {
                fs::remove_dir_all(&path).map_err(io_error(&path))?;
            } else if path.is_dir() {
                remove_parts(&path)?;
                let entry = Entry::read(&path)?;
                entries.insert(entry.id.clone(), entry);
            }
        }
        let state = Mutex::new(State { entries, live: BTreeMap::new() });
        Ok(Self { owner, folder, state })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The data folder.
    #[must_use]
    pub fn data_folder(&self) -> &DataFolder {
        self.owner.folder()
    }

    /// Every tape, in the order in which they came.
    #[must_use]
    pub fn list(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self.state().entries.values().cloned().collect();
        entries.sort_by_key(|entry| entry.order);
        entries
    }

    /// A tape's entry.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown id.
    pub fn entry(&self, id: &str) -> Result<Entry> {
        self.state().entries.get(id).cloned().ok_or_else(|| Error::NotFound(format!("no tape {id}")))
    }

    /// Registers a file by its path, and opens it. The file stays where it is; one whose content is registered already keeps
    /// its entry.
    ///
    /// # Errors
    /// Those of [`DataFolder::open`]; [`Error::Io`] where the data folder cannot be written.
    pub fn register(
        &self,
        path: &Path,
        opening: Opening,
        on_progress: Progress<'_>,
    ) -> Result<(Entry, Opened)> {
        let path = std::path::absolute(path).map_err(io_error(path))?;
        let opened = self.data_folder().open(&[&path], opening, on_progress)?;
        let mut state = self.state();
        let id = opened.tape.id();
        let kind = Kind::File { path };
        let entry = match state.entries.get(&id) {
            Some(Entry { kind: Kind::Upload { .. } | Kind::Live { .. }, .. }) => {
                state.entries.get(&id).cloned()
            }
            Some(known) if known.kind == kind => Some(known.clone()),
            // The same content elsewhere: it may have been moved.
            Some(known) => {
                let mut entry = known.clone();
                entry.kind = kind;
                entry.write(&self.folder.join(&id))?;
                state.entries.insert(id, entry.clone());
                Some(entry)
            }
            None => Some(self.add(&mut state, id, opened.tape.name().to_owned(), kind, |_| Ok(()))?),
        };
        let entry = entry.ok_or_else(|| Error::Invariant("a tape is registered and is not".to_owned()))?;
        Ok((entry, opened))
    }

    /// Begins a live tape. `dataset` is that of the tape until its first session says so.
    ///
    /// # Errors
    /// [`Error::Io`] where the data folder cannot be written; [`Error::Input`] for a dataset that DBN cannot hold.
    pub fn create_live(&self, name: &str, dataset: &str, settings: LiveSettings) -> Result<Arc<LiveTape>> {
        // Keyed anew by the system for each process, and different for each call.
        let epoch = RandomState::new().hash_one((std::process::id(), SystemTime::now()));
        let metadata = Metadata::for_mbo(dataset, &[], Nanos(0), Nanos(1))
            .map_err(|fault| Error::Input { name: name.to_owned(), fault })?;
        let id = Growing::new(name.to_owned(), epoch, metadata)?.head().id();
        let kind = Kind::Live { epoch, dataset: dataset.to_owned(), closed: false };
        let mut state = self.state();
        if state.entries.contains_key(&id) {
            return Err(Error::Conflict(format!("there is a tape {id} already; try again")));
        }
        let entry = self.add(&mut state, id.clone(), name.to_owned(), kind, |_| Ok(()))?;
        let live = self.open_live(entry, settings)?;
        state.live.insert(id, Arc::clone(&live));
        Ok(live)
    }

    fn open_live(&self, entry: Entry, settings: LiveSettings) -> Result<Arc<LiveTape>> {
        let folder = self.folder.join(&entry.id);
        LiveTape::open(&self.owner, folder, entry, settings).map(Arc::new)
    }

    /// Opens a tape.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown id; [`Error::Conflict`] where a file registered by its path is not there any more, or
    /// no longer holds what the id stands for; those of [`DataFolder::open`].
    pub fn open_tape(
        &self,
        id: &str,
        opening: Opening,
        settings: LiveSettings,
        on_progress: Progress<'_>,
    ) -> Result<Found> {
        let entry = self.entry(id)?;
        let path = match &entry.kind {
            Kind::Live { .. } => {
                let mut state = self.state();
                if let Some(live) = state.live.get(id) {
                    return Ok(Found::Live(Arc::clone(live)));
                }
                let live = self.open_live(entry, settings)?;
                state.live.insert(id.to_owned(), Arc::clone(&live));
                return Ok(Found::Live(live));
            }
            Kind::Upload { file } => self.folder.join(id).join(file),
            Kind::File { path } => path.clone(),
        };
        let opened = match self.data_folder().open(&[&path], opening, on_progress) {
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                let why = format!(
                    "{}: tape {id} is not there any more; put it back, or remove the tape",
                    path.display()
                );
                return Err(Error::Conflict(why));
            }
            opened => opened?,
        };
        let now = opened.tape.id();
        if now != id {
            let why = format!(
                "{}: tape {id} is not what it was, it is {now} now; register it again",
                path.display()
            );
            return Err(Error::Conflict(why));
        }
        Ok(Found::File(Box::new(opened)))
    }

    /// Says whether a tape could be removed, for those who have something else to remove before.
    ///
    /// # Errors
    /// [`Error::NotFound`] and [`Error::Conflict`] as [`Self::remove`] has them.
    pub fn require_removable(&self, id: &str) -> Result<()> {
        self.state().require_removable(id)
    }

    /// Removes a tape, with the files that the data folder owns and no other. Whoever reads it reads on.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown id; [`Error::Conflict`] for a live tape that is not closed; [`Error::Io`] where the
    /// data folder cannot be written.
    pub fn remove(&self, id: &str) -> Result<()> {
        let mut state = self.state();
        state.require_removable(id)?;
        let path = self.folder.join(id);
        let gone = self.folder.join(format!(".{id}.gone"));
        files::keep_open(&path);
        fs::rename(&path, &gone).map_err(io_error(&path))?;
        sync_folder(&self.folder)?;
        state.entries.remove(id);
        state.live.remove(id);
        drop(state);
        fs::remove_dir_all(&gone).map_err(io_error(&gone))
    }

    /// Drops the oldest segments of the live tapes that are open, as a retention says; what was dropped.
    ///
    /// # Errors
    /// Those of [`LiveTape::retain`], for the first tape that has one.
    pub fn retain(&self, retention: Retention, at: Nanos) -> Result<Vec<Dropped>> {
        let live: Vec<_> = self.state().live.values().cloned().collect();
        live.into_iter().filter_map(|live| live.retain(retention, at).transpose()).collect()
    }

    /// Makes a tape's folder, with what `fill` puts into it, and its entry last: there is all of it or nothing.
    fn add(
        &self,
        state: &mut State,
        id: String,
        name: String,
        kind: Kind,
        fill: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Entry> {
        if state.entries.len() >= MOST {
            return Err(Error::Conflict(format!("there are {MOST} tapes already; remove some")));
        }
        let order = state.entries.values().map(|entry| entry.order + 1).max().unwrap_or(0);
        let entry = Entry::new(id.clone(), name, now(), order, kind);
        let path = self.folder.join(&id);
        let making = self.folder.join(format!(".{id}.new"));
        fs::create_dir_all(&making).map_err(io_error(&making))?;
        let made = fill(&making)
            .and_then(|()| entry.write(&making))
            .and_then(|()| fs::rename(&making, &path).map_err(io_error(&path)));
        if let Err(error) = made {
            // If it stays it is cleared away when the folder is opened again.
            let _ = fs::remove_dir_all(&making);
            return Err(error);
        }
        sync_folder(&self.folder)?;
        state.entries.insert(id, entry.clone());
        Ok(entry)
    }
}

/// Removes what was being written to a tape's folder when a process ended.
fn remove_parts(folder: &Path) -> Result<()> {
    let io = io_error(folder);
    for found in fs::read_dir(folder).map_err(&io)? {
        let path = found.map_err(&io)?.path();
        if path.extension().is_some_and(|extension| extension == "part") {
            fs::remove_file(&path).map_err(io_error(&path))?;
        }
    }
    Ok(())
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
