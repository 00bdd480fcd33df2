//! When a row of best prices appears, and what it says happened: the rules of mbp-1 and mbp-10.

use super::row::{Head, Pair};
use super::top::Top;
use super::{DeriveOptions, SideRule};
use crate::book::{Book, Effect};
use crate::types::{Anomaly, MboRecord, Notes, Price, Side};

/// One book and the rows it gives.
#[derive(Clone, Debug, Default)]
pub(super) struct Quotes<const N: usize> {
    book: Book,
    top: Top<N>,
    /// Action, price and size of the last A, C, M or R of the event that has begun.
    latest: Option<(u8, i64, u32)>,
}

/// What rows of a schema have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub rtype: u8,
    pub options: DeriveOptions,
}

impl<const N: usize> Quotes<N> {
    /// Goes on from a book as an event left it: the last row showed what it is.
    pub(super) fn after_event(book: &Book) -> Self {
        Self { book: book.clone(), top: Top::shown_of(book), latest: None }
    }

    /// Applies a record, and hands over the row it gives, if any.
    #[inline]
    pub(super) fn apply(
        &mut self,
        record: &MboRecord,
        form: Form,
        notes: &mut Notes,
        emit: &mut impl FnMut(&Head, &[Pair; N]),
    ) {
        let effect = self.book.apply(record, notes);
        let is_last = record.flags().is_last();
        let can_be = !matches!(effect, Effect::Skipped(Anomaly::InvalidRecord { .. }));
        if can_be {
            match record.action {
                // It moves nothing, so that the book is still what it was before the trade.
                b'T' => {
                    emit(&Head::of(record, form.rtype, N), self.top.levels(&self.book));
                    self.top.show();
                    if is_last {
                        self.latest = None;
                    }
                    return;
                }
                b'R' => {
                    self.latest = Some((b'R', Price::UNDEF.0, 0));
                    self.top.follow(&self.book, record, &effect);
                    if !record.flags().is_snapshot() {
                        self.row(record, form, 0, None, emit);
                    }
                }
                b'A' | b'C' | b'M' => {
                    self.latest = Some((record.action, record.price, record.size));
                    self.top.follow(&self.book, record, &effect);
                }
                _ => {}
            }
        }
        if is_last {
            match self.top.change(&self.book) {
                Some(change) => self.row(record, form, change.depth, change.side, emit),
                None if can_be && record.flags().is_snapshot() => self.row(record, form, 0, None, emit),
                None => {}
            }
            self.latest = None;
        }
    }

    /// A row that no trade gave rise to.
    #[inline]
    fn row(
        &mut self,
        record: &MboRecord,
        form: Form,
        depth: usize,
        side: Option<Side>,
        emit: &mut impl FnMut(&Head, &[Pair; N]),
    ) {
        let mut head = Head::of(record, form.rtype, N);
        if let Some(latest) = self.latest {
            (head.action, head.price, head.size) = latest;
        }
        let is_clear = head.action == b'R';
        head.depth = if is_clear { form.options.clear_depth } else { depth as u8 };
        head.side = match form.options.side {
            SideRule::Changed if !is_clear => side.map_or(b'N', Side::code),
            _ => b'N',
        };
        emit(&head, self.top.levels(&self.book));
        self.top.show();
    }

    /// The instrument is another one from here on.
    pub(super) fn forget(&mut self) {
        self.book.clear();
        self.top = Top::default();
        self.latest = None;
    }
}
