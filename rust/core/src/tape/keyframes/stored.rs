//! The index as a file: images as they are, then filters, then a directory that says where everything is.
//!
//! | part | content |
//! |---|---|
//! | magic | `BTINDEX1` |
//! | images | every keyframe's, one behind the other |
//! | filters | of order ids, 8-byte words, little-endian |
//! | directory | varints: what the index is of, the hash of the filters, books, keyframes, blocks, gaps |
//! | tail | size of the directory and its XXH3-64 hash, 8 bytes each |
//!
//! Images are read when they are needed; each is checked when it is decoded.

use std::sync::{Arc, RwLock};

use xxhash_rust::xxh3::xxh3_64;
use zerocopy::IntoBytes;

use super::filter::Filters;
use super::{BookFrames, Built, Frame, Image, Keyframes, Touched};
use crate::error::Result;
use crate::feed::Sink;
use crate::tape::reel::ReadAt;
use crate::types::BookKey;
use crate::types::varint::{get_u64, put_u64};

const MAGIC: &[u8; 8] = b"BTINDEX1";
const TAIL: u64 = 16;
/// An image is never this large: a book of some hundred million orders.
const LARGEST_IMAGE: u64 = 1 << 32;

/// Why a file is no index, or not the one of this tape.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoredError {
    /// The system refused.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Not what was written.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// Of other content.
    #[error("it is of other content, or of another version of booktape")]
    Stale,
}

impl Keyframes {
    /// Writes the index of content with a hash; `about` is whatever the caller wants to keep with it.
    ///
    /// # Errors
    /// Those of the sink; [`crate::Error::Io`] where images lie in a file that cannot be read any more.
    pub fn store(&self, hash: u64, about: &[u8], out: &mut Sink<'_>) -> Result<()> {
        let built = self.read();
        out.put(MAGIC)?;
        let mut directory = Vec::new();
        let filters = xxh3_64(built.orders.words().as_bytes());
        for number in [hash, built.end, filters, about.len() as u64] {
            put_u64(&mut directory, number);
        }
        directory.extend_from_slice(about);
        put_u64(&mut directory, built.books.len() as u64);
        let mut copied = Vec::new();
        for book in &built.books {
            put_u64(&mut directory, u64::from(book.key.publisher_id));
            put_u64(&mut directory, u64::from(book.key.instrument_id));
            put_u64(&mut directory, book.frames.len() as u64);
            for frame in &book.frames {
                let image = match &frame.image {
                    Image::Empty => &[],
                    Image::Memory(bytes) => bytes.as_ref(),
                    Image::File { offset, size } => {
                        copied.resize(*size as usize, 0);
                        if let Some(file) = &built.file {
                            file.read_exact_at(&mut copied, *offset).map_err(|source| out.failed(source))?;
                        }
                        copied.as_slice()
                    }
                };
                out.put(image)?;
                put_u64(&mut directory, frame.position);
                put_u64(&mut directory, image.len() as u64);
                put_u64(&mut directory, frame.touched.distances.len() as u64);
                directory.extend_from_slice(&frame.touched.distances);
            }
        }
        put_u64(&mut directory, built.gaps.len() as u64);
        for (&(publisher_id, channel_id), blocks) in &built.gaps {
            for number in [u64::from(publisher_id), u64::from(channel_id), blocks.len() as u64] {
                put_u64(&mut directory, number);
            }
            for &block in blocks {
                put_u64(&mut directory, block);
            }
        }
        out.put(built.orders.words().as_bytes())?;
        out.put(&directory)?;
        out.put(&(directory.len() as u64).to_le_bytes())?;
        out.put(&xxh3_64(&directory).to_le_bytes())
    }

