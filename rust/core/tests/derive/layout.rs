//! Every column stands where Databento's own structs have it.

use std::mem::offset_of;

use booktape_core::derive::{Column, Kind, MBO, Schema};
use dbn::{BboMsg, BidAskPair, MboMsg, Mbp1Msg, Mbp10Msg, OhlcvMsg, TradeMsg};

fn offset(layout: &[Column], name: &str) -> usize {
    layout
        .iter()
        .find(|column| column.name == name)
        .map_or_else(|| panic!("no {name}"), |column| column.offset)
}

/// Compares the offsets of fields that every layout has and of those that are named.
macro_rules! pinned {
    ($layout:expr, $message:ty, [$($field:ident),*]) => {{
        let layout = $layout;
        assert_eq!(offset(layout, "rtype"), offset_of!($message, hd.rtype));
        assert_eq!(offset(layout, "publisher_id"), offset_of!($message, hd.publisher_id));
        assert_eq!(offset(layout, "instrument_id"), offset_of!($message, hd.instrument_id));
        assert_eq!(offset(layout, "ts_event"), offset_of!($message, hd.ts_event));
        $(assert_eq!(offset(layout, stringify!($field)), offset_of!($message, $field), stringify!($field));)*
        let bytes: usize = layout.iter().map(|column| column.kind.size()).sum();
        assert!(bytes < size_of::<$message>(), "length and reserved bytes are no columns");
        for column in layout {
            assert!(column.offset.is_multiple_of(column.kind.size()), "{column:?}");
            assert!(column.offset + column.kind.size() <= size_of::<$message>(), "{column:?}");
        }
        let mut offsets: Vec<_> = layout.iter().flat_map(|column| column.offset..column.offset + column.kind.size()).collect();
        offsets.sort_unstable();
        offsets.dedup();
        assert_eq!(offsets.len(), bytes, "columns overlap");
    }};
}

#[test]
fn columns_stand_where_databento_has_them() {
    pinned!(
        MBO,
        MboMsg,
        [order_id, price, size, flags, channel_id, action, side, ts_recv, ts_in_delta, sequence]
    );
    pinned!(
        Schema::Trades.layout(),
        TradeMsg,
        [price, size, action, side, flags, depth, ts_recv, ts_in_delta, sequence]
    );
    pinned!(
        Schema::Mbp1.layout(),
        Mbp1Msg,
        [price, size, action, side, flags, depth, ts_recv, ts_in_delta, sequence]
    );
    pinned!(
        Schema::Mbp10.layout(),
        Mbp10Msg,
        [price, size, action, side, flags, depth, ts_recv, ts_in_delta, sequence]
    );
    pinned!(Schema::Bbo1S.layout(), BboMsg, [price, size, side, flags, ts_recv, sequence]);
    pinned!(Schema::Ohlcv1D.layout(), OhlcvMsg, [open, high, low, close, volume]);
}

#[test]
fn levels_stand_where_databento_has_them() {
    let fields = [
        ("bid_px", offset_of!(BidAskPair, bid_px)),
        ("ask_px", offset_of!(BidAskPair, ask_px)),
        ("bid_sz", offset_of!(BidAskPair, bid_sz)),
        ("ask_sz", offset_of!(BidAskPair, ask_sz)),
        ("bid_ct", offset_of!(BidAskPair, bid_ct)),
        ("ask_ct", offset_of!(BidAskPair, ask_ct)),
    ];
    let deep = offset_of!(Mbp10Msg, levels);
    for (schema, levels, first) in [
        (Schema::Mbp1, 1, offset_of!(Mbp1Msg, levels)),
        (Schema::Mbp10, 10, deep),
        (Schema::Bbo1M, 1, offset_of!(BboMsg, levels)),
    ] {
        for level in 0..levels {
            for (name, at) in fields {
                let expected = first + level * size_of::<BidAskPair>() + at;
                assert_eq!(offset(schema.layout(), &format!("{name}_{level:02}")), expected);
            }
        }
    }
}

#[test]
fn sizes_types_and_names_are_databentos() {
    for schema in Schema::ALL {
        let theirs: dbn::Schema = schema.name().parse().unwrap();
        assert_eq!(schema.name(), theirs.as_str());
        let rtype = dbn::RType::from(theirs) as u8;
        assert_eq!(schema.rtype(), rtype, "{schema:?}");
        assert_eq!(Schema::named(schema.name()).unwrap(), schema);
    }
    assert_eq!(Schema::Trades.row_size(), size_of::<TradeMsg>());
    assert_eq!(Schema::Tbbo.row_size(), size_of::<dbn::TbboMsg>());
    assert_eq!(Schema::Mbp10.row_size(), size_of::<Mbp10Msg>());
    assert_eq!(Schema::Bbo1S.row_size(), size_of::<BboMsg>());
    assert_eq!(Schema::Ohlcv1H.row_size(), size_of::<OhlcvMsg>());
    assert_eq!(
        MBO.iter().find(|column| column.name == "order_id").map(|column| column.kind),
        Some(Kind::U64)
    );
}

#[test]
fn an_unknown_schema_names_the_choices() {
    let error = Schema::named("mbp-2").unwrap_err().to_string();
    assert!(error.contains("mbp-2") && error.contains("mbp-1, mbp-10, tbbo, trades"), "{error}");
}
