//! Streams of records as random as can be, valid or not.

use booktape_core::types::{Flags, MboRecord};
use proptest::prelude::*;

use super::px;

/// Few ids, prices and sizes, so that records meet: cancels hit live orders, prices cross, adds repeat.
pub fn any_record() -> impl Strategy<Value = MboRecord> {
    let action = prop_oneof![
        8 => Just(b'A'), 6 => Just(b'C'), 6 => Just(b'M'), 3 => Just(b'F'), 2 => Just(b'T'), 1 => Just(b'N'),
        1 => prop_oneof![8 => Just(b'R'), 1 => Just(b'x')],
    ];
    let side = prop_oneof![10 => Just(b'B'), 10 => Just(b'A'), 1 => Just(b'N'), 1 => any::<u8>()];
    let price = prop_oneof![30 => (95_i64..105).prop_map(|whole| px(whole).0), 1 => Just(i64::MAX), 1 => Just(i64::MIN)];
    let size = prop_oneof![20 => 1_u32..6, 1 => Just(0), 1 => Just(u32::MAX)];
    let flags = prop_oneof![
        12 => Just(Flags::LAST), 6 => Just(0), 2 => Just(Flags::LAST | 2), 1 => Just(Flags::SNAPSHOT | 8),
        1 => Just(Flags::MBP | Flags::LAST), 1 => Just(Flags::TOB | Flags::LAST), 1 => any::<u8>(),
    ];
    (action, side, 1_u64..24, price, size, flags).prop_map(|(action, side, order_id, price, size, flags)| {
        let side = if action == b'R' { b'N' } else { side };
        MboRecord { action, side, order_id, price, size, flags, ..MboRecord::default() }
    })
}

pub fn any_stream() -> impl Strategy<Value = Vec<MboRecord>> {
    prop::collection::vec(any_record(), 0..120)
}
