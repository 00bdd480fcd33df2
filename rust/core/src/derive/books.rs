//! Something for every book, made when its first record comes.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::types::BookKey;

/// One `T` for each publisher and instrument.
#[derive(Clone, Debug)]
pub(super) struct PerBook<T> {
    slots: HashMap<BookKey, usize, FixedState>,
    states: Vec<(BookKey, T)>,
    /// Slot of the record before: runs of one instrument are the rule.
    recent: Option<(BookKey, usize)>,
}

impl<T> Default for PerBook<T> {
    fn default() -> Self {
        Self { slots: HashMap::default(), states: Vec::new(), recent: None }
    }
}

impl<T: Default> PerBook<T> {
    /// What is kept for a book.
    #[inline]
    pub(super) fn of(&mut self, key: BookKey) -> &mut T {
        let slot = match self.recent {
            Some((recent, slot)) if recent == key => slot,
            _ => self.find(key),
        };
        &mut self.states[slot].1
    }

    fn find(&mut self, key: BookKey) -> usize {
        let states = &mut self.states;
        let slot = *self.slots.entry(key).or_insert_with(|| {
            states.push((key, T::default()));
            states.len() - 1
        });
        self.recent = Some((key, slot));
        slot
    }

    pub(super) fn has(&self, key: BookKey) -> bool {
        self.slots.contains_key(&key)
    }

    /// What is there already stays.
    pub(super) fn take_up(&mut self, states: impl IntoIterator<Item = (BookKey, T)>) {
        for (key, state) in states {
            if !self.has(key) {
                self.slots.insert(key, self.states.len());
                self.states.push((key, state));
            }
        }
    }

    /// What is kept for the books of an instrument.
    pub(super) fn of_instrument(&mut self, instrument_id: u32) -> impl Iterator<Item = &mut T> {
        let of_instrument = move |key: &BookKey| key.instrument_id == instrument_id;
        self.states.iter_mut().filter(move |(key, _)| of_instrument(key)).map(|(_, state)| state)
    }
}

impl<T: Default> FromIterator<(BookKey, T)> for PerBook<T> {
    fn from_iter<I: IntoIterator<Item = (BookKey, T)>>(states: I) -> Self {
        let mut books = Self::default();
        books.take_up(states);
        books
    }
}
