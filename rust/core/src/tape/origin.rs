//! Where a tape begins whose earlier records were dropped: every book as it was before the first record that is kept.
//!
//! Indexes never shift: the first record that is kept has the index that it always had. What was said before it, and still
//! holds, is kept beside the books.
//!
//! | part | content |
//! |---|---|
//! | magic | `BTORIGN1` |
//! | numbers | varints: position, time of the record before, metadata, gaps, names, settlements, books with their images |
//! | tail | XXH3-64 hash of all before it, 8 bytes |

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::scan::{get_fact, get_key, get_text, put_fact, put_text};
use super::symbols::turn_of;
use super::{Tape, Turn};
use crate::error::{Error, Result};
use crate::feed::{AsideFact, Metadata};
use crate::types::varint::{get_u64, put_u64};
use crate::types::{BookKey, Nanos};

const MAGIC: &[u8; 8] = b"BTORIGN1";
const TAIL: usize = 8;

/// The state of a tape before the first record that it keeps.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Index of the first record kept.
    pub(super) first: u64,
    /// Time of the record before it.
    pub(super) ts_recv: Nanos,
    /// The tape's metadata.
    pub(super) metadata: Metadata,
    /// Those of the session that the record before it belongs to.
    pub(super) session: Metadata,
    /// By publisher and channel: the last record with which the venue reported a gap.
    pub(super) gaps: Vec<((u16, u8), u64)>,
    /// What was said, and what it precedes: the record before the first, for what has happened; the first, for what has not.
    pub(super) said: Vec<(u64, AsideFact)>,
    /// Every book, in order of appearance.
    pub(super) books: Vec<(BookKey, Arc<[u8]>)>,
}

impl Origin {
    /// Index of the first record kept.
    #[must_use]
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// Metadata of the session that lasted there.
    #[must_use]
    pub const fn session(&self) -> &Metadata {
        &self.session
    }

    /// What was said, as what happens to books.
    pub(super) fn turns(&self) -> impl Iterator<Item = (u64, Turn)> + '_ {
        self.said.iter().map(|(index, fact)| (*index, turn_of(fact)))
    }

    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self { first, ts_recv, metadata, session, gaps, said, books } = self;
        let mut out = MAGIC.to_vec();
        put_u64(&mut out, *first);
        put_u64(&mut out, ts_recv.0);
        put_text(&mut out, metadata.raw());
        put_text(&mut out, session.raw());
        put_u64(&mut out, gaps.len() as u64);
        for ((publisher_id, channel_id), index) in gaps {
            for number in [u64::from(*publisher_id), u64::from(*channel_id), *index] {
                put_u64(&mut out, number);
            }
        }
        put_u64(&mut out, said.len() as u64);
        for (index, fact) in said {
            put_u64(&mut out, *index);
            put_fact(&mut out, fact);
        }
        put_u64(&mut out, books.len() as u64);
        for (key, image) in books {
            put_u64(&mut out, u64::from(key.publisher_id));
            put_u64(&mut out, u64::from(key.instrument_id));
            put_text(&mut out, image);
        }
        let hash = xxh3_64(&out);
        out.extend_from_slice(&hash.to_le_bytes());
        out
    }

    /// The origin of bytes; `None` if they are none, or damaged.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (content, hash) = bytes.split_last_chunk::<TAIL>()?;
        let mut input = content.strip_prefix(MAGIC)?;
        let input = (xxh3_64(content).to_le_bytes() == *hash).then_some(&mut input)?;
        let (first, ts_recv) = (get_u64(input)?, Nanos(get_u64(input)?));
        let metadata = Metadata::from_raw(get_text(input)?).ok()?;
        let session = Metadata::from_raw(get_text(input)?).ok()?;
        let gap = |input: &mut &[u8]| {
            let channel = (u16::try_from(get_u64(input)?).ok()?, u8::try_from(get_u64(input)?).ok()?);
            Some((channel, get_u64(input)?))
        };
        let gaps = (0..get_u64(input)?).map(|_| gap(input)).collect::<Option<_>>()?;
        let said = (0..get_u64(input)?).map(|_| Some((get_u64(input)?, get_fact(input)?)));
        let said = said.collect::<Option<_>>()?;
        let book = |input: &mut &[u8]| Some((get_key(input)?, Arc::from(get_text(input)?)));
        let books = (0..get_u64(input)?).map(|_| book(input)).collect::<Option<_>>()?;
        input.is_empty().then_some(Self { first, ts_recv, metadata, session, gaps, said, books })
    }
}

impl Tape {
    /// What is left of the tape where its records before a position are dropped. `session` is that of the record before,
    /// `behind` what records of other types said between it and the next.
    ///
    /// # Errors
    /// [`Error::Parameter`] for the beginning, or a position behind the end; those of [`Tape::market_at`].
    pub fn origin_at(&self, position: u64, session: &Metadata, behind: &[AsideFact]) -> Result<Origin> {
        let market = self.market_at(position, None, &mut |_, _| Ok(()))?;
        let (Some(before), Some(ts_recv)) = (position.checked_sub(1), market.ts_recv()) else {
            return Err(Error::Parameter {
                name: "position",
                value: position.to_string(),
                expected: "one behind a record".to_owned(),
            });
        };
        let mut names: Vec<_> = market.symbols().iter().collect();
        names.sort();
        let names = names
            .into_iter()
            .map(|(&instrument_id, symbol)| AsideFact::Symbol { instrument_id, symbol: symbol.clone() });
        let mut settled: Vec<_> = market.settlements().collect();
        settled.sort();
        let settled = settled.into_iter().map(|(key, price)| AsideFact::Settlement {
            publisher_id: key.publisher_id,
            instrument_id: key.instrument_id,
            price,
        });
        // Each with its own index, which books are compared with.
        let missed = self
            .facts
            .iter()
            .filter(|(index, fact)| *index < position && matches!(fact, AsideFact::Missing { .. }));
        let said = missed.cloned().chain(names.chain(settled).map(|fact| (before, fact)));
        let said = said.chain(behind.iter().map(|fact| (position, fact.clone()))).collect();
        let books = market.entries().iter().map(|entry| {
            let mut image = Vec::new();
            entry.encode(&mut image);
            (entry.key, Arc::from(image))
        });
        Ok(Origin {
            first: position,
            ts_recv,
            metadata: self.metadata.clone(),
            session: session.clone(),
            gaps: market.gaps().collect(),
            said,
            books: books.collect(),
        })
    }

    /// Index of the first record that the tape keeps: 0, or that before which all were dropped.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.origin.as_ref().map_or(0, |origin| origin.first)
    }
}
