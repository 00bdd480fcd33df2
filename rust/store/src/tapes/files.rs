//! Files of finished segments: opened when they are read, so many of them open at once in the whole process, however many
//! segments its tapes have.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use booktape_core::tape::{ReadAt, Scan, Segment};

/// Files that are kept open; opening one takes some ten microseconds.
const KEPT: usize = 128;

static OPEN: Mutex<Open> = Mutex::new(Open { kept: VecDeque::new(), segments: BTreeMap::new(), next: 0 });

struct Open {
    /// By the numbers of their segments, those that were read last at the end.
    kept: VecDeque<(u64, Arc<File>)>,
    /// All that somebody may read.
    segments: BTreeMap<PathBuf, Weak<SegmentFile>>,
    next: u64,
}

/// The file of a finished segment.
#[derive(Debug)]
struct SegmentFile {
    path: PathBuf,
    number: u64,
    /// The file once it has no name any more: whoever reads it reads on.
    nameless: OnceLock<Arc<File>>,
}

/// A finished segment, by its path and what is in it.
pub(super) fn segment(path: &Path, scan: Scan) -> Segment {
    let mut open = lock();
    let file = Arc::new(SegmentFile { path: path.to_owned(), number: open.next, nameless: OnceLock::new() });
    open.next += 1;
    open.segments.insert(path.to_owned(), Arc::downgrade(&file));
    Segment { scan, path: path.to_string_lossy().into_owned(), file }
}

/// Sees to it that whoever reads a segment reads on when its file, or a folder above it, has lost its name.
pub(super) fn keep_open(below: &Path) {
    let of_folder = |(path, _): &(&PathBuf, _)| path.starts_with(below);
    let open = lock();
    let found: Vec<Weak<SegmentFile>> =
        open.segments.range(below.to_owned()..).take_while(of_folder).map(|(_, file)| file.clone()).collect();
    drop(open);
    for file in found {
        // Let go of without the lock, which it takes if it is the last.
        let Some(file) = file.upgrade() else { continue };
        // Where the system has no more files for it, whoever reads on is told that it is gone.
        if let Ok(open) = lock().file(&file) {
            let _ = file.nameless.set(open);
        }
    }
}

fn lock() -> MutexGuard<'static, Open> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Open {
    fn file(&mut self, segment: &SegmentFile) -> io::Result<Arc<File>> {
        if let Some(file) = segment.nameless.get() {
            return Ok(Arc::clone(file));
        }
        let place = self.kept.iter().position(|(number, _)| *number == segment.number);
        let file = match place.and_then(|place| self.kept.remove(place)) {
            Some((_, file)) => file,
            None => Arc::new(File::open(&segment.path)?),
        };
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((segment.number, Arc::clone(&file)));
        Ok(file)
    }
}

impl ReadAt for SegmentFile {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let file = lock().file(self)?;
        FileExt::read_exact_at(&*file, buffer, offset)
    }
}

impl Drop for SegmentFile {
    fn drop(&mut self) {
        let mut open = lock();
        open.kept.retain(|(number, _)| *number != self.number);
        // The same segment may have been opened again meanwhile.
        if open.segments.get(&self.path).is_some_and(|file| file.strong_count() == 0) {
            open.segments.remove(&self.path);
        }
    }
}
