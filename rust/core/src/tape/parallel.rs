//! Applying a long stretch of several books on all cores: each book's records stay in order on one of them.

use std::ops::Range;
use std::thread;

use super::{Step, Tape};
use crate::error::{Error, Result};
use crate::feed::Progress;
use crate::market::{Market, Owners};

/// Below this, starting threads takes longer than it saves.
const WORTH_IT: u64 = 100_000;
/// More threads than this only pass records over for each other.
const MOST: usize = 8;
/// Records that the threads apply before they wait for each other: some forty milliseconds, so that the work can be stopped
/// with every book at the same place.
const TOGETHER: u64 = 1_048_576;

impl Tape {
    /// How many threads are worth it for a stretch.
    pub(super) fn threads_for(&self, market: &Market, range: &Range<u64>) -> usize {
        let long = range.end.saturating_sub(range.start) >= WORTH_IT;
        if !long || market.is_strict() {
            return 1;
        }
        thread::available_parallelism().map_or(1, usize::from).min(MOST).min(self.books().len())
    }

    /// Applies a range of records, each book on one of the threads.
    pub(super) fn apply_in_parts(
        &self,
        market: &mut Market,
        range: Range<u64>,
        threads: usize,
        on_progress: Progress<'_>,
    ) -> Result<()> {
        let owners = Owners::share_out(self.books(), threads);
        let mut parts = market.split(&owners, threads);
        let mut at = range.start;
        let mut applied = Ok(());
        while applied.is_ok() && at < range.end {
            let together = at..range.end.min(at + TOGETHER);
            at = together.end;
            applied = self
                .apply_together(&mut parts, &together, &owners)
                .and_then(|()| on_progress(at - range.start, range.end - range.start));
        }
        *market = Market::join(parts);
        applied
    }

    fn apply_together(&self, parts: &mut [Market], range: &Range<u64>, owners: &Owners) -> Result<()> {
        let apply = |part: usize, market: &mut Market| {
            // On the thread's own stack: parts side by side would share cache lines that each writes for every record.
            let mut own = std::mem::take(market);
            let walked = self.walk(range.clone(), &mut |_, _| Ok(()), |step| match step {
                Step::Turn(turn) => {
                    turn.happen(&mut own);
                    Ok(())
                }
                Step::Records(_, records) => own.apply_own(records, owners, part),
            });
            *market = own;
            walked
        };
        thread::scope(|scope| {
            let numbered = parts.iter_mut().enumerate();
            let working: Vec<_> =
                numbered.map(|(part, market)| scope.spawn(move || apply(part, market))).collect();
            let failed = |_| Err(Error::Invariant("a thread that applied records failed".to_owned()));
            working.into_iter().try_for_each(|one| one.join().unwrap_or_else(failed))
        })
    }
}
