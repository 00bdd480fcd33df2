//! What is told of an order while its book goes along: lives, records, amounts.

use super::alone::{Alone, Met, standing};
use super::{
    ClearedBy, Did, Ending, Entered, EnteredBy, LIVES_KEPT, Left, Life, OrderRecord, Place, RECORDS_KEPT,
    cleared_by, is_of,
};
use crate::book::{Effect, Standing};
use crate::error::Result;
use crate::market::{Entry, Market};
use crate::tape::Tape;
use crate::types::{Action, Anomaly, MboRecord, Nanos};

/// An order's story so far.
pub(super) struct Telling<'t> {
    tape: &'t Tape,
    order_id: u64,
    lives: Vec<Life>,
    lives_omitted: u64,
    records_kept: usize,
    /// The life being told.
    life: Life,
    phase: Phase,
    standing: Option<Standing>,
}

/// How far a life is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// The book does not have the order yet.
    Before,
    /// It is in the book.
    Resting,
    /// It left in the event with this number; none where it did not leave by itself.
    Over(Option<u64>),
}

impl<'t> Telling<'t> {
    pub(super) fn new(tape: &'t Tape, order_id: u64) -> Self {
        Self {
            tape,
            order_id,
            lives: Vec::new(),
            lives_omitted: 0,
            records_kept: 0,
            life: Life::default(),
            phase: Phase::Before,
            standing: None,
        }
    }

    pub(super) const fn order_id(&self) -> u64 {
        self.order_id
    }

    pub(super) fn is_resting(&self) -> bool {
        self.phase == Phase::Resting
    }

    /// The tape begins: where its earlier records were dropped the order may be there already, as in a snapshot. When it had
    /// entered nobody knows any more, so that both times are the tape's beginning.
    pub(super) fn begin(&mut self, alone: &Alone<'_>) {
        self.take_up(alone);
        let (Some(standing), Some(entry), Some(ts_recv)) = (self.standing, alone.entry(), self.tape.start())
        else {
            return;
        };
        self.life.entry = Some(Entered {
            index: alone.position(),
            ts_recv,
            ts_event: ts_recv,
            by: EnteredBy::Snapshot,
            book_complete: entry.watch.complete_since.is_some(),
        });
        self.life.amounts.size = u64::from(standing.order.size);
        self.phase = Phase::Resting;
    }

    /// Takes up the order where its book has come by a keyframe.
    pub(super) fn take_up(&mut self, alone: &Alone<'_>) {
        self.standing = alone.standing(self.order_id);
    }

    /// Sees what the book meets, and applies it if it is a record.
    pub(super) fn see(&mut self, market: &mut Market, met: Met<'_>) -> Result<()> {
        let before = self.standing;
        match met {
            Met::Turn(index) => {
                self.standing = standing(market, self.order_id);
                if let (Some(before), None) = (before, self.standing) {
                    let ts_recv = self.tape.record(index)?.map_or(Nanos::UNDEF, |record| record.ts_recv());
                    self.clear(&before, Left { index, ts_recv }, ClearedBy::Symbol);
                }
            }
            Met::Record(index, record) => {
                let noted = market.entries().first().map_or(0, |entry| entry.notes.total());
                let effect = market.apply(record)?.effect;
                let Some(entry) = market.entries().first() else { return Ok(()) };
                self.standing = entry.book.standing(self.order_id);
                if is_of(record, self.order_id) {
                    let anomaly = (entry.notes.total() > noted).then(|| entry.notes.last()).flatten();
                    self.own(entry, index, record, effect, before, anomaly);
                } else if let (Some(before), None) = (before, self.standing) {
                    let left = Left { index, ts_recv: record.ts_recv() };
                    self.clear(&before, left, cleared_by(record));
                }
            }
        }
        Ok(())
    }

    /// A record of the order was applied.
    fn own(
        &mut self,
        entry: &Entry,
        index: u64,
        record: &MboRecord,
        effect: Effect,
        mut before: Option<Standing>,
        anomaly: Option<Anomaly>,
    ) {
        let left = Left { index, ts_recv: record.ts_recv() };
        if let (Some(old), Effect::Added { .. }) = (before, effect) {
            // A snapshot began with this very record: the order went with all others, and entered again.
            self.clear(&old, left, ClearedBy::Snapshot);
            before = None;
        }
        let event = entry.tally.event_ends - u64::from(record.flags().is_last());
        let enters = before.is_none() && self.standing.is_some();
        if matches!(self.phase, Phase::Over(over) if enters || over != Some(event)) {
            self.next_life();
        }
        if let (true, Some(standing)) = (enters, self.standing) {
            self.enter(entry, index, record, &standing);
        }
        self.count(record, effect, before.as_ref());
        let took_place = self.standing.map(|now| now.entered) != before.map(|before| before.entered);
        self.keep(
            |place| OrderRecord {
                index,
                record: *record,
                effect: Did::of(effect),
                anomaly: anomaly.map(|anomaly| anomaly.kind()),
                took_place: took_place && place.is_some(),
                place,
            },
            entry,
        );
        if let (Some(before), None) = (before, self.standing) {
            let removed = before.order.size;
            self.life.ending = if before.filled >= removed {
                Ending::Filled
            } else if self.life.amounts.filled > 0 {
                Ending::PartlyFilled
            } else {
                Ending::Cancelled
            };
            self.leave(left, Some(event));
        }
    }

