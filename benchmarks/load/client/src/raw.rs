//! Raw DBN: metadata, then records of one size.

use crate::content::{Lateness, Looked, Tally};
use crate::sample::Sample;
use crate::timing::Timing;

const RECORD_BYTES: usize = 56;
/// Where `ts_recv` is in a raw MBO record.
const TS_RECV: std::ops::Range<usize> = 40..48;

/// Raw records behind metadata.
#[derive(Debug, Default)]
pub struct Raw {
    /// Bytes of the metadata that are still to come, once its head is here.
    metadata: Option<u64>,
    /// The metadata's head, then the part of a record that has arrived.
    held: Vec<u8>,
}

impl Raw {
    /// Takes bytes of the body: counts whole records, and looks at one in so many.
    pub fn feed(
        &mut self,
        mut bytes: &[u8],
        now: i64,
        tally: &mut Tally,
        timed: Option<(&mut Timing, &mut Lateness)>,
        sample: &mut Sample,
    ) {
        const HEAD: usize = 8;
        while self.metadata != Some(0) && !bytes.is_empty() {
            let wanted = self
                .metadata
                .map_or(HEAD - self.held.len(), |left| usize::try_from(left).unwrap_or(usize::MAX));
            let (here, rest) = bytes.split_at(bytes.len().min(wanted));
            bytes = rest;
            if let Some(left) = &mut self.metadata {
                *left -= here.len() as u64;
                continue;
            }
            self.held.extend_from_slice(here);
            if let Some(length) = self.held.get(4..HEAD).and_then(|length| length.try_into().ok()) {
                self.metadata = Some(u64::from(u32::from_le_bytes(length)));
                self.held.clear();
            }
        }
        if !self.held.is_empty() || bytes.len() < RECORD_BYTES {
            let (here, rest) = bytes.split_at(bytes.len().min(RECORD_BYTES - self.held.len()));
            self.held.extend_from_slice(here);
            bytes = rest;
        }
        let mut due = None;
        if self.held.len() == RECORD_BYTES {
            due = ts_recv(&self.held);
            tally.records += 1;
            self.held.clear();
        }
        let (whole, part) = bytes.as_chunks::<RECORD_BYTES>();
        tally.records += whole.len() as u64;
        if self.held.is_empty() {
            self.held.extend_from_slice(part);
        }
        if let Some((timing, late)) = timed {
            let mut looked = Looked { timing: Some(timing), now, late };
            let some = whole.iter().filter(|_| sample.takes());
            for due in due.into_iter().chain(some.filter_map(|record| ts_recv(record))) {
                if let Some(lateness) = looked.lateness(Some(due)) {
                    looked.late.each.add(lateness);
                }
            }
        }
    }
}

fn ts_recv(record: &[u8]) -> Option<u64> {
    record.get(TS_RECV)?.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::Raw;
    use crate::content::Tally;
    use crate::sample::Sample;

    #[test]
    fn records_are_counted_however_they_arrive() {
        let metadata = [b"DBN\x03".as_slice(), &100_u32.to_le_bytes(), &[7; 100]].concat();
        let body = [metadata, vec![1; 56 * 9], vec![2; 20]].concat();
        for step in 1..=body.len() {
            let (mut raw, mut tally) = (Raw::default(), Tally::default());
            body.chunks(step).for_each(|piece| raw.feed(piece, 0, &mut tally, None, &mut Sample::new(1, 0)));
            assert_eq!(tally.records, 9, "in steps of {step}");
        }
    }
}
