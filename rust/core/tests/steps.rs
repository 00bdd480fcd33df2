//! Steps are what a look at every record says they are.

#![allow(clippy::unwrap_used, clippy::cast_possible_wrap)] // a test that fails should say where

use booktape_core::synth;
use booktape_core::tape::{Stride, Tape};
use booktape_core::types::{Flags, MboRecord};

fn tape() -> Tape {
    let options = synth::Options { messages: 5_000, instruments: 2, seed: 11, ..synth::Options::default() };
    Tape::synthesize(&options, &mut |_, _| Ok(())).unwrap()
}

fn ends(record: &MboRecord, stride: Stride) -> bool {
    match stride {
        Stride::Record => true,
        Stride::Event => record.flags().has(Flags::LAST),
        Stride::Trade => record.action == b'T',
    }
}

#[test]
fn a_step_goes_to_the_next_or_previous_end_of_a_stride() {
    let tape = tape();
    let records = tape.in_memory().unwrap();
    let instrument = tape.books()[1].0.instrument_id;
    for stride in [Stride::Record, Stride::Event, Stride::Trade] {
        for only in [None, Some(instrument)] {
            let places: Vec<u64> = (1..)
                .zip(records)
                .filter(|(_, record)| {
                    only.is_none_or(|only| only == record.instrument_id) && ends(record, stride)
                })
                .map(|(place, _)| place)
                .collect();
            for position in (0..=tape.len()).step_by(487).chain([1, tape.len()]) {
                for count in [1, 3, 2_000] {
                    let after = places.iter().filter(|place| **place > position).nth(count - 1);
                    let before = places.iter().rev().filter(|place| **place < position).nth(count - 1);
                    let count = count as i64;
                    assert_eq!(
                        tape.step(position, stride, count, only).unwrap(),
                        *after.unwrap_or(&tape.len())
                    );
                    assert_eq!(tape.step(position, stride, -count, only).unwrap(), *before.unwrap_or(&0));
                }
            }
        }
    }
    assert_eq!(tape.step(7, Stride::Trade, 0, None).unwrap(), 7);
    assert!(tape.step(tape.len() + 1, Stride::Trade, 1, None).is_err());
}
