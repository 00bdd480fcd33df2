//! Live tapes: what comes is written to a segment first, and then shown, so that an index that anybody has seen means the same
//! record after the process was killed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use booktape_core::feed::{Decoded, Fragments, Metadata, Part, Piece};
use booktape_core::tape::{BlockCache, Growing, Tape};
use booktape_core::types::Nanos;
use booktape_core::{Error, Result};

use super::entry::{Entry, Kind};
use super::retain;
use super::segment::Writing;
use super::sync::{Background, SyncWhen};
use super::taking_up::TakenUp;
use crate::Owner;
use crate::folder::{io_error, sync_folder};

/// How a live tape is kept.
#[derive(Clone, Copy, Debug)]
pub struct LiveSettings {
    /// Bytes of a segment from which on the next one begins. About as much is held in memory.
    pub segment_bytes: u64,
    /// When records are brought to the disk.
    pub sync: SyncWhen,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, sync: SyncWhen::default() }
    }
}

/// Called after each batch, from the thread that appended it.
type OnGrowth = Arc<dyn Fn() + Send + Sync>;

/// A tape of the data folder that is written by one and read by many.
pub struct LiveTape {
    /// Nobody else writes to the folder for as long as this does.
    _owner: Owner,
    folder: PathBuf,
    growing: Arc<Growing>,
    cache: Arc<BlockCache>,
    settings: LiveSettings,
    writer: Mutex<Writer>,
    /// None where the tape was closed before it was opened.
    background: Option<Background>,
    /// Held while segments are dropped.
    retaining: Mutex<()>,
    on_growth: Mutex<Option<OnGrowth>>,
    cut: Vec<String>,
}

struct Writer {
    entry: Entry,
    /// What comes as a stream, as far as it has come.
    stream: Fragments,
    /// The metadata that records from now on belong to.
    session: Option<Arc<Metadata>>,
    segment: Option<Writing>,
}

/// Records on their way onto the tape.
struct Batch {
    /// The segment that begins with them, if one does.
    begins: Option<Writing>,
    /// The session that does.
    session: Option<Arc<Metadata>>,
    piece: Piece,
    bytes: u64,
}

