//! Messages by instrument, order, publisher, tape and time: pages of rows, each by the index that suits it.

use std::fmt;
use std::str::FromStr;

use booktape_core::Error;
use booktape_core::wire::RecordRow;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde::Serialize;

use super::database::Refusal;
use super::file::has_indices;
use super::read::{Limits, Readers};
use super::row;
use super::schema::{BY_INSTRUMENT, BY_ORDER, BY_PUBLISHER};
use super::{Stop, status};
use crate::error::Result;

/// Something by its number or its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Named {
    /// Its number.
    Number(i64),
    /// Its name: a symbol, or a publisher's.
    Name(String),
}

/// Which messages.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// Of one tape, by its id.
    pub tape: Option<String>,
    /// Of one instrument.
    pub instrument: Option<Named>,
    /// Of one publisher.
    pub publisher: Option<Named>,
    /// Of one order.
    pub order_id: Option<u64>,
    /// With `ts_recv` at or after this.
    pub start: Option<u64>,
    /// With `ts_recv` before this.
    pub end: Option<u64>,
    /// Behind the last message of a page.
    pub after: Option<After>,
}

/// The last message of a page: what the next page begins behind. As text `<ts_recv>.<id of the row>`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct After {
    ts_recv: i64,
    id: i64,
}

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.ts_recv, self.id)
    }
}

impl FromStr for After {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parsed = text.split_once('.').and_then(|(ts_recv, id)| {
            Some(Self { ts_recv: ts_recv.parse().ok()?, id: id.parse::<u64>().ok()?.try_into().ok()? })
        });
        parsed.ok_or_else(|| Error::Parameter {
            name: "after",
            value: text.to_owned(),
            expected: "`next` of the page before, as it was given".to_owned(),
        })
    }
}

/// A page as it is told.
#[derive(Serialize)]
struct Page {
    messages: Vec<Message>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Message {
    tape: String,
    #[serde(flatten)]
    record: RecordRow,
}

/// Conditions with their values, and the index that has what they ask for in order of time; without one, messages come in
/// order of their ids.
#[derive(Default)]
struct Plan {
    conditions: Vec<&'static str>,
    values: Vec<Value>,
    index: Option<&'static str>,
}

impl Plan {
    fn of(filter: &Filter, tape: Option<i64>, instrument: Option<i64>, publisher: Option<i64>) -> Self {
        let index = match (filter.order_id, instrument, publisher) {
            (Some(_), _, _) => Some(BY_ORDER),
            (None, Some(_), Some(_)) => Some(BY_PUBLISHER),
            (None, Some(_), None) => Some(BY_INSTRUMENT),
            (None, None, _) => None,
        };
        let mut plan = Self { index, ..Self::default() };
        if let Some(order_id) = filter.order_id {
            plan.when("order_id = ?", [order_id.cast_signed()]);
        }
        if let Some(publisher) = publisher {
            plan.when("publisher = ?", [publisher]);
        }
        if let Some(instrument) = instrument {
            plan.when("instrument_id = ?", [instrument]);
        }
        if let Some(tape) = tape {
            plan.when("id >= ? AND id < ?", [row::id(tape, 0), row::id(tape + 1, 0)]);
        }
        // Times are compared as they are stored: one that is undefined is -1, and before all others.
        for (bound, condition) in
            [(filter.start, "ts_recv >= ?"), (filter.end, "ts_recv >= 0 AND ts_recv < ?")]
        {
            if let Some(ts) = bound {
                plan.when(condition, [i64::try_from(ts).unwrap_or(i64::MAX)]);
            }
        }
        match filter.after {
            Some(After { ts_recv, id }) if index.is_some() => {
                plan.when("(ts_recv, id) > (?, ?)", [ts_recv, id]);
            }
            Some(After { id, .. }) => plan.when("id > ?", [id]),
            None => {}
        }
        plan
    }

    fn when(&mut self, condition: &'static str, values: impl IntoIterator<Item = i64>) {
        self.conditions.push(condition);
        self.values.extend(values.into_iter().map(Value::from));
    }

