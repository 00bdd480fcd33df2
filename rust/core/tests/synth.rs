//! Synthetic flow against a small reading of its own: a book made of vectors, which knows nothing of the generator's.

// `side` and `size` are the field's words.
#![allow(clippy::similar_names)]

use std::collections::{BTreeMap, HashMap};

use booktape_core::synth::{Flow, Options, flow};
use booktape_core::types::{Action, AnomalyKind, Flags, MboRecord, Nanos, Price};
use booktape_core::{Error, Result};
use zerocopy::IntoBytes;

/// One book, and what the records that reached it had in common.
#[derive(Default)]
struct Book {
    /// Order ids by side and price, front first.
    queues: BTreeMap<(u8, i64), Vec<u64>>,
    /// Side, price and size of every live order.
    orders: HashMap<u64, (u8, i64, u32)>,
    /// What traded of each order in the present event.
    filled: HashMap<u64, u32>,
    crossed: bool,
    inside_event: bool,
    /// Trading has begun: a snapshot, and then an opening if there was one, are over.
    trading: bool,
}

/// What a tape looked like.
#[derive(Default)]
struct Seen {
    anomalies: HashMap<AnomalyKind, u32>,
    event_ends: u64,
    crossed_before_opening: u64,
    crossed_in_trading: u64,
    fills: u64,
    hidden_fills: u64,
    /// Fills of an order that had another one before it.
    fills_out_of_turn: u64,
    refreshes: u64,
    /// Events by the actions of their records.
    shapes: HashMap<String, u64>,
    most_orders: usize,
}

impl Book {
    fn best(&self) -> (Option<i64>, Option<i64>) {
        let bid = self.queues.range((b'B', i64::MIN)..).next_back().map(|(&(_, price), _)| price);
        let ask = self.queues.range(..=(b'A', i64::MAX)).next().map(|(&(_, price), _)| price);
        (bid, ask)
    }

    fn remove(&mut self, order_id: u64) {
        if let Some((side, price, _)) = self.orders.remove(&order_id) {
            let queue = self.queues.entry((side, price)).or_default();
            queue.retain(|&other| other != order_id);
            if queue.is_empty() {
                self.queues.remove(&(side, price));
            }
        }
    }

    fn append(&mut self, record: &MboRecord) {
        self.remove(record.order_id);
        self.queues.entry((record.side, record.price)).or_default().push(record.order_id);
        self.orders.insert(record.order_id, (record.side, record.price, record.size));
    }

    /// The anomaly of one record, if it is one, after doing what semantics has it do.
    fn apply(&mut self, record: &MboRecord, seen: &mut Seen) -> Option<AnomalyKind> {
        let action = record.action()?;
        let changes = matches!(action, Action::Add | Action::Modify | Action::Cancel);
        if changes && (record.side == b'N' || !record.price().is_defined()) {
            return Some(AnomalyKind::InvalidRecord);
        }
        if changes && record.size == 0 {
            if action == Action::Modify {
                self.remove(record.order_id);
            }
            return Some(AnomalyKind::ZeroSize);
        }
        let resting = self.orders.get(&record.order_id).copied();
        match (action, resting) {
            (Action::Clear, _) => *self = Self::default(),
            (Action::Add, None) => self.append(record),
            (Action::Add, Some(old)) if old == (record.side, record.price, record.size) => {
                return Some(AnomalyKind::DuplicateAdd);
            }
            (Action::Add, Some(_)) => {
                self.append(record);
                return Some(AnomalyKind::ConflictingAdd);
            }
            (Action::Modify, None) => {
                self.append(record);
                return Some(AnomalyKind::UnknownModify);
            }
            (Action::Modify, Some((side, price, size))) => {
                let filled = self.filled.remove(&record.order_id).unwrap_or(0);
                if (side, price) == (record.side, record.price) && record.size <= size - filled {
                    self.orders.insert(record.order_id, (side, price, record.size));
                } else {
                    seen.refreshes += u64::from(filled > 0);
                    self.append(record);
                }
            }
            (Action::Cancel, None) => return Some(AnomalyKind::UnknownCancel),
            (Action::Cancel, Some((side, price, size))) => {
                if record.size >= size {
                    self.remove(record.order_id);
                } else {
                    self.orders.insert(record.order_id, (side, price, size - record.size));
                }
                if record.size > size {
                    return Some(AnomalyKind::OverCancel);
                } else if (side, price) != (record.side, record.price) {
                    return Some(AnomalyKind::CancelMismatch);
                }
            }
            (Action::Fill, Some(order)) => self.fill(record, order, seen),
            (Action::Fill, None) => seen.hidden_fills += 1,
            (Action::Trade, _) if self.crossed && record.side != b'N' => {
                return Some(AnomalyKind::CrossedWhileTrading);
            }
            (Action::Trade | Action::None, _) => {}
        }
        None
    }

