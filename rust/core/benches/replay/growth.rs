//! How cost grows with the number of levels and with the length of a queue.

use std::hint::black_box;

use booktape_core::types::MboRecord;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use zerocopy::FromZeros;

use super::clock::Clock;
use super::subject::Subject;

/// What there is much of.
#[derive(Clone, Copy)]
pub enum Shape {
    /// One order at each of many prices.
    Levels,
    /// Many orders at one price.
    Queue,
}

/// Pairs of a cancel and an add that are measured: as many for every size, so that reading them costs the same.
const PAIRS: usize = 100_000;

/// Keeps a side at `size` orders: takes one off anywhere, adds one. With [`Shape::Levels`] a level goes and another one
/// appears each time, at random places of the ladder, which is the worst that a feed can do to it. Returns the number of
/// records and the time they took; records are made before.
pub fn churn<S: Subject>(shape: Shape, size: usize) -> (usize, Clock) {
    let mut dice = Pcg64Mcg::seed_from_u64(7);
    // Twice as many prices as levels, so that there is always a free one to go to.
    let mut free: Vec<i64> = (size..2 * size).map(ticks).collect();
    let price_of = |index: usize| if matches!(shape, Shape::Levels) { ticks(index) } else { 0 };
    let mut resting: Vec<(u64, i64)> = (0..size).map(|index| (index as u64 + 1, price_of(index))).collect();
    // Levels are known in no order, as on a real ladder that has seen a day.
    for index in (1..size).rev() {
        resting.swap(index, dice.random_range(0..=index));
    }
    let opening: Vec<MboRecord> = resting.iter().map(|&(id, price)| order(b'A', id, price)).collect();
    let mut records = Vec::with_capacity(2 * PAIRS);
    for id in (size as u64 + 1..).take(PAIRS) {
        let at = dice.random_range(0..size);
        let (gone, price) = resting[at];
        records.push(order(b'C', gone, price));
        let price = match shape {
            Shape::Levels => std::mem::replace(&mut free[dice.random_range(0..size)], price),
            Shape::Queue => price,
        };
        records.push(order(b'A', id, price));
        resting[at] = (id, price);
    }
    let mut subject = S::default();
    for record in &opening {
        subject.apply(record);
    }
    let start = Clock::now();
    for record in &records {
        black_box(subject.apply(record));
    }
    (records.len(), Clock::now() - start)
}

/// A price so many ticks of 0.01 above zero.
fn ticks(count: usize) -> i64 {
    i64::try_from(count).expect("a number of levels that fits into memory") * 10_000_000
}

fn order(action: u8, order_id: u64, price: i64) -> MboRecord {
    MboRecord {
        length: MboRecord::WORDS,
        rtype: MboRecord::RTYPE,
        publisher_id: 1,
        instrument_id: 1,
        order_id: scattered(order_id),
        price,
        size: 1,
        flags: 128,
        action,
        side: b'B',
        ..MboRecord::new_zeroed()
    }
}

/// Venues give ids that are not consecutive; an odd multiplier keeps them distinct.
const fn scattered(id: u64) -> u64 {
    id.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
