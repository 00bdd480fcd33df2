//! `rows bulk|live RECORDS [FOLDER]`: records of a synthetic tape into a new database, in one go with the indices built at the
//! end, or in small batches with the indices in place. Prints rows, and seconds by the wall and on the processor, as JSON.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;
use std::time::Instant;

use booktape_core::feed::Piece;
use booktape_core::synth;
use booktape_core::tape::{Growing, Tape};
use booktape_store::DataFolder;
use booktape_store::sql::{Database, Options, Stop};
use rustix::time::{ClockId, clock_gettime};

/// Records of a live batch: what arrives in ten milliseconds at 500,000 a second.
const BATCH: u64 = 5_000;

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
    let mut database = Database::open(&DataFolder::new(place.path().to_owned()), Options::default()).unwrap();
    let never: Stop = Arc::new(|| false);
    let mut project = |tape: &Tape| database.project(tape, &mut |_, _| Ok(()), &never).unwrap();
    let (began, before) = (Instant::now(), processor_seconds());
    let rows = match task.as_str() {
        "bulk" => project(&tape),
        "live" => {
            let growing = Growing::new("live".to_owned(), 1, tape.metadata().clone()).unwrap();
            let pieces = (0..messages).step_by(BATCH as usize).map(|first| {
                let stop = messages.min(first + BATCH);
                let blocks = tape.blocks(first..stop).map(|block| block.unwrap().1);
                let records = blocks.flat_map(|block| block.to_vec()).collect();
                growing.append(Piece { records, ..Piece::default() }).unwrap();
                project(&growing.head())
            });
            pieces.sum()
        }
        _ => return eprintln!("{task} is not measured here"),
    };
    let (wall, processor) = (began.elapsed().as_secs_f64(), processor_seconds() - before);
    println!("{{\"records\": {rows}, \"wall_s\": {wall:.6}, \"cpu_s\": {processor:.6}}}");
}

fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
