//! Writing JSON by hand where a record costs nanoseconds: integers through `itoa`, everything else known text.

use itoa::Integer;

use crate::types::MboRecord;

/// Fields of a record in the compact `json` format, in order.
pub const COMPACT_FIELDS: [&str; 14] = [
    "index",
    "ts_recv",
    "ts_event",
    "publisher_id",
    "instrument_id",
    "action",
    "side",
    "order_id",
    "price",
    "size",
    "flags",
    "sequence",
    "ts_in_delta",
    "channel_id",
];

/// Appends text.
#[inline]
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Appends a number.
#[inline]
pub(super) fn number<I: Integer>(out: &mut Vec<u8>, value: I) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a number between quotes: 64-bit integers do not survive JavaScript's numbers.
#[inline]
pub(super) fn quoted<I: Integer>(out: &mut Vec<u8>, value: I) {
    out.push(b'"');
    number(out, value);
    out.push(b'"');
}

/// Appends `name` (with its punctuation) and a number.
#[inline]
pub(super) fn field<I: Integer>(out: &mut Vec<u8>, name: &str, value: I) {
    text(out, name);
    number(out, value);
}

/// Appends a code between quotes. Codes from damaged data may be any byte, also one that JSON must escape.
#[inline]
pub(super) fn code(out: &mut Vec<u8>, code: u8) {
    if code.is_ascii_graphic() && code != b'"' && code != b'\\' {
        out.extend_from_slice(&[b'"', code, b'"']);
    } else {
        text(out, &format!("\"\\u{:04x}\"", u32::from(code)));
    }
}

/// Appends a string between quotes, escaped.
pub(super) fn string(out: &mut Vec<u8>, value: &str) {
    text(out, &serde_json::Value::from(value).to_string());
}

/// Appends the line of an event's id: what stands before it, and the position behind the event.
#[inline]
pub(super) fn event_id(out: &mut Vec<u8>, ids: &str, position: u64) {
    text(out, "id: ");
    text(out, ids);
    number(out, position);
}

/// Appends a record as an array of [`COMPACT_FIELDS`].
pub(super) fn compact_record(out: &mut Vec<u8>, index: u64, record: &MboRecord) {
    out.push(b'[');
    number(out, index);
    out.push(b',');
    quoted(out, record.ts_recv);
    out.push(b',');
    quoted(out, record.ts_event);
    out.push(b',');
    number(out, record.publisher_id);
    out.push(b',');
    number(out, record.instrument_id);
    out.push(b',');
    code(out, record.action);
    out.push(b',');
    code(out, record.side);
    out.push(b',');
    quoted(out, record.order_id);
    out.push(b',');
    quoted(out, record.price);
    out.push(b',');
    number(out, record.size);
    out.push(b',');
    number(out, record.flags);
    out.push(b',');
    number(out, record.sequence);
    out.push(b',');
    number(out, record.ts_in_delta);
    out.push(b',');
    number(out, record.channel_id);
    out.push(b']');
}
