//! The `full` format: one record an event, with what it did to the market.

use super::json::{event_id, field, string, text};
use crate::book::Effect;
use crate::feed::publisher_name;
use crate::market::Outcome;
use crate::types::{MboRecord, Side};

/// Appends one event.
pub(super) fn event(out: &mut Vec<u8>, ids: &str, index: u64, record: &MboRecord, outcome: &Outcome) {
    event_id(out, ids, index + 1);
    text(out, "\ndata: {\"mbo_msg\":");
    mbo_msg(out, record);
    text(out, ",\"market_effect\":");
    market_effect(out, record, outcome);
    text(out, "}\n\n");
}

/// Appends the record; integers are JSON numbers, codes ASCII numbers, as existing clients of this route expect.
fn mbo_msg(out: &mut Vec<u8>, record: &MboRecord) {
    field(out, "{\"hd\":{\"length\":", record.length);
    field(out, ",\"rtype\":", record.rtype);
    field(out, ",\"publisher_id\":", record.publisher_id);
    field(out, ",\"instrument_id\":", record.instrument_id);
    field(out, ",\"ts_event\":", record.ts_event);
    field(out, "},\"order_id\":", record.order_id);
    field(out, ",\"price\":", record.price);
    field(out, ",\"size\":", record.size);
    field(out, ",\"flags\":", record.flags);
    field(out, ",\"channel_id\":", record.channel_id);
    field(out, ",\"action\":", record.action);
    field(out, ",\"side\":", record.side);
    field(out, ",\"ts_recv\":", record.ts_recv);
    field(out, ",\"ts_in_delta\":", record.ts_in_delta);
    field(out, ",\"sequence\":", record.sequence);
    out.push(b'}');
}

/// Appends what a record did to the market, as JSON.
pub fn market_effect(out: &mut Vec<u8>, record: &MboRecord, outcome: &Outcome) {
    if outcome.created {
        text(out, "{\"publisher_created\":");
        string(out, &publisher_name(record.publisher_id));
    } else {
        text(out, "{\"publisher_created\":null");
    }
    text(out, ",\"book_effect\":");
    match outcome.effect {
        Effect::Unchanged => text(out, "{\"Ok\":null}"),
        Effect::Added { side, price, size } => {
            text(out, "{\"Ok\":{\"Add\":{");
            quantity(out, side, price.0, size);
        }
        Effect::Cancelled { side, price, size } => {
            text(out, "{\"Ok\":{\"Cancel\":{");
            quantity(out, side, price.0, size);
        }
        Effect::Modified { side, old_price, new_price, old_size, new_size } => {
            text(out, "{\"Ok\":{\"Modify\":{");
            text(out, side_field(side));
            field(out, ",\"old_price\":", old_price.0);
            field(out, ",\"new_price\":", new_price.0);
            field(out, ",\"old_size\":", old_size);
            field(out, ",\"new_size\":", new_size);
            text(out, "}}}");
        }
        Effect::Skipped(anomaly) => {
            text(out, "{\"Err\":");
            string(out, &anomaly.to_string());
            out.push(b'}');
        }
    }
    out.push(b'}');
}

fn quantity(out: &mut Vec<u8>, side: Side, price: i64, size: u32) {
    text(out, side_field(side));
    field(out, ",\"price\":", price);
    field(out, ",\"size\":", size);
    text(out, "}}}");
}

const fn side_field(side: Side) -> &'static str {
    match side {
        Side::Bid => "\"side\":\"Bid\"",
        Side::Ask => "\"side\":\"Ask\"",
    }
}
