//! A record as a row of `mbo_messages`, and back.

use booktape_core::types::MboRecord;
use rusqlite::{Row, Statement};

use crate::error::{Result, StoreError};

/// Bits of a row's id that are the record's index; those above are its tape's number.
const INDEX_BITS: u32 = 40;
/// The highest number of a tape: ids are positive.
const LAST_NUMBER: i64 = (1 << (63 - INDEX_BITS)) - 1;

/// Every column, in the order of [`insert`] and [`record`].
pub(super) const COLUMNS: &str = "id, ts_recv, ts_event, instrument_id, publisher, order_id, action, side, price, size, \
                                  flags, sequence, ts_in_delta, channel_id";
pub(super) const INSERT: &str = "INSERT INTO mbo_messages (id, ts_recv, ts_event, instrument_id, publisher, order_id, \
                                 action, side, price, size, flags, sequence, ts_in_delta, channel_id) \
                                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// The id of the row of a tape's record.
pub(super) const fn id(number: i64, index: u64) -> i64 {
    number << INDEX_BITS | index.cast_signed()
}

/// Refuses records that an id could not tell from another tape's.
pub(super) fn check(number: i64, end: u64) -> Result<()> {
    if number <= LAST_NUMBER && end <= 1 << INDEX_BITS {
        return Ok(());
    }
    Err(StoreError::Query(format!(
        "{end} records of tape number {number} are beyond what a row's id can say"
    )))
}

/// The tape's number and the index of a row's record.
pub(super) const fn split(id: i64) -> (i64, u64) {
    (id >> INDEX_BITS, (id & ((1 << INDEX_BITS) - 1)).cast_unsigned())
}

/// Adds a record.
pub(super) fn insert(into: &mut Statement<'_>, id: i64, record: &MboRecord) -> rusqlite::Result<()> {
    let (mut action, mut side) = ([0; 2], [0; 2]);
    into.raw_bind_parameter(1, id)?;
    into.raw_bind_parameter(2, record.ts_recv.cast_signed())?;
    into.raw_bind_parameter(3, record.ts_event.cast_signed())?;
    into.raw_bind_parameter(4, record.instrument_id)?;
    into.raw_bind_parameter(5, record.publisher_id)?;
    into.raw_bind_parameter(6, record.order_id.cast_signed())?;
    // Codes of damaged data may be any byte: those beyond ASCII are the letters of Latin-1.
    into.raw_bind_parameter(7, &*char::from(record.action).encode_utf8(&mut action))?;
    into.raw_bind_parameter(8, &*char::from(record.side).encode_utf8(&mut side))?;
    into.raw_bind_parameter(9, record.price)?;
    into.raw_bind_parameter(10, record.size)?;
    into.raw_bind_parameter(11, record.flags)?;
    into.raw_bind_parameter(12, record.sequence)?;
    into.raw_bind_parameter(13, record.ts_in_delta)?;
    into.raw_bind_parameter(14, record.channel_id)?;
    into.raw_execute().map(drop)
}

/// A row's id and its record.
pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<(i64, MboRecord)> {
    let unsigned = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
    let code = |column| {
        let text = row.get_ref(column)?.as_str()?;
        Ok::<_, rusqlite::Error>(text.chars().next().map_or(0, |code| u32::from(code) as u8))
    };
    let record = MboRecord {
        ts_recv: unsigned(1)?,
        ts_event: unsigned(2)?,
        instrument_id: row.get(3)?,
        publisher_id: row.get(4)?,
        order_id: unsigned(5)?,
        action: code(6)?,
        side: code(7)?,
        price: row.get(8)?,
        size: row.get(9)?,
        flags: row.get(10)?,
        sequence: row.get(11)?,
        ts_in_delta: row.get(12)?,
        channel_id: row.get(13)?,
        ..MboRecord::default()
    };
    Ok((row.get(0)?, record))
}
