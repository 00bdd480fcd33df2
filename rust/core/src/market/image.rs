//! One book and all that is known about it as few bytes: what a keyframe holds.
//!
//! The [book's own image](Book::encode), then what was counted, noted and seen around it. Options are a 0 or a 1 and the
//! value; times are whole, since there are few.

use super::entry::Entry;
use super::watch::{CompleteSince, CrossedPeriod, Trade, Watch};
use super::{Cause, Tally};
use crate::book::{Book, ImageError, LevelView, Overlap};
use crate::matching::Bbo;
use crate::types::varint::{get_i64, get_u64, put_i64, put_u64};
use crate::types::{Anomaly, AnomalyKind, BookKey, Nanos, Notes, Price, Side};

type Result<T> = std::result::Result<T, ImageError>;

const SIDES: [Option<Side>; 3] = [None, Some(Side::Bid), Some(Side::Ask)];
const OVERLAPS: [Overlap; 3] = [Overlap::Apart, Overlap::Locked, Overlap::Crossed];
const CAUSES: [Cause; 2] = [Cause::Snapshot, Cause::Clear];
/// Fields that an invalid record can be invalid in.
const FIELDS: [&str; 3] = ["action", "side", "price"];

impl Entry {
    /// Appends the entry's image.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        self.book.encode(out);
        put_u64(out, self.first);
        for number in self.tally.to_numbers() {
            put_u64(out, number);
        }
        for (kind, count) in self.notes.counts().iter() {
            put_u64(out, count);
            if let Some(sample) = self.notes.first(kind) {
                put_u64(out, sample.index);
                put_anomaly(out, sample.anomaly);
            }
        }
        put_watch(out, &self.watch);
    }

    /// The entry of an image.
    ///
    /// # Errors
    /// [`ImageError`] for bytes that are none.
    pub(crate) fn decode(key: BookKey, input: &mut &[u8]) -> Result<Self> {
        let book = Book::decode(input)?;
        let first = number(input)?;
        let mut numbers = [0; 7];
        for number in &mut numbers {
            *number = self::number(input)?;
        }
        let mut notes = Notes::of(key);
        for kind in AnomalyKind::ALL {
            let count = number(input)?;
            if count > 0 {
                notes.begin(number(input)?);
                notes.restore(get_anomaly(kind, input)?, count);
            }
        }
        let watch = get_watch(input)?;
        Ok(Self { key, book, watch, tally: Tally::from_numbers(numbers), notes, first })
    }
}

fn put_watch(out: &mut Vec<u8>, watch: &Watch) {
    let Watch { settled, overlap, channel_id, reset_at, complete_since, crossed_trade, .. } = watch;
    for level in [settled.bid, settled.ask] {
        option(out, level, |out, LevelView { price, size, count }| {
            put_i64(out, price.0);
            put_u64(out, size);
            put_u64(out, u64::from(count));
        });
    }
    place(out, &OVERLAPS, overlap);
    put_u64(out, u64::from(*channel_id));
    option(out, *reset_at, put_u64);
    option(out, *complete_since, |out, CompleteSince { cause, index, ts_recv }| {
        place(out, &CAUSES, &cause);
        put_u64(out, index);
        put_u64(out, ts_recv.0);
    });
    option(out, *crossed_trade, put_u64);
    option(out, watch.last_trade, |out, Trade { price, size, side, ts_recv }| {
        put_i64(out, price.0);
        put_u64(out, u64::from(size));
        place(out, &SIDES, &side);
        put_u64(out, ts_recv.0);
    });
    option(out, watch.settlement, |out, price| put_i64(out, price.0));
    put_u64(out, watch.volume);
    option(out, watch.crossed, put_period);
    put_u64(out, watch.periods_omitted);
    put_u64(out, watch.past_crossed.len() as u64);
    for &period in &watch.past_crossed {
        put_period(out, period);
    }
}

fn get_watch(input: &mut &[u8]) -> Result<Watch> {
    let mut level = || {
        get_option(input, |input| {
            Ok(LevelView { price: price(input)?, size: number(input)?, count: small(input)? })
        })
    };
    let settled = Bbo { bid: level()?, ask: level()? };
    Ok(Watch {
        settled,
        overlap: one_of(&OVERLAPS, input)?,
        channel_id: small(input)?,
        reset_at: get_option(input, number)?,
        complete_since: get_option(input, |input| {
            let cause = one_of(&CAUSES, input)?;
            Ok(CompleteSince { cause, index: number(input)?, ts_recv: Nanos(number(input)?) })
        })?,
        crossed_trade: get_option(input, number)?,
        last_trade: get_option(input, |input| {
            let (price, size, side) = (price(input)?, small(input)?, one_of(&SIDES, input)?);
            Ok(Trade { price, size, side, ts_recv: Nanos(number(input)?) })
        })?,
        settlement: get_option(input, price)?,
        volume: number(input)?,
        crossed: get_option(input, get_period)?,
        periods_omitted: number(input)?,
        past_crossed: {
            let periods = number(input)?;
            (0..periods).map(|_| get_period(input)).collect::<Result<_>>()?
        },
    })
}

fn put_period(out: &mut Vec<u8>, period: CrossedPeriod) {
    let CrossedPeriod { start, end, event_ends, trades } = period;
    for number in [start.0, end.0, event_ends, trades] {
        put_u64(out, number);
    }
}

