//! A book's image is the book: whatever is read of it now, and whatever later records do to it.
#![allow(clippy::unwrap_used)]

mod flow;

use booktape_core::book::{Book, Effect, ImageError};
use booktape_core::synth;
use booktape_core::tape::Tape;
use booktape_core::types::{AnomalyKind, MboRecord, Notes, Side};
use flow::any::{any_record, any_stream};
use flow::{add, cancel, fill, modify};
use proptest::prelude::*;

fn image(book: &Book) -> Vec<u8> {
    let mut out = Vec::new();
    book.encode(&mut out);
    out
}

fn from_image(bytes: &[u8]) -> Result<Book, ImageError> {
    Book::decode(&mut &bytes[..])
}

fn after(records: &[MboRecord]) -> Book {
    let (mut book, mut notes) = (Book::new(), Notes::default());
    for record in records {
        book.apply(record, &mut notes);
    }
    book
}

/// Everything that can be read of a book.
fn assert_same(a: &Book, b: &Book) {
    b.check().unwrap();
    for side in [Side::Bid, Side::Ask] {
        assert_eq!(a.best(side), b.best(side));
        assert_eq!(a.level_count(side), b.level_count(side));
        assert_eq!(a.size_seen_entering(side), b.size_seen_entering(side));
        assert!(a.levels(side).eq(b.levels(side)), "{side} levels");
        assert!(a.resting(side).eq(b.resting(side)), "what rests on the {side} side, and since when");
        for level in a.levels(side) {
            assert_eq!(a.level(side, level.price), b.level(side, level.price));
            assert!(a.queue(side, level.price).eq(b.queue(side, level.price)), "{side} queue");
            for order in a.queue(side, level.price) {
                assert_eq!(a.order(order.order_id), b.order(order.order_id));
                assert_eq!(a.ahead_of(order.order_id), b.ahead_of(order.order_id));
            }
        }
    }
    assert_eq!(a.order_count(), b.order_count());
    assert_eq!(a.is_mid_event(), b.is_mid_event());
    assert_eq!(a.fills(), b.fills());
}

/// Applies records to both; they do the same to both.
fn assert_same_after(mut a: Book, mut b: Book, records: &[MboRecord], look_every: usize) {
    let (mut of_a, mut of_b) = (Notes::default(), Notes::default());
    for (place, record) in records.iter().enumerate() {
        assert_eq!(a.apply(record, &mut of_a), b.apply(record, &mut of_b), "what {record:?} did");
        assert_eq!((of_a.counts(), of_a.last()), (of_b.counts(), of_b.last()));
        if place % look_every == 0 || place + 1 == records.len() {
            assert_same(&a, &b);
            assert_eq!(image(&a), image(&b));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// The book from an image, taken anywhere, is the book, now and after every later record.
    #[test]
    fn a_book_comes_back_from_its_image(stream in any_stream(), part in 0.0..1.0) {
        let (before, later) = stream.split_at((stream.len() as f64 * part) as usize);
        let book = after(before);
        let bytes = image(&book);
        let followed = [&bytes[..], b"rest"].concat();
        let mut input = followed.as_slice();
        let back = Book::decode(&mut input).unwrap();
        prop_assert_eq!(input, b"rest", "an image ends where it ends");
        prop_assert_eq!(image(&back), bytes);
        assert_same(&book, &back);
        assert_same_after(book, back, later, 1);
    }

    /// Damaged images are refused, or are those of another book that holds its invariants and goes on.
    #[test]
    fn no_bytes_break_decoding(
        stream in any_stream(),
        later in any_record(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = image(&after(&stream));
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(mut book) = from_image(&bytes) {
            book.check().unwrap();
            book.apply(&later, &mut Notes::default());
            book.check().unwrap();
            prop_assert_eq!(image(&from_image(&image(&book)).unwrap()), image(&book));
        }
    }
}

#[test]
fn an_image_cut_off_anywhere_is_refused() {
    let records = [add(7, Side::Bid, 100, 3), add(8, Side::Bid, 99, 2), add(9, Side::Ask, 101, 4)];
    let bytes = image(&after(&records));
    for end in 0..bytes.len() {
        assert_eq!(from_image(&bytes[..end]).err(), Some(ImageError::Cut), "{end} of {} bytes", bytes.len());
    }
}

#[test]
fn claims_of_many_orders_take_no_memory() {
    let mut bytes = image(&Book::new());
    // The head's ninth number is that of orders.
    bytes.splice(8..9, [0xfe, 0xff, 0xff, 0xff, 0x0f]);
    assert!(matches!(from_image(&bytes), Err(ImageError::Damaged { .. })));
}

#[test]
fn another_version_is_named() {
    let mut bytes = image(&Book::new());
    bytes[0] = 9;
    assert_eq!(from_image(&bytes).err(), Some(ImageError::Version { found: 9 }));
}

#[test]
fn an_event_under_way_goes_on() {
    let open = |record: MboRecord| MboRecord { flags: 0, ..record };
    let before = [
        add(1, Side::Bid, 100, 5),
        add(2, Side::Bid, 100, 5),
        // The order behind is filled, the one ahead passed over; and three of five are gone.
        open(fill(2, Side::Bid, 100, 3)),
    ];
    let book = after(&before);
    let back = from_image(&image(&book)).unwrap();
    let refresh = [open(modify(2, Side::Bid, 100, 5)), cancel(2, Side::Bid, 100, 5)];
    let mut refreshed = back.clone();
    let mut notes = Notes::default();
    assert!(matches!(refreshed.apply(&refresh[0], &mut notes), Effect::Modified { .. }));
    assert_eq!(refreshed.fills().iceberg_refreshes, 1);
    refreshed.apply(&refresh[1], &mut notes);
    assert_eq!(refreshed.fills().out_of_turn, 1);
    assert_same_after(book, back, &refresh, 1);
}

/// Synthetic flow with every kind of anomaly planted, images at several places.
#[test]
fn images_of_a_whole_session() {
    let anomalies =
        AnomalyKind::ALL.map(|kind| (kind, if kind == AnomalyKind::UnfinishedEvent { 1 } else { 30 }));
    let options = synth::Options {
        messages: 60_000,
        seed: 11,
        anomalies: anomalies.to_vec(),
        ..synth::Options::default()
    };
    let tape = Tape::synthesize(&options, &mut |_, _| Ok(())).unwrap();
    let records = tape.in_memory().unwrap();
    for place in [1, 9_999, 25_000, 41_234, 59_000] {
        let book = after(&records[..place]);
        let bytes = image(&book);
        let back = from_image(&bytes).unwrap();
        assert_eq!(image(&back), bytes);
        assert_same_after(book, back, &records[place..(place + 3_000).min(records.len())], 500);
    }
    let book = after(records);
    let (orders, length) = (book.order_count(), image(&book).len());
    assert!(orders > 100 && length < 200 + 14 * orders, "{length} bytes for {orders} orders");
}

#[test]
fn a_book_cleared_inside_an_event_judges_its_fills_before() {
    let mut book = after(&[add(1, Side::Bid, 100, 5), MboRecord { flags: 0, ..fill(1, Side::Bid, 100, 5) }]);
    book.clear();
    book.apply(&add(2, Side::Bid, 100, 1), &mut Notes::default());
    book.check().unwrap();
    assert_eq!((book.order_count(), book.fills().groups), (1, 1));
}