    /// A fill is in turn when every order before it in its queue, and at every better price, was filled whole.
    fn fill(&mut self, record: &MboRecord, (side, price, size): (u8, i64, u32), seen: &mut Seen) {
        let better = |level: i64| if side == b'B' { level > price } else { level < price };
        let before = self.queues.iter().filter(|&(&(other, level), _)| other == side && better(level));
        let ahead = self.queues[&(side, price)].iter().take_while(|&&id| id != record.order_id);
        let waiting = |id: &u64| self.filled.get(id).copied().unwrap_or(0) < self.orders[id].2;
        let in_turn = !before.flat_map(|(_, queue)| queue).chain(ahead).any(waiting);
        let filled = self.filled.entry(record.order_id).or_default();
        *filled += record.size;
        seen.fills += 1;
        seen.fills_out_of_turn += u64::from(!in_turn || *filled > size);
    }
}

/// Reads a tape from beginning to end, checking on the way what holds for every record.
fn read(made: &Flow) -> Seen {
    let mut books: HashMap<u32, Book> = HashMap::new();
    let mut shapes: HashMap<u32, String> = HashMap::new();
    let mut seen = Seen::default();
    let mut last: HashMap<u32, MboRecord> = HashMap::new();
    let mut clock = 0;
    for record in &made.records {
        assert!(record.ts_recv >= clock, "{record:?} comes before the record ahead of it");
        assert!(record.ts_event < record.ts_recv && record.ts_in_delta >= 0, "{record:?}");
        assert!(
            record.ts_recv - u64::from(record.ts_in_delta.unsigned_abs()) >= record.ts_event,
            "{record:?}"
        );
        assert_eq!(record.publisher_id, 1);
        assert!(
            made.symbols.iter().any(|&(id, _)| id == record.instrument_id),
            "{record:?} is of no instrument"
        );
        clock = record.ts_recv;
        if let Some(before) = last.insert(record.instrument_id, *record) {
            assert!(
                before.sequence <= record.sequence && before.ts_event <= record.ts_event,
                "{before:?}, {record:?}"
            );
        }
        let book = books.entry(record.instrument_id).or_default();
        let anomaly = book.apply(record, &mut seen);
        let flagged = record.flags().has(Flags::MAYBE_BAD_BOOK).then_some(AnomalyKind::MaybeBadBook);
        for kind in anomaly.into_iter().chain(flagged) {
            *seen.anomalies.entry(kind).or_default() += 1;
        }
        seen.most_orders = seen.most_orders.max(book.orders.len());
        book.inside_event = !record.flags().is_last();
        let shape = shapes.entry(record.instrument_id).or_default();
        shape.push(record.action as char);
        if !book.inside_event {
            *seen.shapes.entry(std::mem::take(shape)).or_default() += 1;
            seen.event_ends += 1;
            book.filled.clear();
            book.crossed = matches!(book.best(), (Some(bid), Some(ask)) if bid > ask);
            // The opening is the first trade; on tapes too short for one, trading follows the snapshot.
            book.trading |= made.records.len() < 64 * made.symbols.len();
            if book.crossed {
                *if book.trading {
                    &mut seen.crossed_in_trading
                } else {
                    &mut seen.crossed_before_opening
                } += 1;
            }
        }
        book.trading |= record.action() == Some(Action::Trade);
    }
    let unfinished = books.values().filter(|book| book.inside_event).count() as u32;
    if unfinished > 0 {
        seen.anomalies.insert(AnomalyKind::UnfinishedEvent, unfinished);
    }
    seen
}

fn made(messages: u64, instruments: u32, seed: u64, anomalies: &[(AnomalyKind, u32)]) -> Result<Flow> {
    let anomalies = anomalies.to_vec();
    flow(&Options { messages, instruments, seed, anomalies, ..Options::default() }, &mut |_, _| Ok(()))
}

fn all_kinds(count: u32, unfinished: u32) -> Vec<(AnomalyKind, u32)> {
    let count = |kind| if kind == AnomalyKind::UnfinishedEvent { unfinished } else { count };
    AnomalyKind::ALL.into_iter().map(|kind| (kind, count(kind))).collect()
}

/// A change of this hash is a change of every tape that anyone has made with this seed: mean it, and say so.
#[test]
fn the_same_options_make_the_same_bytes_on_every_platform() -> Result<()> {
    let tape = made(20_000, 3, 7, &all_kinds(5, 2))?;
    let again = made(20_000, 3, 7, &all_kinds(5, 2))?;
    assert_eq!(tape.records, again.records);
    let hash = xxhash_rust::xxh3::xxh3_64(tape.records.as_slice().as_bytes());
    assert_eq!(format!("{hash:016x}"), "5f8606d0e4fdffd7");
    Ok(())
}

