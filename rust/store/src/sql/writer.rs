//! The thread that follows tapes: it reads them from their high-water marks on and adds their rows, and nobody waits for it.
//!
//! It keeps no record: what it has not written yet is on the tapes. What goes wrong is kept, told, and tried again.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use booktape_core::tape::{Growing, Tape};

use super::database::{BATCH, Place, Stop};
use super::file::WriteBack;
use super::store::Store;
use crate::error::Result;

/// Between two looks at the heads of growing tapes: rows are this late. A row costs half as much in a batch of 10,000 as in
/// one of 500, since rows that are added together share the pages of the indices that they change.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// Rests so many times as long as it worked, while others need the processors.
const RESTS: u32 = 7;
/// The longest work that is rested from, and the time between two looks whether others still do.
const LONGEST_WORK: Duration = Duration::from_millis(200);
const REST: Duration = Duration::from_millis(20);
/// After the first failure of a tape, twice that after the next, and so on.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A tape to follow.
#[derive(Clone, Debug)]
pub enum Source {
    /// One that is whole.
    Whole(Arc<Tape>),
    /// One that grows.
    Growing(Arc<Growing>),
}

impl Source {
    /// The tape as it is now.
    #[must_use]
    pub fn head(&self) -> Arc<Tape> {
        match self {
            Self::Whole(tape) => Arc::clone(tape),
            Self::Growing(growing) => growing.head(),
        }
    }

    fn may_grow(&self) -> bool {
        matches!(self, Self::Growing(growing) if !growing.is_closed())
    }
}

/// How far a tape is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Followed {
    /// The tape's id.
    pub id: String,
    /// Its high-water mark; `None` before it was looked up.
    pub mark: Option<u64>,
    /// Records on the tape now.
    pub records: u64,
    /// Why it does not get on, where it does not.
    pub error: Option<String>,
}

impl Followed {
    /// Records without a row yet.
    #[must_use]
    pub fn lag(&self) -> u64 {
        self.records.saturating_sub(self.mark.unwrap_or_default())
    }
}

/// The background writer of a store. Dropped, it stops behind the batch it is at.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    store: Arc<Store>,
    stopping: Arc<AtomicBool>,
    state: Mutex<State>,
    /// Told after each change of the state.
    changed: Condvar,
}

#[derive(Clone, Debug)]
struct Entry {
    /// Told from an earlier one of the same tape.
    number: u64,
    source: Source,
    followed: Followed,
    /// Its mark when the thread last ended a turn: by then the indices are there as well.
    settled: Option<u64>,
}

#[derive(Debug, Default)]
struct State {
    tapes: Vec<Entry>,
    /// How often a tape was taken up.
    taken_up: u64,
    /// Whether the thread is at work on the tapes it took.
    working: bool,
    /// Whether somebody waits for the next look.
    hurried: bool,
    /// Why what is not about one tape cannot be done: removals, indices.
    error: Option<String>,
}

impl State {
    fn of(&mut self, number: u64) -> Option<&mut Followed> {
        self.tapes.iter_mut().find(|entry| entry.number == number).map(|entry| &mut entry.followed)
    }
}