impl LiveTape {
    /// The tape of a folder, which goes on where it ended.
    pub(super) fn open(owner: &Owner, folder: PathBuf, entry: Entry, settings: LiveSettings) -> Result<Self> {
        let cache = owner.folder().cache();
        let Kind::Live { epoch, dataset, closed } = &entry.kind else {
            return Err(Error::Conflict(format!("{} is not a live tape", entry.id)));
        };
        let (growing, session) = match retain::take_up(&folder)? {
            Some(origin) => {
                let session = Arc::new(origin.session().clone());
                (Growing::from_origin(entry.name.clone(), *epoch, origin)?, Some(session))
            }
            None => (Growing::new(entry.name.clone(), *epoch, placeholder(&entry.name, dataset)?)?, None),
        };
        let mut taken_up = TakenUp { growing, cache, session, cut: Vec::new() };
        let last = taken_up.segments(&folder)?;
        let TakenUp { growing, session, cut, .. } = taken_up;
        if *closed {
            growing.close();
        }
        let delay = match settings.sync {
            SyncWhen::SegmentEnds | SyncWhen::EveryBatch => Duration::ZERO,
            SyncWhen::Every(delay) => delay,
        };
        let background = (!closed).then(|| Background::start(folder.clone(), delay)).transpose();
        let background = background.map_err(io_error(&folder))?;
        let segment = last.filter(|_| !closed);
        let writer = Writer { entry, stream: Fragments::default(), session, segment };
        Ok(Self {
            _owner: owner.clone(),
            folder,
            growing: Arc::new(growing),
            cache: Arc::clone(cache),
            settings,
            writer: Mutex::new(writer),
            background,
            retaining: Mutex::default(),
            on_growth: Mutex::default(),
            cut,
        })
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn retaining(&self) -> MutexGuard<'_, ()> {
        self.retaining.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until every finished segment is on the disk, or one cannot get there; whether they are.
    pub(super) fn settle(&self) -> bool {
        self.background.as_ref().is_none_or(Background::settle)
    }

    /// What kept the background from bringing something to the disk, told once.
    fn check_background(&self) -> Result<()> {
        self.background.as_ref().map_or(Ok(()), Background::check)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The tape as it is now.
    #[must_use]
    pub fn head(&self) -> Arc<Tape> {
        self.growing.head()
    }

    /// The tape as those follow it who wait for more.
    #[must_use]
    pub const fn growing(&self) -> &Arc<Growing> {
        &self.growing
    }

    /// Whether no more will come.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.growing.is_closed()
    }

    /// What was cut off behind the last whole record when the tape was opened: a batch that was being written when the process
    /// or the system stopped, and that nobody had seen.
    #[must_use]
    pub fn cut(&self) -> &[String] {
        &self.cut
    }

    /// Has something called after each batch, and when the tape is closed, by the thread that does it: it must be quick, and
    /// not append. It replaces what was called before, and is let go when the tape is closed.
    pub fn on_growth(&self, call: Option<OnGrowth>) {
        *self.on_growth.lock().unwrap_or_else(PoisonError::into_inner) = call;
    }

    fn tell(&self) {
        let call = self.on_growth.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(call) = call {
            call();
        }
    }

    /// Appends the next bytes of a DBN stream, cut anywhere: metadata, then records of any type; another session's metadata
    /// may follow. How many MBO records became part of the tape; what is not whole waits for the rest.
    ///
    /// # Errors
    /// [`Error::Io`] where the bytes cannot be written, and [`Error::Input`] for a session that cannot follow the one before:
    /// nothing of them is on the tape then, and the same bytes may be appended again. [`Error::Input`] for bytes that are not
    /// DBN: whole records before them are on the tape, and a new session must begin. [`Error::Conflict`] for a closed tape.
    pub fn append(&self, bytes: &[u8]) -> Result<u64> {
        let mut writer = self.writer();
        self.check_open(&writer)?;
        let Decoded { bytes, parts, fault, next } = writer.stream.decode(bytes);
        let appended = self.put(&mut writer, &bytes, parts)?;
        if let Some(metadata) = next.metadata()
            && self.head().is_untouched()
        {
            self.growing.begin(metadata)?; // so that readers know what is to come
        }
        writer.stream = next;
        drop(writer);
        if appended > 0 {
            self.tell();
        }
        let name = || self.head().name().to_owned();
        fault.map_or(Ok(appended), |fault| Err(Error::Input { name: name(), fault }))
    }

    /// Appends whole records as DBN stores them, of the session that came last.
    ///
    /// # Errors
    /// Those of [`LiveTape::append`]; [`Error::Parameter`] for bytes that are not whole records, with nothing appended, and
    /// where no session has begun.
    pub fn append_records(&self, bytes: &[u8]) -> Result<u64> {
        let mut writer = self.writer();
        self.check_open(&writer)?;
        let refuse = |value: String, expected: &str| Error::Parameter {
            name: "records",
            value,
            expected: expected.to_owned(),
        };
        let session = writer.stream.metadata().or(writer.session.as_ref()).cloned();
        let Some(session) = session else {
            return Err(refuse("of no session".to_owned(), "append DBN that begins with its metadata first"));
        };
        if writer.stream.pending() > 0 {
            return Err(refuse("within a record".to_owned(), "the rest of a record that was begun"));
        }
        let decoded = Fragments::of(session).decode(bytes);
        if decoded.fault.is_some() || decoded.next.pending() > 0 {
            let why =
                decoded.fault.map_or("the last record is not whole".to_owned(), |fault| fault.to_string());
            return Err(refuse(format!("{} bytes", bytes.len()), &format!("whole records; {why}")));
        }
        let appended = self.put(&mut writer, &decoded.bytes, decoded.parts)?;
        drop(writer);
        self.tell();
        Ok(appended)
    }

    /// The metadata of the session that came last.
    #[must_use]
    pub fn session(&self) -> Option<Arc<Metadata>> {
        let writer = self.writer();
        writer.stream.metadata().or(writer.session.as_ref()).cloned()
    }

    /// Begins a session, whose records are appended next.
    ///
    /// # Errors
    /// Those of [`LiveTape::append`].
    pub fn begin(&self, metadata: &Metadata) -> Result<()> {
        self.append(metadata.raw()).map(drop)
    }

    /// No more will come.
    ///
    /// # Errors
    /// [`Error::Io`] where that cannot be written: the tape is open still.
    pub fn close(&self) -> Result<()> {
        let mut writer = self.writer();
        if self.is_closed() {
            return Ok(());
        }
        self.settle();
        self.check_background()?;
        if let Some(segment) = &writer.segment {
            segment.sync()?;
        }
        let mut entry = writer.entry.clone();
        if let Kind::Live { closed, .. } = &mut entry.kind {
            *closed = true;
        }
        entry.write(&self.folder)?;
        writer.entry = entry;
        if let Some(segment) = writer.segment.take() {
            self.finish(segment)?;
        }
        if let Some(background) = &self.background {
            background.stop();
        }
        self.growing.close();
        drop(writer);
        self.tell();
        self.on_growth(None);
        Ok(())
    }

    /// Brings what was appended so far to the disk.
    ///
    /// # Errors
    /// [`Error::Io`] where the system does not.
    pub fn sync(&self) -> Result<()> {
        let writer = self.writer();
        self.settle();
        self.check_background()?;
        writer.segment.as_ref().map_or(Ok(()), Writing::sync)
    }

    fn check_open(&self, writer: &Writer) -> Result<()> {
        if self.is_closed() {
            return Err(Error::Conflict(format!("{} is closed, nothing can be appended", writer.entry.id)));
        }
        self.check_background()
    }

    /// Writes parts, then shows them; or neither.
    fn put(&self, writer: &mut Writer, bytes: &[u8], parts: Vec<Part>) -> Result<u64> {
        let mut batches = Vec::with_capacity(parts.len());
        if let Err(error) = self.write(writer, bytes, parts, &mut batches) {
            batches.into_iter().filter_map(|batch| batch.begins).for_each(Writing::discard);
            if let Some(segment) = &mut writer.segment {
                segment.unmark();
                // Where this fails, too, the next append tries again.
                let _ = segment.undo();
            }
            return Err(error);
        }
        let mut appended = 0;
        for batch in batches {
            appended += batch.piece.records.len() as u64;
            self.publish(writer, batch)?;
        }
        Ok(appended)
    }

    fn write(
        &self,
        writer: &mut Writer,
        bytes: &[u8],
        parts: Vec<Part>,
        batches: &mut Vec<Batch>,
    ) -> Result<()> {
        let head = self.head();
        let mut next = head.len();
        for Part { metadata: session, range, piece } in parts {
            let bytes = bytes.get(range).unwrap_or_default();
            let first = next;
            next += piece.records.len() as u64;
            let is_new = writer.session.as_ref().is_none_or(|before| before.raw() != session.raw());
            let session_before = batches.iter().rev().find_map(|batch| batch.session.as_ref());
            let is_new = session_before.map_or(is_new, |before| before.raw() != session.raw());
            if is_new {
                head.after_session(&session)?;
            }
            let begun = batches.iter_mut().rev().find_map(|batch| batch.begins.as_mut());
            let current = begun.or(writer.segment.as_mut());
            let is_first = current.is_none();
            let limit = self.settings.segment_bytes;
            let batch = Batch {
                begins: None,
                session: is_new.then(|| Arc::clone(&session)),
                piece,
                bytes: bytes.len() as u64,
            };
            if let Some(current) = current.filter(|current| !is_new && !current.is_full(bytes.len(), limit)) {
                current.write(bytes)?;
                batches.push(batch);
                continue;
            }
            self.make_way(writer, batches)?;
            let mut begins = Writing::create(&self.folder, first, &session)?;
            let written = begins.write(bytes);
            batches.push(Batch { begins: Some(begins), ..batch });
            written?;
            if is_first {
                sync_folder(&self.folder)?; // the name of any other gets there with what comes before it
            }
        }
        if self.settings.sync == SyncWhen::EveryBatch && !batches.is_empty() {
            self.sync_written(writer, batches)?;
        }
        Ok(())
    }

    /// Sees to it that a segment may begin: at most one before it is not on the disk, and that one says how long it is.
    fn make_way(&self, writer: &Writer, batches: &[Batch]) -> Result<()> {
        if batches.iter().any(|batch| batch.begins.is_some()) {
            return self.sync_written(writer, batches);
        }
        self.settle();
        self.check_background()?;
        writer.segment.as_ref().map_or(Ok(()), Writing::mark)
    }

    /// Brings everything that is written to the disk, before it is shown.
    fn sync_written(&self, writer: &Writer, batches: &[Batch]) -> Result<()> {
        let mut begun = batches.iter().filter_map(|batch| batch.begins.as_ref()).peekable();
        let has_begun = begun.peek().is_some();
        writer.segment.iter().chain(begun).try_for_each(Writing::sync)?;
        if has_begun { sync_folder(&self.folder) } else { Ok(()) }
    }

    /// Has a segment read from its file from now on, and brought to the disk meanwhile.
    fn finish(&self, segment: Writing) -> Result<()> {
        let (segment, finished) = segment.finish();
        let before = self.head();
        self.growing.seal(segment, &self.cache)?;
        if let Some(background) = &self.background {
            background.finish(finished, before);
        }
        Ok(())
    }

    fn publish(&self, writer: &mut Writer, batch: Batch) -> Result<()> {
        let Batch { begins, session, piece, bytes } = batch;
        if let Some(begins) = begins
            && let Some(full) = writer.segment.replace(begins)
        {
            self.finish(full)?;
        }
        if let Some(session) = session {
            self.growing.begin(&session)?;
            writer.session = Some(session);
        }
        if let Some(segment) = &mut writer.segment {
            segment.publish(&piece, bytes);
            if let (SyncWhen::Every(_), Some(background)) = (self.settings.sync, &self.background) {
                background.wrote(segment.file());
            }
        }
        self.growing.append(piece)
    }
}

impl fmt::Debug for LiveTape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveTape")
            .field("folder", &self.folder)
            .field("head", &self.head())
            .finish_non_exhaustive()
    }
}

/// Metadata of a tape whose first session has not begun.
fn placeholder(name: &str, dataset: &str) -> Result<Metadata> {
    Metadata::for_mbo(dataset, &[], Nanos(0), Nanos(1))
        .map_err(|fault| Error::Input { name: name.to_owned(), fault })
}