fn get_period(input: &mut &[u8]) -> Result<CrossedPeriod> {
    let (start, end) = (Nanos(number(input)?), Nanos(number(input)?));
    Ok(CrossedPeriod { start, end, event_ends: number(input)?, trades: number(input)? })
}

fn put_anomaly(out: &mut Vec<u8>, anomaly: Anomaly) {
    match anomaly {
        Anomaly::UnknownCancel { order_id, asked } => {
            put_u64(out, order_id);
            put_u64(out, u64::from(asked));
        }
        Anomaly::UnknownModify { order_id } | Anomaly::DuplicateAdd { order_id } => put_u64(out, order_id),
        Anomaly::ConflictingAdd { order_id, side, price, size } => {
            put_u64(out, order_id);
            place(out, &SIDES, &Some(side));
            put_i64(out, price.0);
            put_u64(out, u64::from(size));
        }
        Anomaly::OverCancel { order_id, asked, resting } => {
            put_u64(out, order_id);
            put_u64(out, u64::from(asked));
            put_u64(out, u64::from(resting));
        }
        Anomaly::CancelMismatch { order_id, side, price } => {
            put_u64(out, order_id);
            place(out, &SIDES, &Some(side));
            put_i64(out, price.0);
        }
        Anomaly::ZeroSize { order_id, action } => {
            put_u64(out, order_id);
            put_u64(out, u64::from(action));
        }
        Anomaly::InvalidRecord { field, value, action } => {
            place(out, &FIELDS, &field);
            put_i64(out, value);
            put_u64(out, u64::from(action));
        }
        Anomaly::MaybeBadBook { channel_id } => put_u64(out, u64::from(channel_id)),
        Anomaly::CrossedWhileTrading { price, bid, ask } => {
            for price in [price, bid, ask] {
                put_i64(out, price.0);
            }
        }
        Anomaly::UnfinishedEvent => {}
    }
}

fn get_anomaly(kind: AnomalyKind, input: &mut &[u8]) -> Result<Anomaly> {
    let side = |input: &mut &[u8]| one_of(&SIDES, input)?.ok_or(damaged("an order on no side"));
    Ok(match kind {
        AnomalyKind::UnknownCancel => {
            Anomaly::UnknownCancel { order_id: number(input)?, asked: small(input)? }
        }
        AnomalyKind::UnknownModify => Anomaly::UnknownModify { order_id: number(input)? },
        AnomalyKind::DuplicateAdd => Anomaly::DuplicateAdd { order_id: number(input)? },
        AnomalyKind::ConflictingAdd => Anomaly::ConflictingAdd {
            order_id: number(input)?,
            side: side(input)?,
            price: price(input)?,
            size: small(input)?,
        },
        AnomalyKind::OverCancel => {
            Anomaly::OverCancel { order_id: number(input)?, asked: small(input)?, resting: small(input)? }
        }
        AnomalyKind::CancelMismatch => {
            Anomaly::CancelMismatch { order_id: number(input)?, side: side(input)?, price: price(input)? }
        }
        AnomalyKind::ZeroSize => {
            Anomaly::ZeroSize { order_id: number(input)?, action: char::from(small::<u8>(input)?) }
        }
        AnomalyKind::InvalidRecord => Anomaly::InvalidRecord {
            field: one_of(&FIELDS, input)?,
            value: get_i64(input).ok_or(ImageError::Cut)?,
            action: char::from(small::<u8>(input)?),
        },
        AnomalyKind::MaybeBadBook => Anomaly::MaybeBadBook { channel_id: small(input)? },
        AnomalyKind::CrossedWhileTrading => {
            Anomaly::CrossedWhileTrading { price: price(input)?, bid: price(input)?, ask: price(input)? }
        }
        AnomalyKind::UnfinishedEvent => Anomaly::UnfinishedEvent,
    })
}

const fn damaged(why: &'static str) -> ImageError {
    ImageError::Damaged { why }
}

fn number(input: &mut &[u8]) -> Result<u64> {
    get_u64(input).ok_or(ImageError::Cut)
}

fn small<T: TryFrom<u64>>(input: &mut &[u8]) -> Result<T> {
    T::try_from(number(input)?).map_err(|_| damaged("a number too large for its field"))
}

fn price(input: &mut &[u8]) -> Result<Price> {
    get_i64(input).map(Price).ok_or(ImageError::Cut)
}

fn option<T>(out: &mut Vec<u8>, value: Option<T>, put: impl FnOnce(&mut Vec<u8>, T)) {
    put_u64(out, u64::from(value.is_some()));
    if let Some(value) = value {
        put(out, value);
    }
}

fn get_option<T>(input: &mut &[u8], get: impl FnOnce(&mut &[u8]) -> Result<T>) -> Result<Option<T>> {
    match number(input)? {
        0 => Ok(None),
        1 => get(input).map(Some),
        _ => Err(damaged("an option that is neither there nor not")),
    }
}

/// Appends a value's place in its list.
fn place<T: PartialEq>(out: &mut Vec<u8>, list: &[T], value: &T) {
    put_u64(out, list.iter().position(|known| known == value).unwrap_or(0) as u64);
}

fn one_of<T: Copy>(list: &[T], input: &mut &[u8]) -> Result<T> {
    list.get(number(input)? as usize).copied().ok_or(damaged("a value that is none of its kind"))
}
