//! Questions: pages of messages by any filter, SQL that reads, and what is refused.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use booktape_core::Error;
use booktape_core::feed::publisher_name;
use booktape_core::tape::Tape;
use booktape_store::StoreError;
use booktape_store::sql::{Answer, Filter, Limits, Named, Options, Parameters, Store};
use rusqlite::types::Value;
use serde_json::Value as Json;

use super::{Folder, never, quiet, records_of, synthetic};

const LIMITS: Limits = Limits { rows: 1_000, timeout: Duration::from_mins(1) };

fn store(folder: &Folder, tapes: &[&Tape]) -> Store {
    let store = Store::open(&folder.data(), Options::default()).unwrap();
    for tape in tapes {
        store.load(tape, &mut quiet, &never()).unwrap();
    }
    store
}

fn sql(store: &Store, query: &str, values: Vec<Value>) -> Result<Answer, StoreError> {
    store.sql(query, &Parameters::InOrder(values), LIMITS, &never())
}

/// Every message of a filter, page by page, as (tape, index).
fn pages(store: &Store, mut filter: Filter, rows: usize) -> Vec<(String, u64)> {
    let mut all = Vec::new();
    loop {
        let page = store.messages(&filter, Limits { rows, ..LIMITS }, &never()).unwrap();
        let page: Json = serde_json::from_slice(&page).unwrap();
        let messages = page["messages"].as_array().unwrap();
        all.extend(messages.iter().map(|message| {
            (message["tape"].as_str().unwrap().to_owned(), message["index"].as_u64().unwrap())
        }));
        let Some(next) = page["next"].as_str() else { return all };
        assert_eq!(messages.len(), rows);
        filter.after = Some(next.parse().unwrap());
    }
}

#[test]
fn pages_have_every_message_of_a_filter_once_and_in_order() {
    let (one, two) = (synthetic(4_000, 3), synthetic(4_000, 4));
    let folder = Folder::new();
    let store = store(&folder, &[&one, &two]);
    let records: Vec<_> = [&one, &two]
        .iter()
        .flat_map(|tape| {
            let id = tape.id();
            (0_u64..)
                .zip(records_of(tape, tape.len()))
                .map(move |(index, record)| (id.clone(), index, record))
        })
        .collect();
    let (_, _, some) = &records[2_500];
    let instrument = Some(Named::Number(some.instrument_id.into()));
    let (order_id, publisher) = (Some(some.order_id), Some(Named::Name(publisher_name(some.publisher_id))));
    let (start, end) = (Some(records[1_000].2.ts_recv), Some(records[3_000].2.ts_recv));
    let filters = [
        Filter::default(),
        Filter { tape: Some(two.id()), ..Filter::default() },
        Filter { tape: Some(two.id()), instrument: instrument.clone(), ..Filter::default() },
        Filter { instrument: instrument.clone(), start, end, ..Filter::default() },
        Filter { instrument: instrument.clone(), publisher: publisher.clone(), start, ..Filter::default() },
        Filter { order_id, ..Filter::default() },
        Filter {
            order_id,
            instrument,
            publisher: publisher.clone(),
            tape: Some(one.id()),
            ..Filter::default()
        },
        Filter { publisher, end, ..Filter::default() },
    ];
    for filter in filters {
        let is = |asked: &Option<Named>, number: i64| match asked {
            Some(Named::Number(asked)) => *asked == number,
            Some(Named::Name(name)) => {
                u16::try_from(number).is_ok_and(|number| publisher_name(number) == *name)
            }
            None => true,
        };
        let mut expected: Vec<_> = records
            .iter()
            .filter(|(tape, _, record)| {
                filter.tape.as_ref().is_none_or(|asked| asked == tape)
                    && is(&filter.instrument, record.instrument_id.into())
                    && is(&filter.publisher, record.publisher_id.into())
                    && filter.order_id.is_none_or(|asked| asked == record.order_id)
                    && filter.start.is_none_or(|start| record.ts_recv >= start)
                    && filter.end.is_none_or(|end| record.ts_recv < end)
            })
            .collect();
        if filter.order_id.is_some() || filter.instrument.is_some() {
            expected.sort_by_key(|(_, _, record)| record.ts_recv);
        }
        let expected: Vec<_> = expected.into_iter().map(|(tape, index, _)| (tape.clone(), *index)).collect();
        assert!(!expected.is_empty(), "{filter:?}");
        for rows in [1_000, 7] {
            assert!(pages(&store, filter.clone(), rows) == expected, "{filter:?}");
        }
    }
}