    /// Names the index: the planner does not know how many orders, instruments and publishers there are. While many rows are
    /// loaded at once there is none to name.
    fn query(&self, limit: usize, is_indexed: bool) -> String {
        let conditions =
            if self.conditions.is_empty() { "true".to_owned() } else { self.conditions.join(" AND ") };
        let by = match self.index {
            Some(index) if is_indexed => format!("INDEXED BY {index}"),
            _ => "NOT INDEXED".to_owned(),
        };
        let order = if self.index.is_some() { "ts_recv, id" } else { "id" };
        let columns = row::COLUMNS;
        format!("SELECT {columns} FROM mbo_messages {by} WHERE {conditions} ORDER BY {order} LIMIT {limit}")
    }
}

impl Readers {
    /// A page of messages, as JSON: those of an instrument or an order in order of `ts_recv`, all others in order of tape and
    /// index. `next` is null behind the last.
    pub fn messages(&self, filter: &Filter, limits: Limits, stop: &Stop) -> Result<Vec<u8>> {
        let page = self.ask(limits.timeout, stop, |connection| {
            // Tapes, names, indices and rows of one moment.
            let connection = connection.unchecked_transaction()?;
            let connection = &*connection;
            let tapes = status::tapes(connection)?;
            let tape = filter.tape.as_ref().map(|id| {
                let found = tapes.iter().find(|tape| tape.id == *id).map(|tape| tape.number);
                found.ok_or_else(|| Error::NotFound(format!("no tape {id} in the store")))
            });
            let tape = tape.transpose()?;
            let instrument = number_of(connection, &INSTRUMENT, filter.instrument.as_ref(), tape)?;
            let publisher = number_of(connection, &PUBLISHER, filter.publisher.as_ref(), tape)?;
            let plan = Plan::of(filter, tape, instrument, publisher);
            let mut statement =
                connection.prepare(&plan.query(limits.rows.saturating_add(1), has_indices(connection)?))?;
            let found = statement.query_map(params_from_iter(&plan.values), row::record)?;
            let mut rows = found.collect::<Result<Vec<_>, _>>()?;
            let more = rows.len() > limits.rows;
            rows.truncate(limits.rows);
            let last = rows.last().filter(|_| more);
            let next =
                last.map(|(id, record)| After { ts_recv: record.ts_recv.cast_signed(), id: *id }.to_string());
            let messages = rows.into_iter().filter_map(|(id, record)| {
                let (number, index) = row::split(id);
                // A tape that is being removed is gone, whether or not its last rows are.
                let tape = tapes.iter().find(|tape| tape.number == number)?;
                Some(Message { tape: tape.id.clone(), record: RecordRow::of(index, &record) })
            });
            Ok(Page { messages: messages.collect(), next })
        })?;
        serde_json::to_vec(&page).map_err(|error| Error::Invariant(error.to_string()).into())
    }
}

/// What can be named: as parameters call it, its numbers' column and its names', of `instruments`.
struct Kind {
    what: &'static str,
    number: &'static str,
    name: &'static str,
}

const INSTRUMENT: Kind = Kind { what: "instrument", number: "instrument_id", name: "symbol" };
const PUBLISHER: Kind = Kind { what: "publisher", number: "publisher", name: "publisher_name" };

/// The number of something that was named.
fn number_of(
    connection: &Connection,
    kind: &Kind,
    named: Option<&Named>,
    tape: Option<i64>,
) -> Result<Option<i64>, Refusal> {
    let name = match named {
        None => return Ok(None),
        Some(Named::Number(number)) => return Ok(Some(*number)),
        Some(Named::Name(name)) => name,
    };
    let Kind { what, number, name: column } = kind;
    let asked = format!(
        "SELECT DISTINCT {number} FROM instruments JOIN tapes ON tapes.number = tape \
         WHERE tapes.id IS NOT NULL AND {column} = ?1 AND ?2 IN (tape, -1) LIMIT 2"
    );
    let mut statement = connection.prepare(&asked)?;
    let found = statement.query_map((name, tape.unwrap_or(-1)), |row| row.get(0))?;
    match found.collect::<Result<Vec<i64>, _>>()?.as_slice() {
        [] => Err(Error::NotFound(format!("{what} {name:?} is not in the store")).into()),
        [only] => Ok(Some(*only)),
        _ => {
            let expected =
                format!("the name means several; say its number, or of which tape ({what}s differ by tape)");
            Err(Error::Parameter { name: what, value: name.clone(), expected }.into())
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::sql::schema::{INDICES, MIGRATIONS, migrate};

    #[test]
    fn each_page_is_read_by_its_index_and_never_sorted() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, MIGRATIONS).unwrap();
        for (name, columns) in INDICES {
            connection.execute_batch(&format!("CREATE INDEX {name} ON mbo_messages ({columns})")).unwrap();
        }
        for (order_id, instrument, publisher, tape, expected) in [
            (Some(1), None, None, None, BY_ORDER),
            (Some(1), Some(2), Some(3), Some(4), BY_ORDER),
            (None, Some(2), None, None, BY_INSTRUMENT),
            (None, Some(2), None, Some(4), BY_INSTRUMENT),
            (None, Some(2), Some(3), Some(4), BY_PUBLISHER),
            (None, None, Some(3), Some(4), "INTEGER PRIMARY KEY"),
        ] {
            let after = Some(After { ts_recv: 5, id: 6 });
            for filter in [
                Filter { order_id, ..Filter::default() },
                Filter { order_id, start: Some(7), end: Some(8), ..Filter::default() },
                Filter { order_id, start: Some(7), after, ..Filter::default() },
            ] {
                let plan = Plan::of(&filter, tape, instrument, publisher);
                let explained = format!("EXPLAIN QUERY PLAN {}", plan.query(10, true));
                let mut statement = connection.prepare(&explained).unwrap();
                let details = statement.query_map(params_from_iter(&plan.values), |row| row.get(3)).unwrap();
                let said = details.map(|detail| detail.unwrap()).collect::<Vec<String>>().join("; ");
                assert!(said.contains(expected) && !said.contains("TEMP B-TREE"), "{filter:?}: {said}");
            }
        }
    }
}
