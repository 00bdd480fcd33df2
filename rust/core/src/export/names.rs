//! What instrument ids meant, and since when: the symbols of rows.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::types::Nanos;

/// Symbols of instrument ids along a tape, as far as it was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// In order of time.
    by_id: HashMap<u32, Vec<(Nanos, String)>, FixedState>,
}

impl Names {
    /// From this moment on the id means this symbol.
    pub(super) fn note(&mut self, instrument_id: u32, symbol: &str, since: Nanos) {
        let meanings = self.by_id.entry(instrument_id).or_default();
        // The latest of several names for one moment holds.
        meanings.truncate(meanings.partition_point(|(known, _)| *known < since));
        if meanings.last().is_none_or(|(_, last)| last != symbol) {
            meanings.push((since, symbol.to_owned()));
        }
    }

    /// What an id meant at a moment; before its first name, what that says.
    #[inline]
    pub(super) fn at(&self, instrument_id: u32, ts: Nanos) -> Option<&str> {
        let meanings = self.by_id.get(&instrument_id)?;
        let after = meanings.partition_point(|(since, _)| *since <= ts);
        meanings.get(after.saturating_sub(1)).map(|(_, symbol)| symbol.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_means_what_it_was_last_named() {
        let mut names = Names::default();
        for (since, symbol) in [(0, "ESH6"), (10, "ESH6"), (20, "ESM6"), (20, "ESU6")] {
            names.note(7, symbol, Nanos(since));
        }
        let at = |ts| names.at(7, Nanos(ts)).unwrap_or("none");
        assert_eq!([at(0), at(19), at(20), at(u64::MAX)], ["ESH6", "ESH6", "ESU6", "ESU6"]);
        assert_eq!(names.at(8, Nanos(20)), None);
    }

    #[test]
    fn a_first_name_that_comes_late_holds_for_what_came_before() {
        let mut names = Names::default();
        names.note(7, "ESH6", Nanos(10));
        assert_eq!(names.at(7, Nanos(3)), Some("ESH6"));
    }
}
