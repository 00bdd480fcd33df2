"""The store: tapes as tables, each record once, and what is refused."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import booktape as bt
from booktape.moment import Moment

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[bt.Store]:
    with bt.Store(tmp_path / "data") as opened:
        yield opened


def signed(values: Any) -> list[int]:
    numbers: list[int] = np.asarray(values, dtype=np.uint64).view(np.int64).tolist()
    return numbers


def test_every_field_of_every_record_is_in_its_row(store: bt.Store, tape: bt.Tape) -> None:
    assert store.load(tape) == len(tape)
    records = tape.to_numpy()
    answer = store.sql("SELECT * FROM mbo_messages ORDER BY id")
    columns = dict(zip(answer.columns, zip(*answer.rows, strict=True), strict=True))
    assert list(columns.pop("id")) == [(1 << 40) + index for index in range(len(tape))]
    names = {"publisher": "publisher_id"}
    letters = {name: [code.decode() for code in records[name]] for name in ("action", "side")}
    for name, values in columns.items():
        expected = letters.get(name) or signed(records[names.get(name, name)].astype(np.int64).view(np.uint64))
        assert list(values) == expected, name
    assert len(columns) == 13


def test_loading_again_adds_nothing_and_progress_is_told(store: bt.Store, tape: bt.Tape) -> None:
    told: list[tuple[int, int]] = []
    assert store.load(tape, progress=lambda done, total: told.append((done, total))) == len(tape)
    assert told[-1] == (len(tape), len(tape))
    assert store.load(tape) == 0
    (stored,) = store.tapes()
    assert stored == (tape.id, tape.name, tape.dataset, 0, len(tape))
    assert stored.rows == len(tape)


def test_an_exception_of_progress_stops_and_the_next_call_goes_on(store: bt.Store) -> None:
    tape = bt.synthesize(messages=200_000, seed=9)

    def stop(done: int, total: int) -> None:
        raise RuntimeError(f"{done} of {total}")

    with pytest.raises(RuntimeError, match="of 200000"):
        store.load(tape, progress=stop)
    (stored,) = store.tapes()
    assert 0 < stored.rows < len(tape)
    assert store.load(tape) == len(tape) - stored.rows
    assert store.status().indexed
    store.verify()


def test_pages_of_an_order_are_its_records(store: bt.Store, tape: bt.Tape) -> None:
    store.load(tape)
    records = tape.to_numpy()
    ids, counts = np.unique(records["order_id"][records["order_id"] > 0], return_counts=True)
    order_id = ids[counts.argmax()]
    page = store.messages(order_id=order_id, tape=tape.id)
    expected = [int(index) for index in np.flatnonzero(records["order_id"] == order_id)]
    assert [message["index"] for message in page.messages] == expected
    told = {record["index"]: record for record in tape.records(expected[0], 1_000)}
    assert page.messages[0] == told[expected[0]] | {"tape": tape.id}


def test_times_of_any_kind_bound_a_page(store: bt.Store, tape: bt.Tape) -> None:
    store.load(tape)
    instrument = tape.instruments[0].instrument_id
    middle = int(tape.to_numpy()["ts_recv"][len(tape) // 2]) // 1_000 * 1_000
    moment = datetime.fromtimestamp(middle // 10**9, UTC).replace(microsecond=middle // 1_000 % 10**6)
    expected = int((tape.to_numpy()["ts_recv"] < middle).sum())
    for time in (Moment(ts=middle), moment, np.datetime64(middle, "ns"), str(np.datetime64(middle, "ns"))):
        found, after = 0, None
        while True:
            page = store.messages(instrument=instrument, end=time, limit=1_000, after=after)
            found, after = found + len(page.messages), page.next
            if after is None:
                break
        assert found == expected
        assert store.messages(instrument=instrument, start=time, limit=1).messages[0]["index"] == expected


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"limit": 0}, bt.ParameterError, "limit = 0"),
        ({"limit": 1_001}, bt.ParameterError, "1,000"),
        ({"order_id": 2**64}, bt.ParameterError, "order_id"),
        ({"order_id": -1}, bt.ParameterError, "order_id"),
        ({"instrument": 2**32}, bt.ParameterError, "instrument"),
        ({"instrument": "NONE"}, bt.NotFoundError, 'instrument "NONE" is not in the store'),
        ({"publisher": "NONE"}, bt.NotFoundError, 'publisher "NONE" is not in the store'),
        ({"tape": "none"}, bt.NotFoundError, "no tape none"),
        ({"start": 5}, bt.ParameterError, "an index belongs to one tape"),
        ({"end": "soon"}, bt.ParameterError, "end = 'soon'"),
        ({"after": "nonsense"}, bt.ParameterError, "after = nonsense"),
        ({"timeout": -1.0}, bt.ParameterError, "timeout"),
    ],
)
def test_what_a_page_cannot_be_asked_for_is_said(
    store: bt.Store, tape: bt.Tape, wrong: dict[str, Any], error: type[Exception], said: str
) -> None:
    store.load(tape)
    with pytest.raises(error, match=said):
        store.messages(**wrong)


def test_unsigned_values_are_found_as_they_are_given(store: bt.Store, tape_file: Path, tape: bt.Tape) -> None:
    records = tape.to_numpy().copy()
    head = tape_file.read_bytes().removesuffix(tape.to_numpy().tobytes())
    records["order_id"][7] = 2**64 - 1
    records["order_id"][8] = 2**63
    records["ts_event"][7] = 2**64 - 1
    odd = bt.open(head + records.tobytes())
    store.load(odd)
    for index, order_id in ((7, 2**64 - 1), (8, 2**63)):
        (message,) = store.messages(order_id=order_id).messages
        assert (message["index"], message["order_id"]) == (index, str(order_id))
        assert store.sql("SELECT id & 1023 FROM mbo_messages WHERE order_id = ?", [order_id]).rows == [(index,)]
    assert store.messages(order_id=2**64 - 1).messages[0]["ts_event"] == str(2**64 - 1)
    assert store.load(odd) == 0


def test_values_go_into_a_query_and_come_out_of_it(store: bt.Store) -> None:
    values = [None, 1, -(2**63), 2**63, 1.5, "text", b"bytes", True, np.int64(3)]
    answer = store.sql("SELECT " + ", ".join("?" * len(values)), values)
    assert answer.rows == [(None, 1, -(2**63), -(2**63), 1.5, "text", b"bytes", 1, 3)]
    assert store.sql("SELECT :a + :b", {"a": 1, "b": 2}).rows == [(3,)]
    with pytest.raises(TypeError, match="nothing that SQL knows"):
        store.sql("SELECT ?", [object()])
    with pytest.raises(bt.ParameterError, match="64 bits"):
        store.sql("SELECT ?", [2**64])


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT absent FROM mbo_messages", "no such column: absent"),
        ("DELETE FROM mbo_messages", "only queries that read"),
        ("SELECT ?", "Wrong number of parameters"),
        ("SELECT :a", "Wrong number of parameters"),
        ("", "only queries that read"),
    ],
)
def test_a_query_that_cannot_be_answered_says_why(store: bt.Store, query: str, said: str) -> None:
    with pytest.raises(bt.StoreError, match=said):
        store.sql(query)


def test_limits_hold(store: bt.Store, tape: bt.Tape) -> None:
    store.load(tape)
    answer = store.sql("SELECT id FROM mbo_messages", limit=10)
    assert (len(answer.rows), answer.more) == (10, True)
    assert not store.sql("SELECT id FROM mbo_messages", limit=len(tape)).more
    with pytest.raises(bt.StoreBusyError, match=r"longer than 0.05 s"):
        store.sql(ENDLESS, timeout=0.05)


def test_more_questions_than_there_are_readers_wait_or_say_so(store: bt.Store) -> None:
    refused: list[Exception] = []

    def ask() -> None:
        try:
            store.sql(ENDLESS, timeout=0.3)
        except bt.StoreBusyError as error:
            refused.append(error)

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == len(threads)
    assert store.sql("SELECT 1").rows == [(1,)]


def test_a_tape_is_removed_or_its_first_records_are(store: bt.Store, tape: bt.Tape, two_instruments: bt.Tape) -> None:
    store.load(tape)
    store.load(two_instruments)
    assert store.forget_before(tape.id, 4_000) == 4_000
    assert store.sql("SELECT count(*) FROM mbo_messages").rows == [(len(tape) - 4_000 + len(two_instruments),)]
    assert store.load(tape) == 0
    store.remove(tape.id)
    assert [stored.id for stored in store.tapes()] == [two_instruments.id]
    with pytest.raises(bt.NotFoundError, match=two_instruments.id):
        store.remove(tape.id)
    store.verify()


def test_a_folder_has_one_owner_also_among_processes(tmp_path: Path) -> None:
    with bt.Store(tmp_path):
        with pytest.raises(bt.StoreError, match="in use by this process already"):
            bt.Store(tmp_path)
        program = f"import booktape; booktape.Store({str(tmp_path)!r})"
        other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert other.returncode == 1
        assert f"{tmp_path}: the data folder is in use by process" in other.stderr
    bt.Store(tmp_path).close()


def test_a_damaged_database_is_moved_aside_when_asked(tmp_path: Path, tape: bt.Tape) -> None:
    with bt.Store(tmp_path) as store:
        store.load(tape)
    database = tmp_path / "booktape.db"
    damaged = database.read_bytes()[:20_000]
    database.write_bytes(damaged)
    with pytest.raises(bt.StoreError, match=r"damaged .* rebuild=True"):
        bt.Store(tmp_path)
    with bt.Store(tmp_path, rebuild=True) as store:
        assert store.set_aside == tmp_path / "booktape.db.damaged-1"
        assert store.set_aside.read_bytes() == damaged
        assert store.load(tape) == len(tape)
        store.verify()


def test_a_newer_database_is_refused_as_it_is(tmp_path: Path) -> None:
    bt.Store(tmp_path).close()
    database = tmp_path / "booktape.db"
    before = bytearray(database.read_bytes())
    before[60:64] = (12).to_bytes(4, "big")  # where SQLite keeps a program's version
    database.write_bytes(before)
    with pytest.raises(bt.StoreError, match="version 12"):
        bt.Store(tmp_path, rebuild=True)
    assert database.read_bytes() == before


def test_a_closed_store_says_so(tmp_path: Path, tape: bt.Tape) -> None:
    store = bt.Store(tmp_path)
    store.close()
    for use in (store.tapes, store.verify, lambda: store.load(tape), lambda: store.sql("SELECT 1"), store.messages):
        with pytest.raises(bt.StoreError, match="closed"):
            use()
    store.close()


def test_settings_say_where_and_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKTAPE_DATA_DIR", str(tmp_path / "named"))
    with bt.Store(synchronous="full") as store:
        assert store.folder == str(tmp_path / "named")
        assert json.dumps(store.status().schema_version) == "1"
    with pytest.raises(bt.ParameterError, match="normal or full"):
        bt.Store(tmp_path, synchronous="off")  # type: ignore[arg-type]


def test_clx5_in_sql_is_clx5(store: bt.Store, clx5: Path) -> None:
    tape = bt.open(clx5)
    store.load(tape)
    ((records, event_ends),) = store.sql("SELECT count(*), sum((flags & 128) <> 0) FROM mbo_messages").rows
    assert (records, event_ends) == (38_212, 32_053)
    trades = store.sql("SELECT sum(size), min(price), max(price) FROM mbo_messages WHERE action = 'T'").rows
    numbers = tape.to_numpy()
    traded = numbers[numbers["action"] == b"T"]
    assert trades == [(int(traded["size"].sum()), int(traded["price"].min()), int(traded["price"].max()))]
    symbols = store.sql("SELECT symbol, publisher_name FROM instruments").rows
    assert symbols == [("CLX5", "GLBX.MDP3.GLBX")]


def test_esm4_in_sql_is_esm4(store: bt.Store, esm4: Path) -> None:
    store.load(bt.open(esm4))
    snapshot = "SELECT count(*), sum((flags & 32) <> 0 AND action = 'A') FROM mbo_messages"
    ((records, in_snapshot),) = store.sql(snapshot).rows
    assert records == 13_796
    assert in_snapshot > 13_000
    assert store.sql("SELECT count(*) FROM mbo_messages WHERE action = 'R'").rows == [(1,)]
