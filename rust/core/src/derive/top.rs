//! The best levels of a book, kept beside it as rows show them.
//!
//! A record that touches no level among them costs a few comparisons; one that does costs one look-up. Only when a level
//! goes does the book have to say which one moves up.

use super::row::{Pair, half};
use crate::book::{Book, Effect};
use crate::types::{Flags, MboRecord, Price, Side};

/// The `N` best levels of both sides, and what the last row showed of them.
#[derive(Clone, Debug)]
pub(super) struct Top<const N: usize> {
    now: [Pair; N],
    shown: [Pair; N],
    /// Only levels `first..end` may differ between the two.
    first: usize,
    end: usize,
    /// The side on which they may, if it is one.
    touched: Option<Side>,
    /// `now` must be read from the book anew: whole sides have changed.
    is_stale: bool,
}

/// What is not as the last row showed it.
pub(super) struct Change {
    /// The shallowest level.
    pub depth: usize,
    /// The side, if it is one.
    pub side: Option<Side>,
}

/// Where a price belongs among the best levels.
enum Place {
    At(usize),
    Before(usize),
    Beyond,
}

impl<const N: usize> Default for Top<N> {
    fn default() -> Self {
        Self {
            now: [Pair::NONE; N],
            shown: [Pair::NONE; N],
            first: N,
            end: 0,
            touched: None,
            is_stale: false,
        }
    }
}

impl<const N: usize> Top<N> {
    /// The levels of a book whose last row showed them as they are.
    pub(super) fn shown_of(book: &Book) -> Self {
        let mut top = Self::default();
        top.read(book);
        top.show();
        top
    }

    /// Takes note of what a record did to the book.
    #[inline]
    pub(super) fn follow(&mut self, book: &Book, record: &MboRecord, effect: &Effect) {
        if self.is_stale {
            return;
        }
        match *effect {
            // A clear, or an add that empties a side.
            Effect::Unchanged => self.is_stale = matches!(record.action, b'R' | b'A'),
            Effect::Added { .. } if record.flags & (Flags::SNAPSHOT | Flags::TOB) != 0 => {
                self.is_stale = true;
            }
            Effect::Added { side, price, .. } | Effect::Cancelled { side, price, .. } => {
                self.touch(book, side, price);
            }
            Effect::Modified { side, old_price, new_price, .. } => {
                self.touch(book, side, new_price);
                if old_price != new_price {
                    self.touch(book, side, old_price);
                }
                // The order may have come from the other side, where its old level was.
                if matches!(self.place(side.opposite(), old_price), Place::At(_)) {
                    self.touch(book, side.opposite(), old_price);
                }
            }
            Effect::Skipped(_) => {}
        }
    }

    /// The levels as they are now.
    #[inline]
    pub(super) fn levels(&mut self, book: &Book) -> &[Pair; N] {
        self.refresh(book);
        &self.now
    }

    /// What is not as the last row showed it.
    #[inline]
    pub(super) fn change(&mut self, book: &Book) -> Option<Change> {
        self.refresh(book);
        let differs = |(now, shown): (&Pair, &Pair)| now != shown;
        let mut pairs = self.now.iter().zip(&self.shown).take(self.end).skip(self.first);
        let Some(within) = pairs.position(differs) else {
            self.settle();
            return None;
        };
        let depth = self.first + within;
        let side = self.touched.or_else(|| self.changed_side(depth));
        Some(Change { depth, side })
    }

    /// The side that changed from a level on, if it is one.
    fn changed_side(&self, depth: usize) -> Option<Side> {
        let pairs = || self.now.iter().zip(&self.shown).take(self.end).skip(depth);
        let changed = |side| pairs().any(|(now, shown)| now.half(side) != shown.half(side));
        match (changed(Side::Bid), changed(Side::Ask)) {
            (true, false) => Some(Side::Bid),
            (false, true) => Some(Side::Ask),
            _ => None,
        }
    }

    /// A row shows the levels as they are now.
    #[inline]
    pub(super) fn show(&mut self) {
        if let (Some(shown), Some(now)) =
            (self.shown.get_mut(self.first..self.end), self.now.get(self.first..self.end))
        {
            shown.copy_from_slice(now);
        }
        self.settle();
    }

    /// There is no difference any more.
    #[inline]
    const fn settle(&mut self) {
        (self.first, self.end) = (N, 0);
    }

    /// Levels of a side may have changed.
    #[inline]
    fn mark(&mut self, side: Side, first: usize, end: usize) {
        let is_only_side = self.first >= self.end || self.touched == Some(side);
        self.touched = is_only_side.then_some(side);
        self.first = self.first.min(first);
        self.end = self.end.max(end);
    }

    #[inline]
    fn refresh(&mut self, book: &Book) {
        if self.is_stale {
            self.read(book);
        }
    }

    #[cold]
    fn read(&mut self, book: &Book) {
        for side in [Side::Bid, Side::Ask] {
            let mut levels = book.levels(side);
            for pair in &mut self.now {
                pair.set_half(side, half(levels.next()));
            }
        }
        self.is_stale = false;
        self.mark(Side::Bid, 0, N);
        self.mark(Side::Ask, 0, N);
    }

    #[inline]
    fn place(&self, side: Side, price: Price) -> Place {
        for (at, pair) in self.now.iter().enumerate() {
            let here = pair.price(side);
            if here == price.0 {
                return Place::At(at);
            }
            let is_better = match side {
                Side::Bid => price.0 > here || here == Price::UNDEF.0,
                Side::Ask => price.0 < here,
            };
            if is_better {
                return Place::Before(at);
            }
        }
        Place::Beyond
    }

    /// A level may have come, changed or gone.
    #[inline]
    fn touch(&mut self, book: &Book, side: Side, price: Price) {
        match self.place(side, price) {
            Place::At(at) => match book.level(side, price) {
                Some(level) => {
                    self.now[at].set_half(side, half(Some(level)));
                    self.mark(side, at, at + 1);
                }
                None => self.close(book, side, at),
            },
            Place::Before(at) => {
                if let Some(level) = book.level(side, price) {
                    self.open(side, at, half(Some(level)));
                }
            }
            Place::Beyond => {}
        }
    }

    /// A level came: those behind it move back.
    fn open(&mut self, side: Side, at: usize, level: (i64, u32, u32)) {
        for behind in (at + 1..N).rev() {
            let ahead = self.now[behind - 1].half(side);
            self.now[behind].set_half(side, ahead);
        }
        self.now[at].set_half(side, level);
        self.mark(side, at, N);
    }

    /// A level went: those behind it move up.
    fn close(&mut self, book: &Book, side: Side, at: usize) {
        for here in at + 1..N {
            let behind = self.now[here].half(side);
            self.now[here - 1].set_half(side, behind);
        }
        let last = if N == 1 { book.best(side) } else { book.levels(side).nth(N - 1) };
        self.now[N - 1].set_half(side, half(last));
        self.mark(side, at, N);
    }
}