#[test]
fn another_seed_makes_another_tape() -> Result<()> {
    assert_ne!(made(1_000, 1, 1, &[])?.records, made(1_000, 1, 2, &[])?.records);
    Ok(())
}

#[test]
fn a_tape_of_any_length_is_exactly_that_long_and_ends_its_events() -> Result<()> {
    let lengths = (0..=300).chain([511, 512, 513, 1_000, 4_099]);
    for (messages, instruments) in
        lengths.flat_map(|messages| [1, 2, 3, 7].map(|instruments| (messages, instruments)))
    {
        for seed in 0..3 {
            let tape = made(messages, instruments, seed, &[])?;
            assert_eq!(tape.records.len() as u64, messages);
            assert_eq!(tape.symbols.len(), instruments as usize);
            let seen = read(&tape);
            let what = format!("{messages} records, {instruments} instruments, seed {seed}");
            assert_eq!(seen.anomalies, HashMap::new(), "{what}");
            assert_eq!((seen.crossed_in_trading, seen.fills_out_of_turn), (0, 0), "{what}");
        }
    }
    Ok(())
}

#[test]
fn a_snapshot_comes_first_in_order_of_priority() -> Result<()> {
    let tape = made(50_000, 2, 3, &[])?;
    for (id, _) in &tape.symbols {
        let mut records = tape.records.iter().filter(|record| record.instrument_id == *id);
        let snapshot: Vec<&MboRecord> =
            records.by_ref().take_while(|record| record.flags().is_snapshot()).collect();
        assert!(snapshot.len() > 1_000);
        assert_eq!(snapshot[0].action(), Some(Action::Clear));
        assert!(snapshot[1..].iter().all(|record| record.action() == Some(Action::Add)));
        assert!(snapshot[..snapshot.len() - 1].iter().all(|record| record.flags == 40));
        assert_eq!(snapshot[snapshot.len() - 1].flags, 168);
        assert!(snapshot.windows(2).all(|pair| pair[0].ts_event <= pair[1].ts_event));
        assert!(records.all(|record| !record.flags().is_snapshot()));
    }
    Ok(())
}

#[test]
fn books_cross_in_the_pre_open_only_and_open_at_one_price() -> Result<()> {
    let tape = made(60_000, 3, 11, &[])?;
    let seen = read(&tape);
    assert!(seen.crossed_before_opening > 300, "{}", seen.crossed_before_opening);
    assert_eq!(seen.crossed_in_trading, 0);
    for (id, _) in &tape.symbols {
        let mut records = tape.records.iter().filter(|record| record.instrument_id == *id);
        let Some(print) = records.find(|record| record.action() == Some(Action::Trade)) else {
            return Err(Error::NotFound(format!("no trade of {id}")));
        };
        let fills: Vec<&MboRecord> =
            records.take_while(|record| record.action() == Some(Action::Fill)).collect();
        assert_eq!((print.side, print.order_id), (b'N', 0));
        assert!(fills.iter().all(|fill| fill.price == print.price && fill.side == b'N'));
        // Both sides of everything that cleared.
        assert_eq!(fills.iter().map(|fill| fill.size).sum::<u32>(), 2 * print.size);
    }
    Ok(())
}

#[test]
fn fills_come_from_the_front_of_the_queues() -> Result<()> {
    let seen = read(&made(150_000, 2, 5, &[])?);
    assert!(seen.fills > 5_000, "{}", seen.fills);
    assert_eq!(seen.fills_out_of_turn, 0);
    assert!(seen.refreshes > 20, "{} icebergs showed a new slice", seen.refreshes);
    assert!(seen.hidden_fills > 20, "{}", seen.hidden_fills);
    Ok(())
}

#[test]
fn events_have_the_shapes_of_real_ones() -> Result<()> {
    let tape = made(150_000, 2, 5, &[])?;
    let seen = read(&tape);
    for shape in ["A", "C", "M", "N", "T", "TFC", "TFM", "TFFCC", "TFFCM", "TFAC", "TFCN", "TFTFCC"] {
        assert!(seen.shapes.get(shape).copied().unwrap_or(0) > 0, "no event of {shape}");
    }
    let with = |flags| tape.records.iter().filter(|record| record.flags == flags).count() as u64;
    assert!(with(130) > seen.event_ends / 10 && with(128) > seen.event_ends / 10);
    // Events of several instruments overlap in capture time.
    let torn = tape.records.windows(2).filter(|pair| {
        !pair[0].flags().is_last()
            && !pair[0].flags().is_snapshot()
            && pair[0].instrument_id != pair[1].instrument_id
    });
    assert!(torn.count() > 10);
    Ok(())
}

