"""What the tape routes answer is what the library says."""

import json

import numpy as np
import pytest

import booktape as bt
from booktape.values import View
from tests.service.running import Running


def test_tapes_are_listed_in_the_order_given(running: Running, tape: bt.Tape, two_instruments: bt.Tape) -> None:
    first, second, _ = running.get("/api/v1/tapes")
    assert (first["id"], second["id"]) == (tape.id, two_instruments.id)
    assert first["records"] == len(tape)
    assert (first["start"], first["end"]) == (str(tape.start_ns), str(tape.end_ns))
    assert first["start_iso"].endswith("Z")
    assert np.datetime64(first["start_iso"].removesuffix("Z"), "ns") == tape.start
    assert (first["books"], second["books"]) == (1, 2)
    assert first["left"] is None


def test_one_tape_is_what_the_list_says(running: Running, tape: bt.Tape) -> None:
    assert running.get(f"/api/v1/tapes/{tape.id}") == running.get("/api/v1/tapes")[0]


def test_instruments_come_with_publishers_and_most_records_first(running: Running, two_instruments: bt.Tape) -> None:
    tree = running.get(f"/api/v1/tapes/{two_instruments.id}/instruments")
    assert [node["records"] for node in tree] == sorted((node["records"] for node in tree), reverse=True)
    assert sum(node["records"] for node in tree) == len(two_instruments)
    assert {node["symbol"] for node in tree} == set(two_instruments.symbols.values())
    for node in tree:
        assert sum(leaf["records"] for leaf in node["publishers"]) == node["records"]


@pytest.mark.parametrize("view", ["matched", "published"])
@pytest.mark.parametrize("at", [0, 1, 777, 2_500, 4_999])
def test_a_book_is_the_librarys(running: Running, tape: bt.Tape, at: int, view: View) -> None:
    state = running.get(f"/api/v1/tapes/{tape.id}/book", at=at, view=view, depth=1_000, orders=True)
    book = tape.book_at(at)
    assert state["index"] == at + 1
    assert state["ts_recv"] == str(tape.to_numpy()["ts_recv"][at])
    assert (state["instrument_id"], state["publisher_id"]) == (book.instrument_id, book.publisher_id)
    assert state["symbol"] == tape.symbols[book.instrument_id]
    for side, levels in (("bids", book.bids(1_000, view=view)), ("asks", book.asks(1_000, view=view))):
        shown = [(int(level["price"]), level["size"], level["count"]) for level in state[side]]
        assert shown == [(level.price, level.size, level.count) for level in levels]
    if view == "published":
        for side, levels in (("B", state["bids"]), ("A", state["asks"])):
            for level in levels:
                queue = book.queue(side, int(level["price"]))
                assert [order["order_id"] for order in level["orders"]] == [str(order.order_id) for order in queue]


def test_without_a_moment_the_book_is_that_of_the_end(running: Running, tape: bt.Tape) -> None:
    path = f"/api/v1/tapes/{tape.id}/book"
    assert running.get(path) == running.get(path, at=len(tape) - 1)


def test_a_time_means_after_the_last_record_at_or_before_it(running: Running, tape: bt.Tape) -> None:
    path = f"/api/v1/tapes/{tape.id}/book"
    times = tape.to_numpy()["ts_recv"]
    ts = int(times[3_000])
    position = int(np.searchsorted(times, ts, side="right"))
    by_nanoseconds = running.get(path, at=f"ns:{ts}")
    by_iso = running.get(path, at=f"{np.datetime64(ts, 'ns')}Z")
    assert by_nanoseconds == by_iso == running.get(path, at=position - 1)


def test_instruments_go_by_id_or_symbol_and_publishers_by_id_or_name(
    running: Running, two_instruments: bt.Tape
) -> None:
    path = f"/api/v1/tapes/{two_instruments.id}/book"
    for node in running.get(f"/api/v1/tapes/{two_instruments.id}/instruments"):
        (leaf,) = node["publishers"]
        by_name = running.get(path, instrument=node["symbol"], publisher=leaf["publisher"])
        by_number = running.get(path, instrument=node["instrument_id"], publisher=leaf["publisher_id"])
        assert by_name == by_number
        assert by_name["instrument_id"] == node["instrument_id"]


def test_a_book_before_its_first_record_is_empty(running: Running, two_instruments: bt.Tape) -> None:
    first = int(two_instruments.to_numpy()["instrument_id"][0])
    (later,) = set(two_instruments.symbols) - {first}
    state = running.get(f"/api/v1/tapes/{two_instruments.id}/book", at=0, instrument=later)
    assert (state["instrument_id"], state["symbol"]) == (later, two_instruments.symbols[later])
    assert (state["index"], state["bids"], state["asks"], state["order_count"]) == (1, [], [], 0)
    assert state["executions"] == {"count": 0, "size": 0}