    /// The index in a file of `size` bytes, and what was kept with it; of content with a hash and so many records.
    ///
    /// # Errors
    /// [`StoredError`]: whoever gets one builds the index again.
    pub fn load(
        file: Arc<dyn ReadAt>,
        size: u64,
        hash: u64,
    ) -> std::result::Result<(Self, Vec<u8>), StoredError> {
        const CUT: StoredError = StoredError::Damaged("it is cut off");
        let read = |offset: u64, size: u64| {
            let mut bytes = vec![0; usize::try_from(size).map_err(|_| CUT)?];
            file.read_exact_at(&mut bytes, offset)?;
            Ok::<_, StoredError>(bytes)
        };
        let tail = size.checked_sub(TAIL).filter(|tail| *tail >= MAGIC.len() as u64).ok_or(CUT)?;
        if read(0, MAGIC.len() as u64)? != MAGIC {
            return Err(StoredError::Stale);
        }
        let mut numbers = [0; 2];
        file.read_exact_at(numbers.as_mut_bytes(), tail)?;
        let [directory_size, directory_hash] = numbers.map(u64::from_le);
        let start =
            tail.checked_sub(directory_size).filter(|start| *start >= MAGIC.len() as u64).ok_or(CUT)?;
        let directory = read(start, directory_size)?;
        if xxh3_64(&directory) != directory_hash {
            return Err(StoredError::Damaged("its directory does not have its hash"));
        }
        let Parsed { mut built, about, images_end, filters_hash } =
            parse(&mut directory.as_slice(), hash).ok_or(CUT)??;
        let words = Filters::words_for(built.end);
        if images_end + 8 * words != start {
            return Err(StoredError::Damaged("its parts do not fit together"));
        }
        let mut filters = vec![0_u64; words as usize];
        file.read_exact_at(filters.as_mut_bytes(), images_end)?;
        // A bit that is gone would hide an order without a word.
        if xxh3_64(filters.as_bytes()) != filters_hash {
            return Err(StoredError::Damaged("its filters do not have their hash"));
        }
        built.orders = Filters::from_words(filters.into_iter().map(u64::from_le).collect());
        built.file = Some(file);
        Ok((Self { built: RwLock::new(built), ..Self::default() }, about))
    }
}

/// What a directory says.
struct Parsed {
    built: Built,
    about: Vec<u8>,
    images_end: u64,
    filters_hash: u64,
}

/// Reads a directory; `None` if it is cut off.
fn parse(input: &mut &[u8], hash: u64) -> Option<std::result::Result<Parsed, StoredError>> {
    if get_u64(input)? != hash {
        return Some(Err(StoredError::Stale));
    }
    let mut built = Built { end: get_u64(input)?, ..Built::default() };
    let filters_hash = get_u64(input)?;
    let size = get_u64(input)?;
    let about = take(input, size)?.to_vec();
    let mut offset = MAGIC.len() as u64;
    for slot in 0..get_u64(input)? {
        let publisher_id = u16::try_from(get_u64(input)?).ok()?;
        let key = BookKey { publisher_id, instrument_id: u32::try_from(get_u64(input)?).ok()? };
        let mut frames = Vec::new();
        for _ in 0..get_u64(input)? {
            let (position, size) = (get_u64(input)?, get_u64(input)?);
            let touched = get_u64(input)?;
            let touched = Touched::of(take(input, touched)?, position);
            if size > LARGEST_IMAGE || position > built.end {
                return Some(Err(StoredError::Damaged("a keyframe that cannot be")));
            }
            let image = if size == 0 { Image::Empty } else { Image::File { offset, size } };
            offset += size;
            built.image_bytes += size;
            frames.push(Frame { position, image, touched });
        }
        if frames.is_empty() || !frames.is_sorted_by_key(|frame| frame.position) {
            return Some(Err(StoredError::Damaged("keyframes out of order")));
        }
        built.slots.insert(key, slot as usize);
        built.books.push(BookFrames { key, frames });
    }
    for _ in 0..get_u64(input)? {
        let channel = (u16::try_from(get_u64(input)?).ok()?, u8::try_from(get_u64(input)?).ok()?);
        let count = get_u64(input)?;
        let blocks: Option<Vec<u64>> = (0..count).map(|_| get_u64(input)).collect();
        built.gaps.insert(channel, blocks?);
    }
    Some(Ok(Parsed { built, about, images_end: offset, filters_hash }))
}

fn take<'a>(input: &mut &'a [u8], size: u64) -> Option<&'a [u8]> {
    let (taken, rest) = input.split_at_checked(usize::try_from(size).ok()?)?;
    *input = rest;
    Some(taken)
}

impl Touched {
    fn of(distances: &[u8], position: u64) -> Self {
        let mut touched = Self { distances: distances.to_vec(), last: None };
        touched.last = touched.before(u64::MAX, position).last();
        touched
    }
}
