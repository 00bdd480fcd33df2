//! DBN in and out: versions 1 to 3, plain and zstd. The only module that knows the `dbn` crate.
//!
//! [`read`] takes any reader and gives [`Contents`]: the metadata, the MBO records in one block, and whatever else the
//! stream held beside them. It reads in pieces of bounded size, and every fault says at which record and byte it sits.

mod aside;
mod behind;
mod current;
mod fragments;
mod metadata;
mod parse;
mod pieces;
mod source;
mod text;
mod whole;
mod write;

use std::cell::RefCell;
use std::io::Read;

pub use aside::{Aside, AsideFact, TYPE_NAMES, encode_gap};
pub use current::{AsideKind, Definition, Upgrade, symbol_mapping};
pub use fragments::{Decoded, Fragments, Part};
pub use metadata::{Interval, Metadata, publisher_name};
pub use pieces::{Compressed, Pieces};
pub use source::{Limits, is_zstd, open_file};
pub use text::Text;
pub use whole::{Sink, Whole, write_whole};
pub use write::{encode_record, write_records};

use crate::error::{Error, Fault, Result};
use crate::types::MboRecord;

/// Called now and then with the work done and the whole of it, in the same unit; an error stops the work.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64) -> Result<()>;

/// Consecutive records of a stream.
#[derive(Clone, Debug, Default)]
pub struct Piece {
    /// Index of the first MBO record.
    pub first: u64,
    /// MBO records, in order.
    pub records: Vec<MboRecord>,
    /// `ts_out` of every record, where the stream carries it; else empty.
    pub ts_outs: Vec<u64>,
    /// Records of other types, with their places.
    pub aside: Vec<Aside>,
}

impl Piece {
    /// Index of the MBO record after the last.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    /// Takes the records away: the next piece begins here.
    #[must_use]
    pub fn take(&mut self) -> Self {
        self.take_for(Self::default())
    }

    /// Takes the records away and leaves the memory of a piece that nobody needs any more.
    #[must_use]
    pub fn take_for(&mut self, mut spare: Self) -> Self {
        spare.clear();
        spare.first = self.end();
        std::mem::replace(self, spare)
    }

    /// Forgets the records, but not their memory: the next piece begins here.
    pub fn clear(&mut self) {
        self.first = self.end();
        self.records.clear();
        self.ts_outs.clear();
        self.aside.clear();
    }
}

/// What a DBN stream held.
#[derive(Debug)]
pub struct Contents {
    /// The stream's metadata.
    pub metadata: Metadata,
    /// Every record, or those since the last piece that was cleared.
    pub piece: Piece,
    /// Position after the last whole record in the decompressed stream.
    pub end: u64,
    /// What a tolerant reading left behind.
    pub left: Option<Fault>,
    /// Hash of everything read.
    pub hash: u64,
}

/// How to read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Keep the good prefix of a damaged stream instead of refusing it.
    pub tolerant: bool,
    /// Bounds on decompressed data.
    pub limits: Limits,
}

/// Reads a whole DBN stream. `size` is the stream's (compressed) size, for progress; 0 if unknown. After every piece that
/// was read `see` looks at what there is so far, and may clear it to keep memory bounded.
///
/// # Errors
/// [`Error::Input`] naming `name`, the record and the byte, for anything that is not a DBN stream of MBO records;
/// whatever `on_progress` and `see` return.
pub fn read<R: Read>(
    reader: R,
    name: &str,
    size: u64,
    options: Options,
    on_progress: Progress<'_>,
    see: &mut dyn FnMut(&Metadata, &mut Piece) -> Result<()>,
) -> Result<Contents> {
    let on_progress = RefCell::new(on_progress);
    let stopped = RefCell::new(None);
    let goes_on = |bytes: u64| match on_progress.borrow_mut()(bytes.min(size), size) {
        Ok(()) => true,
        Err(why) => {
            stopped.replace(Some(why));
            false
        }
    };
    let fault = |fault| stopped.take().unwrap_or_else(|| Error::Input { name: name.to_owned(), fault });
    let mut source = source::Source::open(reader, options.limits, &goes_on).map_err(fault)?;
    let metadata = Metadata::read(&mut source).map_err(fault)?;
    let mut parser = parse::Parser::new(&metadata, if source.is_compressed() { 0 } else { size });
    let damage = loop {
        let parsed = parser.parse(source.pending());
        source.consume(parser.consumed());
        parser.show(|piece| see(&metadata, piece))?;
        if let Err(found) = parsed {
            break Some(found);
        }
        on_progress.borrow_mut()(source.bytes_in().min(size), size)?;
        match source.fill() {
            Ok(0) => break parser.end(source.pending()).err(),
            Ok(_) => {}
            Err(found @ (Fault::TooLarge { .. } | Fault::Read { .. })) => return Err(fault(found)),
            Err(found) if stopped.borrow().is_some() => return Err(fault(found)),
            Err(found) => break Some(found),
        }
    };
    let left = damage.map(|found| found.at_record(parser.records_read(), parser.offset()));
    let left = match left {
        Some(found) if !options.tolerant => return Err(fault(found)),
        left => left,
    };
    let hash = source.hash();
    Ok(parser.into_contents(metadata, left, hash))
}
