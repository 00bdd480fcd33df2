//! The life of an order as JSON.

use serde::Serialize;

use crate::audit::to_json;
use crate::error::Result;
use crate::feed::publisher_name;
use crate::tape::{Life, OrderLife, Tape};

#[derive(Serialize)]
struct Told<'a> {
    order_id: String,
    instrument_id: u32,
    symbol: Option<&'a str>,
    publisher_id: u16,
    publisher: String,
    lives: &'a [Life],
    lives_omitted: u64,
}

/// The life of an order as JSON: ids, prices and times as strings, sizes, counts and indexes as numbers.
///
/// # Errors
/// [`crate::Error::Invariant`] if it does not serialize, which only a bug can cause.
pub fn order_life(tape: &Tape, life: &OrderLife) -> Result<Vec<u8>> {
    let OrderLife { order_id, key, lives, lives_omitted } = life;
    to_json(&Told {
        order_id: order_id.to_string(),
        instrument_id: key.instrument_id,
        symbol: tape.symbols().get(&key.instrument_id).map(String::as_str),
        publisher_id: key.publisher_id,
        publisher: publisher_name(key.publisher_id),
        lives,
        lives_omitted: *lives_omitted,
    })
}