#[test]
fn a_long_tape_stays_near_where_it_began() -> Result<()> {
    let tape = made(400_000, 1, 2, &[])?;
    let seen = read(&tape);
    assert!((4_000..6_000).contains(&seen.most_orders), "{} orders", seen.most_orders);
    let trades = tape.records.iter().filter(|record| record.action() == Some(Action::Trade));
    let prices: Vec<i64> = trades.map(|record| record.price).collect();
    let (low, high) = (prices.iter().min().copied(), prices.iter().max().copied());
    assert!(low > Some(6_850 * Price::SCALE) && high < Some(6_950 * Price::SCALE), "{low:?} to {high:?}");
    assert!(high > low);
    Ok(())
}

#[test]
fn the_rate_is_about_what_was_asked_for() -> Result<()> {
    let options = Options { messages: 200_000, instruments: 4, rate: 500, ..Options::default() };
    let tape = flow(&options, &mut |_, _| Ok(()))?;
    let half = &tape.records[100_000..];
    let seconds = (half[half.len() - 1].ts_recv - half[0].ts_recv) as f64 / 1e9;
    let rate = half.len() as f64 / seconds / 4.0;
    // The first four are busier than the mean.
    assert!((500.0..800.0).contains(&rate), "{rate} records a second and instrument");
    Ok(())
}

#[test]
fn every_planted_anomaly_is_found_and_no_other() -> Result<()> {
    for kind in AnomalyKind::ALL {
        for seed in 0..3 {
            let count = if kind == AnomalyKind::UnfinishedEvent { 2 } else { 40 };
            let tape = made(12_000, 2, seed, &[(kind, count)])?;
            assert_eq!(tape.planted, [(kind, count)]);
            let seen = read(&tape);
            assert_eq!(seen.anomalies, HashMap::from([(kind, count)]), "{} with seed {seed}", kind.name());
            assert_eq!(seen.fills_out_of_turn, 0);
        }
    }
    Ok(())
}

#[test]
fn all_kinds_fit_into_the_shortest_tape_that_is_accepted() -> Result<()> {
    for seed in 0..20 {
        let wanted = all_kinds(7, 3);
        let total: u32 = wanted.iter().map(|&(_, count)| count).sum();
        let shortest = u64::from(64 * 3 + 16 * total);
        let tape = made(shortest, 3, seed, &wanted)?;
        assert_eq!(tape.records.len() as u64, shortest);
        assert_eq!(tape.planted, wanted);
        assert_eq!(read(&tape).anomalies, wanted.iter().copied().collect(), "seed {seed}");
        let refused = made(shortest - 1, 3, seed, &wanted);
        assert!(matches!(refused, Err(Error::Parameter { name: "messages", .. })), "{refused:?}");
    }
    Ok(())
}

#[test]
fn a_kind_asked_for_twice_is_planted_as_often_as_both() -> Result<()> {
    let tape = made(5_000, 1, 0, &[(AnomalyKind::ZeroSize, 2), (AnomalyKind::ZeroSize, 3)])?;
    assert_eq!(tape.planted, [(AnomalyKind::ZeroSize, 5)]);
    Ok(())
}

#[test]
fn options_out_of_range_are_refused_by_name() {
    let refused = |options: Options| match flow(&options, &mut |_, _| Ok(())) {
        Err(Error::Parameter { name, .. }) => Some(name),
        _ => None,
    };
    let usual = Options::default();
    assert_eq!(refused(Options { instruments: 0, ..usual.clone() }), Some("instruments"));
    assert_eq!(refused(Options { instruments: 10_001, ..usual.clone() }), Some("instruments"));
    assert_eq!(refused(Options { rate: 0, ..usual.clone() }), Some("rate"));
    assert_eq!(refused(Options { live_orders: 0, ..usual.clone() }), Some("live_orders"));
    assert_eq!(refused(Options { start: Nanos::UNDEF, ..usual.clone() }), Some("start"));
    assert_eq!(refused(Options { messages: u64::MAX, ..usual.clone() }), Some("messages"));
    let unfinished = vec![(AnomalyKind::UnfinishedEvent, 2)];
    assert_eq!(refused(Options { anomalies: unfinished, ..usual }), Some("unfinished_event"));
}

#[test]
fn progress_is_told_and_may_stop_it() -> Result<()> {
    let options = Options { messages: 200_000, ..Options::default() };
    let mut told = Vec::new();
    flow(&options, &mut |done, total| {
        told.push((done, total));
        Ok(())
    })?;
    assert!(told.len() >= 4 && told.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{told:?}");
    assert_eq!(told.last(), Some(&(200_000, 200_000)));
    let stopped =
        flow(&options, &mut |done, _| if done > 100_000 { Err(Error::Interrupted) } else { Ok(()) });
    assert!(matches!(stopped, Err(Error::Interrupted)));
    Ok(())
}
