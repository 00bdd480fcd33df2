//! Any moment of a tape in milliseconds: states of books kept along the way, and where to go on from them.
//!
//! A **keyframe** is one book's state after a record, as few bytes. Each book has its own, as often as getting from one to
//! the next is worth it: going on costs time for every record of the book and for every block of the tape that has one, so
//! a quiet book's keyframes lie far apart, and all together stay below a share of the tape. Between two keyframes a list
//! says which blocks have records of the book: no others are read.
//!
//! The index grows with what is asked for: a moment beyond its end is reached by going on from there.

mod build;
mod filter;
mod kept;
mod restore;
mod stored;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::Tape;
use super::reel::{BLOCK, ReadAt};
use crate::types::{BookKey, varint};

use build::{Builder, RECORD_COST};
use filter::Filters;

pub(super) use filter::STRETCH;

pub use stored::StoredError;

/// The index of a tape: shared by all who read it, built as far as anybody went.
#[derive(Debug)]
pub struct Keyframes {
    built: RwLock<Built>,
    builder: Mutex<Option<Builder>>,
    /// A keyframe is due when going on from the one before would cost more, in nanoseconds.
    worth: u64,
    /// Why a stored index was given up and built again.
    rebuilt: Mutex<Option<String>>,
}

/// Going on for less is not felt, and keyframes so far apart take less than a tenth of the tape.
const WORTH: u64 = 600_000;

impl Default for Keyframes {
    fn default() -> Self {
        Self::every(WORTH)
    }
}

/// What is built so far.
#[derive(Debug, Default)]
struct Built {
    /// Where it begins: behind the records that were dropped.
    first: u64,
    /// Records indexed.
    end: u64,
    /// By slot, in order of appearance.
    books: Vec<BookFrames>,
    slots: HashMap<BookKey, usize, FixedState>,
    /// By publisher and channel: blocks in which the venue reported a gap.
    gaps: HashMap<(u16, u8), Vec<u64>, FixedState>,
    orders: Filters,
    /// Where images are that are not in memory.
    file: Option<Arc<dyn ReadAt>>,
    image_bytes: u64,
}

/// One book's keyframes, in order. The first stands before its first record and has no image, or where the tape begins, if
/// records of the book were dropped.
#[derive(Debug)]
struct BookFrames {
    key: BookKey,
    frames: Vec<Frame>,
}

#[derive(Clone, Debug)]
struct Frame {
    /// Records applied; the image holds the state after them.
    position: u64,
    image: Image,
    touched: Touched,
}

/// A book's state.
#[derive(Clone, Debug)]
enum Image {
    /// None yet: the book has had no record.
    Empty,
    Memory(Arc<[u8]>),
    File {
        offset: u64,
        size: u64,
    },
}

/// Blocks with records of a book, from a keyframe to the next: each as its distance from the one before.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Touched {
    distances: Vec<u8>,
    last: Option<u64>,
}

impl Touched {
    fn touch(&mut self, block: u64, position: u64) {
        let before = self.last.unwrap_or(position / BLOCK);
        varint::put_u64(&mut self.distances, block - before);
        self.last = Some(block);
    }

    /// The same from another position on.
    fn since(&self, position: u64, from: u64) -> Self {
        let mut since = Self::default();
        for block in self.before(u64::MAX, position).filter(|block| (block + 1) * BLOCK > from) {
            since.touch(block, from);
        }
        since
    }

    /// The blocks that have records before a position.
    fn before(&self, end: u64, position: u64) -> impl Iterator<Item = u64> + '_ {
        let mut input = self.distances.as_slice();
        let mut block = position / BLOCK;
        std::iter::from_fn(move || {
            block = block.checked_add(varint::get_u64(&mut input)?)?;
            block.checked_mul(BLOCK).filter(|first| *first < end).map(|_| block)
        })
    }
}

/// How large an index is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IndexSize {
    /// Records indexed.
    pub records: u64,
    /// Keyframes.
    pub keyframes: u64,
    /// Bytes of everything: images, lists of blocks, filters of order ids.
    pub bytes: u64,
}

impl Keyframes {
    /// An empty index with a keyframe of a book wherever going on from the one before would take so many nanoseconds.
    #[must_use]
    pub fn every(worth: u64) -> Self {
        Self { built: RwLock::default(), builder: Mutex::default(), worth, rebuilt: Mutex::default() }
    }

    /// Why a stored index was given up and built again, if so.
    #[must_use]
    pub fn rebuilt(&self) -> Option<String> {
        self.rebuilt.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets everything but where the tape begins.
    fn give_up(&self, tape: &Tape, why: String) {
        *self.builder() = None;
        *self.write() = tape.origin.as_deref().map(Built::at).unwrap_or_default();
        *self.rebuilt.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    fn read(&self) -> RwLockReadGuard<'_, Built> {
        self.built.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Built> {
        self.built.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn builder(&self) -> MutexGuard<'_, Option<Builder>> {
        self.builder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stretches of [`STRETCH`] records that may have some of an order, as far as the index goes.
    pub(super) fn stretches(&self, order_id: u64) -> Vec<u64> {
        self.read().orders.stretches(order_id).collect()
    }

    /// Records of a book beyond which a keyframe is the faster way.
    pub(super) const fn long_way(&self) -> u64 {
        self.worth / RECORD_COST
    }

    /// How large it is.
    #[must_use]
    pub fn size(&self) -> IndexSize {
        let built = self.read();
        let frames = || built.books.iter().flat_map(|book| &book.frames);
        let touched: u64 = frames().map(|frame| frame.touched.distances.len() as u64).sum();
        let gaps: u64 = built.gaps.values().map(|blocks| 8 * blocks.len() as u64).sum();
        IndexSize {
            records: built.end,
            keyframes: frames().filter(|frame| !matches!(frame.image, Image::Empty)).count() as u64,
            bytes: built.image_bytes + touched + gaps + built.orders.bytes(),
        }
    }
}
