"""Real CME sessions: what the oracle makes of them, and that booktape makes the same."""

from collections import Counter
from pathlib import Path

import pytest

import booktape as bt
from tests.conformance.agreement import Trial
from tests.conformance.oracle import OracleMarket
from tests.conformance.records import F_LAST, F_SNAPSHOT, Record, pack, read_dbn

WHOLE_BOOK_EVERY = 2_000
"""Records between comparisons of every order; best prices and executions are compared after each event."""

SNAPSHOT = 13_601
"""Records of the snapshot that begins `esm4`."""


@pytest.fixture(scope="module")
def clx5_records(clx5: Path) -> list[Record]:
    return list(read_dbn(clx5))


@pytest.fixture(scope="module")
def esm4_records(esm4: Path) -> list[Record]:
    return list(read_dbn(esm4))


def oracle_after(records: list[Record]) -> OracleMarket:
    oracle = OracleMarket()
    oracle.apply(records)
    return oracle


def test_both_decoders_read_the_same(
    clx5: Path, clx5_records: list[Record], esm4: Path, esm4_records: list[Record]
) -> None:
    assert bt.open(clx5).to_numpy().tobytes() == pack(clx5_records)
    assert bt.open(esm4).to_numpy().tobytes() == pack(esm4_records)


def test_oracle_finds_the_figures_of_clx5(clx5_records: list[Record]) -> None:
    oracle = oracle_after(clx5_records)
    assert oracle.records == 38_212
    assert oracle.total("event_ends") == 32_053
    assert oracle.total("crossed_event_ends") == 172
    assert oracle.total("locked_event_ends") == 0
    assert oracle.total("iceberg_refreshes") == 31
    assert oracle.anomalies() == {"unknown_cancel": 1_224, "unknown_modify": 216}
    (book,) = oracle.books.values()
    assert len(book.orders) == 147
    assert len(book.levels("B", "published")) == 61
    assert len(book.levels("A", "published")) == 52
    assert book.bbo("published") == ((65_400_000_000, 1, 1), (64_780_000_000, 3, 1))
    assert [best and best.price for best in book.bbo()] == [64_790_000_000, 64_800_000_000]
    assert [(execution.price, execution.size) for execution in book.executions()] == [
        (65_400_000_000, 1),
        (64_900_000_000, 2),
        (64_900_000_000, 2),
        (64_900_000_000, 2),
        (64_900_000_000, 1),
        (64_900_000_000, 2),
        (64_900_000_000, 1),
    ]
    assert book.uncross() == (64_800_000_000, 11, 4, "A")


def test_oracle_finds_the_figures_of_esm4(esm4_records: list[Record]) -> None:
    oracle = oracle_after(esm4_records)
    assert oracle.records == 13_796
    assert oracle.total("event_ends") == 185
    assert oracle.total("crossed_event_ends") == 0
    assert oracle.anomalies() == {}
    (book,) = oracle.books.values()
    assert len(book.orders) == 13_598
    assert len(book.levels("B", "published")) == 976
    assert len(book.levels("A", "published")) == 571
    assert book.bbo("published") == ((5_214_000_000_000, 28, 22), (5_214_250_000_000, 17, 11))
    assert book.executions() == []
    assert book.uncross() is None


def test_clx5_agrees_at_every_event(clx5_records: list[Record]) -> None:
    trial = Trial()
    within_events = Counter[str]()
    for number, record in enumerate(clx5_records, start=1):
        trial.apply_for_effect(record)
        if record.has(F_LAST):
            trial.compare_touch(record)
        else:
            book = trial.market.book(record.instrument_id)
            within_events["locked"] += book.is_locked
            within_events["crossed"] += book.is_crossed
        if number % WHOLE_BOOK_EVERY == 0:
            trial.compare()
    trial.compare()
    assert within_events == {"locked": 102, "crossed": 8}


def test_esm4_agrees_after_its_snapshot(esm4_records: list[Record]) -> None:
    trial = Trial()
    trial.apply(esm4_records[:SNAPSHOT])
    assert not any(record.has(F_SNAPSHOT) for record in esm4_records[SNAPSHOT:])
    for record in esm4_records[SNAPSHOT:]:
        trial.apply_for_effect(record)
        trial.compare_touch(record)
    trial.compare()