impl Writer {
    /// Starts the thread, at the lowest priority.
    ///
    /// # Errors
    /// Those of the system, which may not have another thread.
    pub fn start(store: Arc<Store>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            store,
            stopping: Arc::default(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let own = Arc::clone(&shared);
        let thread = thread::Builder::new().name("booktape-store".to_owned()).spawn(move || own.run())?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Follows a tape from its high-water mark on; one of the same id is followed no more.
    pub fn follow(&self, source: Source) {
        let head = source.head();
        let followed = Followed { id: head.id(), mark: None, records: head.len(), error: None };
        let mut state = self.shared.state();
        state.tapes.retain(|other| other.followed.id != followed.id);
        state.taken_up += 1;
        let number = state.taken_up;
        state.tapes.push(Entry { number, source, followed, settled: None });
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Follows a tape no more: when this returns, nothing is added to it any more, and it may be removed.
    pub fn unfollow(&self, id: &str) {
        let mut state = self.shared.state();
        state.tapes.retain(|entry| entry.followed.id != id);
        let waited = self.shared.changed.wait_while(state, |state| state.working);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Every tape that is followed, and how far it is stored.
    #[must_use]
    pub fn followed(&self) -> Vec<Followed> {
        let state = self.shared.state();
        let now = |entry: &Entry| Followed { records: entry.source.head().len(), ..entry.followed.clone() };
        state.tapes.iter().map(now).collect()
    }

    /// What went wrong and was not made up for yet.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        let state = self.shared.state();
        let of_tapes = || state.tapes.iter().find_map(|entry| entry.followed.error.clone());
        state.error.clone().or_else(of_tapes)
    }

    /// Waits until all that is on the followed tapes now is stored, and the indices are there; whether it is so.
    #[must_use]
    pub fn flush(&self, longest: Duration) -> bool {
        let mut state = self.shared.state();
        state.hurried = true;
        self.shared.changed.notify_all();
        let wanted: HashMap<u64, u64> =
            state.tapes.iter().map(|entry| (entry.number, entry.source.head().len())).collect();
        let is_short = |entry: &Entry| {
            wanted.get(&entry.number).is_some_and(|wanted| entry.settled.is_none_or(|mark| mark < *wanted))
        };
        let is_behind = |state: &mut State| {
            !self.shared.stopping.load(Relaxed) && (state.error.is_some() || state.tapes.iter().any(is_short))
        };
        let waited = self.shared.changed.wait_timeout_while(state, longest, is_behind);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !self.shared.stopping.load(Relaxed) && !is_behind(&mut state)
    }

    /// Stops behind the batch it is at, and waits for that.
    pub fn stop(&self) {
        self.shared.stopping.store(true, Relaxed);
        // Under the lock, or the thread could be between its look at the flag and its wait.
        drop(self.shared.state());
        self.shared.changed.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // One that panicked has stopped as well, and said so.
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What the thread knows of a tape.
#[derive(Debug, Default)]
struct Work {
    place: Option<Place>,
    failures: u32,
    not_before: Option<Instant>,
}

impl Work {
    fn fail(&mut self) {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(16)).min(LONGEST_PAUSE);
        // Where it stands is looked up again: it may be what was wrong.
        self.place = None;
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(Instant::now() + pause);
    }

    fn rests(&self) -> bool {
        self.not_before.is_some_and(|then| Instant::now() < then)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(self: &Arc<Self>) {
        lower_priority();
        let mut works: HashMap<u64, Work> = HashMap::new();
        let mut upkeep = Work::default();
        let stop = self.stop();
        while let Some(tapes) = self.next_turn() {
            works.retain(|number, _| tapes.iter().any(|(known, _)| known == number));
            let is_behind = self.turn(&tapes, &mut works, &mut upkeep, &stop);
            let rests = works.values().chain([&upkeep]).filter_map(|work| work.not_before).min();
            self.end_turn(is_behind, &tapes, rests);
        }
    }

    fn stop(self: &Arc<Self>) -> Stop {
        let shared = Arc::clone(self);
        let rested = Mutex::new(Instant::now());
        Arc::new(move || {
            let mut rested = rested.lock().unwrap_or_else(PoisonError::into_inner);
            shared.rest(rested.elapsed());
            *rested = Instant::now();
            shared.stopping.load(Relaxed)
        })
    }

    /// Rests from work on what does not grow, and so can wait, while others need the processors: at whatever priority, it
    /// takes their caches, and what the system does for it is not put aside for them.
    fn rest(&self, worked: Duration) {
        let until = Instant::now() + worked.min(LONGEST_WORK) * RESTS;
        while self.store.gives_way() && !self.stopping.load(Relaxed) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(REST));
        }
    }

    /// The tapes to look at; `None` when it is time to stop.
    fn next_turn(&self) -> Option<Vec<(u64, Source)>> {
        if self.stopping.load(Relaxed) {
            return None;
        }
        let mut state = self.state();
        (state.working, state.hurried) = (true, false);
        Some(state.tapes.iter().map(|entry| (entry.number, entry.source.clone())).collect())
    }

    /// Adds a batch of each tape that has something new; whether any had more than that.
    fn turn(
        &self,
        tapes: &[(u64, Source)],
        works: &mut HashMap<u64, Work>,
        upkeep: &mut Work,
        stop: &Stop,
    ) -> bool {
        let heads: Vec<(u64, Arc<Tape>, bool)> =
            tapes.iter().map(|(number, source)| (*number, source.head(), source.may_grow())).collect();
        let mut lags = Vec::with_capacity(heads.len());
        for (number, head, _) in &heads {
            let work = works.entry(*number).or_default();
            if work.place.is_none() && !work.rests() {
                match self.store.write(|database| database.place(head)) {
                    // Whether it gets on from there will be seen.
                    Ok(place) => work.place = Some(place),
                    failed => self.note(*number, work, failed),
                }
            }
            let mark = work.place.as_ref().map_or(head.len(), |place| place.mark);
            lags.push(head.len().saturating_sub(mark));
        }
        if !upkeep.rests() {
            let prepared = self.store.write(|database| database.prepare_for(lags.iter().sum()));
            self.note_upkeep(upkeep, &prepared);
        }
        let mut is_behind = false;
        for (number, head, may_grow) in &heads {
            let Some(work) = works.get_mut(number) else { continue };
            let Some(mut place) = work.place.take() else { continue };
            let began = Instant::now();
            let gives_way = self.store.gives_way();
            let done = self.store.write(|database| {
                database.write_back(if gives_way { WriteBack::Little } else { WriteBack::Much })?;
                database.add(head, &mut place, BATCH)
            });
            let done = done.map(|()| place);
            is_behind |= done.as_ref().is_ok_and(|place| place.mark < head.len());
            self.note(*number, work, done);
            if !may_grow {
                self.rest(began.elapsed());
            }
        }
        if lags.iter().all(|lag| *lag <= BATCH) && !upkeep.rests() {
            self.note_upkeep(upkeep, &self.store.tidy(stop));
        }
        is_behind
    }

    fn note_upkeep(&self, upkeep: &mut Work, done: &Result<()>) {
        self.state().error = done.as_ref().err().map(ToString::to_string);
        match done {
            Ok(()) => *upkeep = Work::default(),
            Err(_) => upkeep.fail(),
        }
    }

    /// Keeps what became of a tape: its place, or why there is none and when to look for it again.
    fn note(&self, number: u64, work: &mut Work, done: Result<Place>) {
        let mut state = self.state();
        let told = state.of(number);
        match done {
            Ok(place) => {
                if let Some(told) = told {
                    (told.mark, told.error) = (Some(place.mark), None);
                }
                *work = Work { place: Some(place), ..Work::default() };
            }
            Err(error) => {
                work.fail();
                if let Some(told) = told {
                    told.error = Some(error.to_string());
                }
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for something to do, unless there is more of what was done.
    fn end_turn(&self, is_behind: bool, tapes: &[(u64, Source)], rests: Option<Instant>) {
        let mut state = self.state();
        state.working = false;
        for entry in &mut state.tapes {
            entry.settled = entry.followed.mark;
        }
        self.changed.notify_all();
        if is_behind {
            return;
        }
        let is_quiet = |state: &mut State| {
            let now = state.tapes.iter().map(|entry| entry.number);
            !self.stopping.load(Relaxed) && !state.hurried && now.eq(tapes.iter().map(|(number, _)| *number))
        };
        let may_grow = tapes.iter().any(|(_, source)| source.may_grow());
        let longest = if may_grow {
            BETWEEN_LOOKS
        } else {
            rests.map_or(LONGEST_PAUSE, |then| then.saturating_duration_since(Instant::now()))
        };
        drop(self.changed.wait_timeout_while(state, longest, is_quiet));
    }
}

/// Rows may wait; streams may not. A thread that only runs where nobody else would is put aside as soon as anybody wakes, and
/// its core counts as free; a merely nice one keeps it for up to three milliseconds.
fn lower_priority() {
    // Linux has a priority for each thread; elsewhere it would be the whole process's.
    #[cfg(target_os = "linux")]
    let _ = {
        use thread_priority::unix::{set_thread_priority_and_policy, thread_native_id};
        use thread_priority::{NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle)
    };
}