    fn enter(&mut self, entry: &Entry, index: u64, record: &MboRecord, standing: &Standing) {
        let by = match record.action() {
            Some(Action::Modify) => EnteredBy::Modify,
            _ if record.flags().is_snapshot() => EnteredBy::Snapshot,
            _ => EnteredBy::Add,
        };
        self.life.entry = Some(Entered {
            index,
            ts_recv: record.ts_recv(),
            ts_event: Nanos(record.ts_event),
            by,
            book_complete: entry.watch.complete_since.is_some(),
        });
        self.life.amounts.size = u64::from(standing.order.size);
        self.phase = Phase::Resting;
    }

    /// What a record says of the order's quantity; `before` is the order as it was.
    fn count(&mut self, record: &MboRecord, effect: Effect, before: Option<&Standing>) {
        let amounts = &mut self.life.amounts;
        match (record.action(), effect) {
            (_, Effect::Skipped(_)) => {}
            (Some(Action::Fill), _) => {
                amounts.fills += 1;
                amounts.filled += u64::from(record.size);
            }
            (Some(Action::Trade), _) => amounts.traded += u64::from(record.size),
            _ => {}
        }
        let Some(before) = before else { return };
        let (size, filled) = (u64::from(before.order.size), u64::from(before.filled));
        match effect {
            Effect::Cancelled { size: removed, .. } => {
                let returned = filled.min(u64::from(removed));
                amounts.returned += returned;
                amounts.cancelled += u64::from(removed) - returned;
            }
            Effect::Modified { side, new_price, new_size, .. } => {
                let returned = filled.min(size);
                let (left, new) = (size - returned, u64::from(new_size));
                amounts.returned += returned;
                amounts.cancelled += left.saturating_sub(new);
                amounts.raised += new.saturating_sub(left);
                let stays = (side, new_price) == (before.order.side, before.order.price);
                let is_modify = record.action() == Some(Action::Modify);
                amounts.refreshes += u64::from(is_modify && stays && returned > 0 && new > left);
            }
            _ => {}
        }
    }

    /// Keeps a record as long as there is room.
    fn keep(&mut self, record: impl FnOnce(Option<Place>) -> OrderRecord, entry: &Entry) {
        if self.records_kept == RECORDS_KEPT {
            self.life.records_omitted += 1;
            return;
        }
        self.records_kept += 1;
        let place = self.standing.and_then(|standing| Place::of(&entry.book, &standing.order));
        self.life.records.push(record(place));
    }

    /// The order went with others.
    fn clear(&mut self, before: &Standing, left: Left, by: ClearedBy) {
        self.life.ending = Ending::Cleared;
        self.life.cleared_by = Some(by);
        self.life.amounts.cleared = u64::from(before.order.size);
        self.leave(left, None);
    }

    fn leave(&mut self, left: Left, event: Option<u64>) {
        self.life.exit = Some(left);
        self.life.measure(left.ts_recv);
        self.phase = Phase::Over(event);
    }

    fn next_life(&mut self) {
        let life = std::mem::take(&mut self.life);
        self.phase = Phase::Before;
        if self.lives.len() < LIVES_KEPT {
            self.lives.push(life);
        } else {
            self.lives_omitted += 1;
        }
    }

    /// All lives, and how many more there were.
    pub(super) fn finish(mut self) -> (Vec<Life>, u64) {
        if let (Phase::Resting, Some(standing)) = (self.phase, self.standing) {
            self.life.ending = Ending::Alive;
            self.life.amounts.left = u64::from(standing.order.size);
            self.life.measure(self.tape.end().unwrap_or(Nanos::UNDEF));
        }
        self.next_life();
        (self.lives, self.lives_omitted)
    }
}

impl Life {
    /// How long it lasted, until a time.
    fn measure(&mut self, until: Nanos) {
        self.alive_ns = self.entry.map(|entry| until.0.saturating_sub(entry.ts_recv.0));
    }
}

impl Did {
    const fn of(effect: Effect) -> Self {
        match effect {
            Effect::Unchanged => Self::Unchanged,
            Effect::Added { .. } => Self::Added,
            Effect::Cancelled { .. } => Self::Cancelled,
            Effect::Modified { .. } => Self::Modified,
            Effect::Skipped(_) => Self::Skipped,
        }
    }
}
