//! The index of a tape whose earlier records were dropped: what it begins with, and what was built of the rest.

use std::sync::{Mutex, RwLock};

use super::{BookFrames, Built, Filters, Frame, Image, Keyframes, Touched};
use crate::tape::Origin;
use crate::tape::reel::BLOCK;

impl Keyframes {
    /// The index of what begins with an origin, and so far nothing of it.
    pub(crate) fn at(origin: &Origin) -> Self {
        Self { built: RwLock::new(Built::at(origin)), ..Self::default() }
    }

    /// What this index says of the records from an origin on.
    pub(crate) fn since(&self, origin: &Origin) -> Self {
        // Whoever builds keeps the two in step.
        let mut builder = self.builder();
        let old = self.read();
        let reaches = old.end > origin.first;
        let built = if reaches { old.since(origin) } else { Built::at(origin) };
        // Old heads begin anew in the unlikely case that they go on.
        let builder = if reaches { builder.take() } else { None };
        Self {
            built: RwLock::new(built),
            builder: Mutex::new(builder),
            worth: self.worth,
            rebuilt: Mutex::default(),
        }
    }
}

impl Built {
    pub(super) fn at(origin: &Origin) -> Self {
        let mut built = Self {
            first: origin.first,
            end: origin.first,
            orders: Filters::from(origin.first),
            ..Self::default()
        };
        for (key, image) in &origin.books {
            built.image_bytes += image.len() as u64;
            let image = Image::Memory(image.clone());
            let frame = Frame { position: origin.first, image, touched: Touched::default() };
            built.slots.insert(*key, built.books.len());
            built.books.push(BookFrames { key: *key, frames: vec![frame] });
        }
        built
    }

    fn since(&self, origin: &Origin) -> Self {
        let first = origin.first;
        let mut built = Self::at(origin);
        for book in &self.books {
            let after = book.frames.partition_point(|frame| frame.position <= first);
            let (before, later) = book.frames.split_at(after);
            let slot = *built.slots.entry(book.key).or_insert_with(|| {
                built.books.push(BookFrames { key: book.key, frames: Vec::new() });
                built.books.len() - 1
            });
            let Some(kept) = built.books.get_mut(slot) else { continue };
            match (kept.frames.last_mut(), before.last()) {
                (Some(begins), Some(last)) => begins.touched = last.touched.since(last.position, first),
                // Its first record is the first of all that are kept.
                (None, Some(last)) => kept.frames.push(last.clone()),
                (_, None) => {}
            }
            for frame in later {
                built.image_bytes += match &frame.image {
                    Image::Empty => 0,
                    Image::Memory(bytes) => bytes.len() as u64,
                    Image::File { size, .. } => *size,
                };
                kept.frames.push(frame.clone());
            }
        }
        for (channel, blocks) in &self.gaps {
            let kept: Vec<u64> = blocks.iter().copied().filter(|block| (block + 1) * BLOCK > first).collect();
            if !kept.is_empty() {
                built.gaps.insert(*channel, kept);
            }
        }
        built.orders = self.orders.since(first);
        built.file.clone_from(&self.file);
        built.end = self.end;
        built
    }
}
