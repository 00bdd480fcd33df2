//! `rows bulk|live RECORDS [FOLDER]`: records of a synthetic tape into a new database, in one go with the indices built at the
//! end, or in small batches with the indices in place. Prints rows, and seconds by the wall and on the processor, as JSON.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use booktape_core::feed::Piece;
use booktape_core::synth;
use booktape_core::tape::{Growing, Tape};
use booktape_store::DataFolder;
use booktape_store::sql::{Followed, Operation, Options, Source, Stop, Store, Writer};
use rustix::time::{ClockId, clock_gettime};

/// Records of a live batch: what arrives in ten milliseconds at 500,000 a second.
const BATCH: u64 = 5_000;
/// How far the tape is ahead of the store: two of its transactions, so that it never waits for more.
const AHEAD: u64 = 131_072;
/// And at the beginning so little that it does not drop its indices to catch up.
const AHEAD_AT_FIRST: u64 = 40_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let [task, records, folder @ ..] = arguments.as_slice() else {
        eprintln!("rows bulk|live RECORDS [FOLDER]");
        return;
    };
    let messages = records.parse().unwrap();
    let options = synth::Options { messages, instruments: 4, seed: 7, ..synth::Options::default() };
    let tape = Tape::synthesize(&options, &mut |_, _| Ok(())).unwrap();
    let place = match folder.first() {
        Some(folder) => tempfile::tempdir_in(folder).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    let store = Store::open(&DataFolder::new(place.path().to_owned()), Options::default()).unwrap();
    let (store, never) = (Arc::new(store), Arc::new(|| false) as Stop);
    if task == "live" {
        store.tidy(&never).unwrap(); // builds the indices, before there are rows
    }
    let (began, before) = (Instant::now(), processor_seconds());
    let rows = match task.as_str() {
        "bulk" => store.load(&tape, &mut |_, _| Ok(()), &never).unwrap(),
        "live" => follow(&store, &tape),
        _ => return eprintln!("{task} is not measured here"),
    };
    let (wall, processor) = (began.elapsed().as_secs_f64(), processor_seconds() - before);
    println!("{{\"records\": {rows}, \"wall_s\": {wall:.6}, \"cpu_s\": {processor:.6}}}");
}

/// Lets a tape grow as fast as the background writer follows; how many rows that made.
fn follow(store: &Arc<Store>, tape: &Tape) -> u64 {
    let growing = Arc::new(Growing::new("live".to_owned(), 1, tape.metadata().clone()).unwrap());
    let indices = store.meter().of(Operation::Index).0;
    let writer = Writer::start(Arc::clone(store)).unwrap();
    writer.follow(Source::Growing(Arc::clone(&growing)));
    let lag = || writer.followed().iter().map(Followed::lag).sum::<u64>();
    for first in (0..tape.len()).step_by(BATCH as usize) {
        let blocks = tape.blocks(first..tape.len().min(first + BATCH)).map(|block| block.unwrap().1);
        let records = blocks.flat_map(|block| block.to_vec()).collect();
        growing.append(Piece { records, ..Piece::default() }).unwrap();
        let ahead = if first < 2 * AHEAD { AHEAD_AT_FIRST } else { AHEAD };
        while lag() > ahead {
            thread::sleep(Duration::from_millis(1));
        }
    }
    assert!(writer.flush(Duration::from_mins(10)), "{:?}", writer.error());
    assert_eq!(store.meter().of(Operation::Index).0, indices, "the indices stay in place");
    store.meter().rows()
}

fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
