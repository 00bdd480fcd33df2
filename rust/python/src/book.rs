//! `Book`.

use std::sync::{Arc, Mutex};

use booktape_core::book::{LevelView, OrderView, Overlap};
use booktape_core::market::{Entry, Market as CoreMarket};
use booktape_core::matching::{Bbo, Matched, View, bbo, levels, uncross};
use booktape_core::types::{BookKey, Price, Side};
use booktape_core::{Result, wire};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::detached::with_locked;
use crate::errors::{parameter, to_python};

/// (price, size, count).
pub type LevelTuple = (i64, u64, u32);

/// (price, paired size, imbalance, its side).
type UncrossTuple = (i64, u64, u64, Option<char>);

const fn level_tuple(level: LevelView) -> LevelTuple {
    (level.price.0, level.size, level.count)
}

/// (bid, ask).
pub fn bbo_tuple(best: Bbo) -> (Option<LevelTuple>, Option<LevelTuple>) {
    (best.bid.map(level_tuple), best.ask.map(level_tuple))
}

/// The side with a public code.
pub fn side_of(code: &str) -> PyResult<Side> {
    match code {
        "B" => Ok(Side::Bid),
        "A" => Ok(Side::Ask),
        other => Err(parameter("side", other, "\"B\" (bid) or \"A\" (ask)")),
    }
}

/// The view with a public name.
pub fn view_of(name: &str) -> PyResult<View> {
    [View::Matched, View::Published]
        .into_iter()
        .find(|view| view.name() == name)
        .ok_or_else(|| parameter("view", name, "\"matched\" or \"published\""))
}

const fn code(side: Side) -> char {
    side.code() as char
}

/// One book of a market, live.
#[pyclass(frozen, module = "booktape._native")]
pub struct Book {
    pub market: Arc<Mutex<CoreMarket>>,
    pub key: BookKey,
}

impl Book {
    fn see<R: Send>(
        &self,
        py: Python<'_>,
        see: impl FnOnce(&CoreMarket, &Entry) -> Result<R> + Send,
    ) -> PyResult<R> {
        let BookKey { publisher_id, instrument_id } = self.key;
        with_locked(py, &self.market, |market| see(market, market.find(instrument_id, Some(publisher_id))?))
            .map_err(to_python)
    }
}

#[pymethods]
impl Book {
    #[getter]
    fn publisher_id(&self) -> u16 {
        self.key.publisher_id
    }

    #[getter]
    fn instrument_id(&self) -> u32 {
        self.key.instrument_id
    }

    #[pyo3(signature = (view="matched"))]
    fn bbo(&self, py: Python<'_>, view: &str) -> PyResult<(Option<LevelTuple>, Option<LevelTuple>)> {
        let view = view_of(view)?;
        self.see(py, |_, entry| Ok(bbo_tuple(bbo(&entry.book, view))))
    }

    #[pyo3(signature = (side, depth=None, view="matched"))]
    fn levels(
        &self,
        py: Python<'_>,
        side: &str,
        depth: Option<usize>,
        view: &str,
    ) -> PyResult<Vec<LevelTuple>> {
        let (side, view) = (side_of(side)?, view_of(view)?);
        self.see(py, |_, entry| {
            let levels = levels(&entry.book, side, depth.unwrap_or(usize::MAX), view);
            Ok(levels.into_iter().map(level_tuple).collect())
        })
    }

    #[pyo3(signature = (side, price, view="matched"))]
    fn level(&self, py: Python<'_>, side: &str, price: i64, view: &str) -> PyResult<Option<LevelTuple>> {
        let (side, view, price) = (side_of(side)?, view_of(view)?, Price(price));
        self.see(py, |_, entry| {
            let level = match view {
                View::Published => entry.book.level(side, price),
                View::Matched => Matched::of(&entry.book).levels(side).find(|level| level.price == price),
            };
            Ok(level.map(level_tuple))
        })
    }

    /// (`order_id`, size, `priority_approximate`), front first.
    fn queue(&self, py: Python<'_>, side: &str, price: i64) -> PyResult<Vec<(u64, u32, bool)>> {
        let side = side_of(side)?;
        self.see(py, |_, entry| {
            let queue = entry.book.queue(side, Price(price));
            Ok(queue.map(|order| (order.order_id, order.size, order.priority_approximate)).collect())
        })
    }

    /// (side, price, size, `priority_approximate`).
    fn order(&self, py: Python<'_>, order_id: u64) -> PyResult<Option<(char, i64, u32, bool)>> {
        self.see(py, |_, entry| {
            let order = entry.book.order(order_id);
            Ok(order.map(|OrderView { side, price, size, priority_approximate, .. }| {
                (code(side), price.0, size, priority_approximate)
            }))
        })
    }

    /// Orders ahead and their size.
    fn queue_position(&self, py: Python<'_>, order_id: u64) -> PyResult<Option<(u32, u64)>> {
        self.see(py, |_, entry| Ok(entry.book.ahead_of(order_id)))
    }

    fn order_count(&self, py: Python<'_>) -> PyResult<usize> {
        self.see(py, |_, entry| Ok(entry.book.order_count()))
    }

    fn level_counts(&self, py: Python<'_>) -> PyResult<(usize, usize)> {
        self.see(py, |_, entry| Ok((entry.book.level_count(Side::Bid), entry.book.level_count(Side::Ask))))
    }

    fn is_crossed(&self, py: Python<'_>) -> PyResult<bool> {
        self.see(py, |_, entry| Ok(entry.book.overlap() == Overlap::Crossed))
    }

    fn is_locked(&self, py: Python<'_>) -> PyResult<bool> {
        self.see(py, |_, entry| Ok(entry.book.overlap() == Overlap::Locked))
    }

    fn suspect(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.see(py, |market, entry| Ok(market.suspicion(entry)))
    }

    /// Anomalies of this book's records so far, by kind.
    fn anomalies(&self, py: Python<'_>) -> PyResult<std::collections::BTreeMap<&'static str, u64>> {
        self.see(py, |_, entry| {
            Ok(entry.notes.counts().iter().map(|(kind, count)| (kind.name(), count)).collect())
        })
    }

    /// (price, size, `bid_order_id`, `ask_order_id`) of the matched view.
    fn executions(&self, py: Python<'_>) -> PyResult<Vec<(i64, u32, u64, u64)>> {
        self.see(py, |_, entry| {
            let matched = Matched::of(&entry.book);
            let executions = matched.executions().iter();
            Ok(executions
                .map(|done| (done.price.0, done.size, done.bid_order_id, done.ask_order_id))
                .collect())
        })
    }

    /// (price, paired size, imbalance, its side) of the indicative auction.
    fn uncross(&self, py: Python<'_>) -> PyResult<Option<UncrossTuple>> {
        self.see(py, |_, entry| {
            let result = uncross(&entry.book, entry.watch.reference());
            Ok(result
                .map(|auction| (auction.price.0, auction.size, auction.imbalance, auction.side.map(code))))
        })
    }

    /// Verifies every invariant.
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        self.see(py, |_, entry| {
            entry.book.check()?;
            Matched::of(&entry.book).check()
        })
    }

    fn state_json<'py>(
        &self,
        py: Python<'py>,
        depth: usize,
        view: &str,
        orders: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let view = view_of(view)?;
        let json = self.see(py, |market, entry| wire::book_state(market, entry, depth, view, orders))?;
        Ok(PyBytes::new(py, &json))
    }
}