def test_each_publisher_has_its_own_book(running: Running, two_publishers: bt.Tape) -> None:
    path = f"/api/v1/tapes/{two_publishers.id}"
    (node,) = running.get(f"{path}/instruments")
    assert [leaf["records"] for leaf in node["publishers"]] == [2_500, 2_500]
    for leaf in node["publishers"]:
        state = running.get(f"{path}/book", publisher=leaf["publisher"])
        assert (state["publisher_id"], state["publisher"]) == (leaf["publisher_id"], leaf["publisher"])
        book = two_publishers.book_at(4_999, publisher_id=leaf["publisher_id"])
        assert [int(level["price"]) for level in state["asks"]] == [level.price for level in book.asks(10)]


def test_records_page_through_the_whole_tape(running: Running, tape: bt.Tape) -> None:
    records = tape.to_numpy()
    start, seen = 0, []
    while start < len(tape):
        page = running.get(f"/api/v1/tapes/{tape.id}/records", start=start, limit=997)
        assert (page["from"], page["total"]) == (start, len(tape))
        seen += page["records"]
        start = page["next"]
    assert [record["index"] for record in seen] == list(range(len(tape)))
    for field in ("ts_event", "ts_recv", "order_id", "price"):
        assert [int(record[field]) for record in seen] == records[field].tolist()
        assert all(isinstance(record[field], str) for record in seen)
    for field in ("publisher_id", "instrument_id", "size", "flags", "channel_id", "ts_in_delta", "sequence"):
        assert [record[field] for record in seen] == records[field].tolist()
    for field in ("action", "side"):
        assert [record[field].encode() for record in seen] == records[field].tolist()


def test_records_from_a_time_begin_with_the_first_at_or_after_it(running: Running, tape: bt.Tape) -> None:
    times = tape.to_numpy()["ts_recv"]
    ts = int(times[2_000])
    page = running.get(f"/api/v1/tapes/{tape.id}/records", start=f"ns:{ts}", limit=1)
    assert page["from"] == int(np.searchsorted(times, ts, side="left"))


def test_records_from_the_end_are_none(running: Running, tape: bt.Tape) -> None:
    page = running.get(f"/api/v1/tapes/{tape.id}/records", start=len(tape))
    assert (page["records"], page["next"]) == ([], len(tape))


def test_the_audit_is_the_librarys(running: Running, two_instruments: bt.Tape) -> None:
    assert running.get(f"/api/v1/tapes/{two_instruments.id}/audit") == two_instruments.audit()


def test_an_order_is_the_librarys(running: Running, tape: bt.Tape) -> None:
    for order_id in map(int, np.unique(tape.to_numpy()["order_id"][1_000:1_100])):
        told = running.get(f"/api/v1/tapes/{tape.id}/orders/{order_id}")
        assert told == json.loads(tape.order(order_id).to_json())
        assert told["order_id"] == str(order_id)
        (life,) = tape.order(order_id).lives
        for record, expected in zip(told["lives"][0]["records"], life.records, strict=True):
            assert (record["index"], int(record["price"])) == (expected.index, expected.price)
            assert (record["place"] and record["place"]["orders_ahead"]) == (expected.place and expected.place[3])


def test_an_order_of_several_books_needs_to_be_told_which(running: Running, two_publishers: bt.Tape) -> None:
    records = two_publishers.to_numpy()
    records = records[np.isin(records["action"], [b"A", b"C", b"M"])]
    of = [set(records["order_id"][records["publisher_id"] == publisher].tolist()) for publisher in (1, 2)]
    order_id = min(of[0] & of[1])
    path = f"/api/v1/tapes/{two_publishers.id}/orders/{order_id}"
    with running.client() as client:
        refused = client.get(path)
        unknown = client.get(f"/api/v1/tapes/{two_publishers.id}/orders/1")
    assert refused.status_code == 400
    assert "publisher" in refused.json()["detail"]
    assert unknown.status_code == 404
    assert unknown.json()["detail"] == "order 1 is not on the tape"
    symbol = two_publishers.instruments[0].symbol
    for publisher in two_publishers.instruments:
        for name in (publisher.publisher_id, publisher.publisher):
            told = running.get(path, publisher=name, instrument=symbol)
            assert told["publisher_id"] == publisher.publisher_id
