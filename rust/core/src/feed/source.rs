//! Where bytes come from: plain or zstd, told apart by their first bytes, decompressed within bounds.

use std::fs::File;
use std::io::{BufReader, Chain, Cursor, Read};
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Fault};

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Frames that carry no data, the first byte's lower half apart: parallel and seekable compressors write them.
const ZSTD_SKIPPABLE: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];
/// Large enough to make system calls and handing over between threads rare, small enough to stay in the processor's cache.
const PIECE: usize = 1024 * 1024;
/// Real MBO data compresses 4 to 10 times; a bomb compresses thousands of times.
const PLAUSIBLE_RATIO: u64 = 64;
/// Below this, a ratio says nothing.
const ALWAYS_ALLOWED: u64 = 256 * 1024 * 1024;

/// Whether bytes begin as zstd's do.
#[must_use]
pub fn is_zstd(bytes: &[u8]) -> bool {
    let Some(&[first, b, c, d]) = bytes.first_chunk() else { return false };
    [first, b, c, d] == ZSTD_MAGIC || [first & 0xf0, b, c, d] == ZSTD_SKIPPABLE
}

/// Opens a file for reading, and what the system says of it; a folder is refused.
///
/// # Errors
/// [`Error::Io`] naming the path.
pub fn open_file(path: &Path) -> Result<(File, std::fs::Metadata), Error> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    let about = file.metadata().map_err(io)?;
    if about.is_dir() {
        return Err(io(std::io::ErrorKind::IsADirectory.into()));
    }
    Ok((file, about))
}

/// Bounds on what compressed data may become.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Decompressed bytes allowed. `None`: 64 times the compressed size, and never less than 256 MiB.
    pub max_decompressed: Option<u64>,
}

impl Limits {
    fn allowed(self, compressed: u64) -> u64 {
        self.max_decompressed
            .unwrap_or_else(|| ALWAYS_ALLOWED.max(compressed.saturating_mul(PLAUSIBLE_RATIO)))
    }
}

/// Says, with the bytes read so far, whether to go on where a signal came while a read waited, as on a pipe.
pub(super) type GoesOn<'a> = &'a dyn Fn(u64) -> bool;

/// Counts what is read from the reader below.
struct Counted<'a, R> {
    reader: R,
    bytes: u64,
    goes_on: GoesOn<'a>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.reader.read(buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
                    if !(self.goes_on)(self.bytes) {
                        return Err(std::io::Error::other("stopped"));
                    }
                }
                done => return done.inspect(|n| self.bytes += *n as u64),
            }
        }
    }
}

type Begun<'a, R> = Chain<Cursor<Vec<u8>>, Counted<'a, R>>;

enum Stream<'a, R: Read> {
    Plain(Begun<'a, R>),
    Zstd(zstd::stream::read::Decoder<'static, BufReader<Begun<'a, R>>>),
}

/// Decompressed bytes, a bounded piece at a time.
pub(super) struct Source<'a, R: Read> {
    stream: Stream<'a, R>,
    limits: Limits,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    bytes_out: u64,
    hasher: Xxh3,
}

impl<'a, R: Read> Source<'a, R> {
    pub(super) fn open(reader: R, limits: Limits, goes_on: GoesOn<'a>) -> Result<Self, Fault> {
        let mut counted = Counted { reader, bytes: 0, goes_on };
        let mut magic = Vec::with_capacity(4);
        counted.by_ref().take(4).read_to_end(&mut magic).map_err(|source| Fault::Read { source })?;
        let is_zstd = is_zstd(&magic);
        let begun = Cursor::new(magic).chain(counted);
        let stream = if is_zstd {
            let decoder = zstd::stream::read::Decoder::with_buffer(BufReader::with_capacity(PIECE, begun))
                .map_err(|source| Fault::Read { source })?;
            Stream::Zstd(decoder)
        } else {
            Stream::Plain(begun)
        };
        Ok(Self {
            stream,
            limits,
            buffer: vec![0; PIECE],
            start: 0,
            end: 0,
            bytes_out: 0,
            hasher: Xxh3::new(),
        })
    }

    pub(super) const fn is_compressed(&self) -> bool {
        matches!(self.stream, Stream::Zstd(_))
    }

    /// Compressed (or plain) bytes taken from the reader so far.
    pub(super) fn bytes_in(&self) -> u64 {
        match &self.stream {
            Stream::Plain(begun) => begun.get_ref().1.bytes,
            Stream::Zstd(decoder) => decoder.get_ref().get_ref().get_ref().1.bytes,
        }
    }

    /// Bytes read and not yet consumed.
    pub(super) fn pending(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub(super) fn consume(&mut self, bytes: usize) {
        self.start += bytes.min(self.end - self.start);
    }

    /// Hash of every byte that came out so far.
    pub(super) fn hash(&self) -> u64 {
        self.hasher.digest()
    }

    /// Reads one more piece behind what is pending; 0 at the end.
    pub(super) fn fill(&mut self) -> Result<usize, Fault> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            // One record fits a piece a thousand times over; only metadata can be longer.
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let space = &mut self.buffer[self.end..];
        let read = match &mut self.stream {
            Stream::Plain(begun) => begun.read(space).map_err(|source| Fault::Read { source })?,
            Stream::Zstd(decoder) => decoder.read(space).map_err(|error| Fault::Zstd {
                record: 0,
                offset: self.bytes_out,
                why: error.to_string(),
            })?,
        };
        self.hasher.update(&self.buffer[self.end..self.end + read]);
        self.end += read;
        self.bytes_out += read as u64;
        if self.is_compressed() {
            let limit = self.limits.allowed(self.bytes_in());
            if self.bytes_out > limit {
                return Err(Fault::TooLarge { limit });
            }
        }
        Ok(read)
    }

    /// Makes at least `bytes` pending, or as many as there are.
    pub(super) fn fill_to(&mut self, bytes: usize) -> Result<(), Fault> {
        while self.pending().len() < bytes && self.fill()? > 0 {}
        Ok(())
    }
}