#[test]
fn names_are_found_and_those_that_are_unclear_or_missing_refused() {
    let folder = Folder::new();
    let tape = synthetic(2_000, 3);
    let store = store(&folder, &[&tape]);
    let (id, symbol) = tape.symbols().iter().next().unwrap();
    let named =
        pages(&store, Filter { instrument: Some(Named::Name(symbol.clone())), ..Filter::default() }, 100);
    let numbered =
        pages(&store, Filter { instrument: Some(Named::Number((*id).into())), ..Filter::default() }, 100);
    assert!(named == numbered && !named.is_empty());
    for filter in [
        Filter { instrument: Some(Named::Name("NONE".to_owned())), ..Filter::default() },
        Filter { publisher: Some(Named::Name("NONE".to_owned())), ..Filter::default() },
        Filter { tape: Some("none-00000000".to_owned()), ..Filter::default() },
    ] {
        let error = store.messages(&filter, LIMITS, &never()).unwrap_err();
        assert!(matches!(error, StoreError::Core(Error::NotFound(_))), "{error}");
    }
    for text in ["", "1", "1.", "a.b", "1.-1", "1.99999999999999999999"] {
        assert!(text.parse::<booktape_store::sql::After>().is_err(), "{text}");
    }
}

#[test]
fn sql_answers_what_reads_and_refuses_what_writes_or_is_wrong() {
    let folder = Folder::new();
    let tape = synthetic(2_000, 3);
    let store = store(&folder, &[&tape]);
    let count =
        sql(&store, "SELECT count(*) AS n FROM mbo_messages WHERE size > ?", vec![Value::Integer(-1)])
            .unwrap();
    assert_eq!((count.columns, count.rows), (vec!["n".to_owned()], vec![vec![Value::Integer(2_000)]]));
    let named = Parameters::Named(vec![(":low".to_owned(), Value::Integer(1_999))]);
    let rows = store
        .sql("SELECT id FROM mbo_messages WHERE (id & 0xfffff) >= :low", &named, LIMITS, &never())
        .unwrap();
    assert_eq!(rows.rows.len(), 1);
    let before = folder_dump(&store);
    let all = sql(&store, "SELECT id FROM mbo_messages", vec![]).unwrap();
    assert_eq!((all.rows.len(), all.more), (1_000, true));
    for query in [
        "DELETE FROM mbo_messages",
        "DROP TABLE tapes",
        "CREATE TEMP TABLE t (a)",
        "ATTACH 'other.db' AS other",
        "VACUUM INTO 'copy.db'",
        "BEGIN",
        "SELECT 1; SELECT 2",
        "SELECT absent FROM mbo_messages",
        "SELEC 1",
        "",
        "SELECT ?",
        "SELECT load_extension('x')",
        "SELECT length(zeroblob(100000000))",
    ] {
        let answer = sql(&store, query, vec![]);
        assert!(matches!(answer, Err(StoreError::Query(_))), "{query}: {answer:?}");
    }
    assert!(folder_dump(&store) == before);
    let error = sql(&store, "SELECT absent FROM mbo_messages", vec![]).unwrap_err();
    assert!(error.to_string().contains("no such column: absent"), "{error}");
}

fn folder_dump(store: &Store) -> Vec<Vec<Value>> {
    sql(store, "SELECT count(*), sum(id), sum(order_id) FROM mbo_messages", vec![]).unwrap().rows
}

#[test]
fn a_query_ends_with_its_time_or_when_it_is_told_to() {
    let folder = Folder::new();
    let store = store(&folder, &[]);
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let short = Limits { timeout: Duration::from_millis(20), ..LIMITS };
    let nothing = Parameters::InOrder(vec![]);
    for _ in 0..10 {
        let error = store.sql(endless, &nothing, short, &never()).unwrap_err();
        assert!(matches!(error, StoreError::TimedOut { .. }), "{error}");
    }
    let error = store.sql(endless, &nothing, LIMITS, &(Arc::new(|| true) as _)).unwrap_err();
    assert!(matches!(error, StoreError::Core(Error::Interrupted)), "{error}");
    assert_eq!(sql(&store, "SELECT 1", vec![]).unwrap().rows, [[Value::Integer(1)]]);
}

#[test]
fn who_reads_sees_whole_batches_while_rows_are_added_and_nobody_waits() {
    let folder = Folder::new();
    let tape = synthetic(200_000, 3);
    let store = store(&folder, &[]);
    let mut seen = BTreeSet::new();
    let look = &mut |done: u64, _| {
        let status = store.status().unwrap();
        let [stored] = status.tapes.try_into().unwrap();
        let count = sql(&store, "SELECT count(*) FROM mbo_messages", vec![]).unwrap();
        assert_eq!((stored.mark, &count.rows[0][0]), (done, &Value::Integer(done as i64)));
        seen.insert(done);
        Ok(())
    };
    store.load(&tape, look, &never()).unwrap();
    assert!(seen.len() > 2);
}

#[test]
fn a_closed_store_says_so_and_frees_its_folder() {
    let folder = Folder::new();
    let tape = synthetic(1_000, 3);
    let store = store(&folder, &[&tape]);
    store.close();
    store.close();
    assert!(store.status().unwrap_err().to_string().contains("closed"));
    assert!(store.load(&tape, &mut quiet, &never()).unwrap_err().to_string().contains("closed"));
    assert_eq!(folder.open().tapes().unwrap().len(), 1);
}
