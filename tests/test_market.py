import signal
import subprocess
import sys
from pathlib import Path

import databento
import numpy as np
import pytest

import booktape as bt
from booktape.records import mbo_dtype
from tests.conformance.records import UNDEF_PRICE, Record

PX = 1_000_000_000


def packed(*records: Record) -> bytes:
    return b"".join(record.pack() for record in records)


def test_every_source_gives_the_same_books(tape: bt.Tape, tape_file: Path) -> None:
    records = tape.to_numpy()
    states = []
    for source in (
        tape,
        tape_file.read_bytes(),
        records,
        records.copy(),
        records.tobytes(),
        memoryview(records.tobytes()),
    ):
        market = bt.Market()
        report = market.apply(source)
        assert report.records == market.records == len(tape)
        states.append(only_book(market))
    assert all(state == states[0] for state in states)


def only_book(market: bt.Market) -> dict[str, object]:
    """The state of a market's first book, without what bare records cannot tell: its symbol."""
    return market.books()[0].state(1_000, orders=True) | {"symbol": None}


def test_pieces_come_to_the_whole(tape: bt.Tape) -> None:
    whole, pieces = bt.Market(), bt.Market()
    expected = whole.apply(tape.to_numpy())
    reports = [pieces.apply(piece) for piece in np.array_split(tape.to_numpy(), 17)]
    assert sum(report.event_ends for report in reports) == expected.event_ends
    assert pieces.audit() == whole.audit()


def test_arrays_need_not_be_contiguous(two_instruments: bt.Tape) -> None:
    records = two_instruments.to_numpy()
    market = bt.Market()
    assert market.apply(records[::2]).records == len(records[::2])
    ids = records["instrument_id"]
    one, whole = bt.Market(), bt.Market()
    one.apply(records[ids == ids[0]])
    whole.apply(records)
    same = {"index": 0, "ts_recv": None}
    assert only_book(one) | same == only_book(whole) | same


def test_nothing_is_nothing() -> None:
    market = bt.Market()
    assert market.apply(b"").records == 0
    assert market.apply(np.empty(0, dtype=mbo_dtype())).records == 0
    assert market.books() == []


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (b"x" * 57, "57 bytes are neither a DBN file nor whole records"),
        (np.zeros(3), "without the fields length"),
        (np.zeros(3, dtype=[("price", "<i8")]), "without the fields length"),
        ([1, 2, 3], "a Tape, bytes, or a numpy array"),
        (["file.dbn"], "a Tape, bytes, or a numpy array"),
        (None, "a Tape, bytes, or a numpy array"),
    ],
)
def test_what_is_no_record_is_refused(source: object, why: str) -> None:
    with pytest.raises(bt.BooktapeError, match=why):
        bt.Market().apply(source)  # type: ignore[arg-type]


def test_another_dtype_of_the_same_names_is_refused() -> None:
    other = mbo_dtype().newbyteorder(">")
    with pytest.raises(bt.ParameterError, match="with other types"):
        bt.Market().apply(np.zeros(2, dtype=other))


def test_records_of_databento_apply_one_by_one(tape_file: Path, tape: bt.Tape) -> None:
    one_by_one, at_once = bt.Market(), bt.Market()
    for record in databento.DBNStore.from_bytes(tape_file.read_bytes()):
        one_by_one.apply_record(record)
    at_once.apply(tape.to_numpy())
    assert one_by_one.audit() == at_once.audit()


def test_an_effect_tells_what_happened_to_the_book() -> None:
    market = bt.Market()
    added = market.apply_record(Record("A", "B", 7, 65 * PX, 3, 128).pack())
    assert added["book_effect"] == {"Ok": {"Add": {"side": "Bid", "price": 65 * PX, "size": 3}}}
    modified = market.apply_record(Record("M", "B", 7, 66 * PX, 2, 128).pack())
    assert modified["book_effect"] == {
        "Ok": {"Modify": {"side": "Bid", "old_price": 65 * PX, "new_price": 66 * PX, "old_size": 3, "new_size": 2}}
    }
    cancelled = market.apply_record(Record("C", "B", 7, 66 * PX, 1, 128).pack())
    assert cancelled["book_effect"] == {"Ok": {"Cancel": {"side": "Bid", "price": 66 * PX, "size": 1}}}
    assert "Err" in market.apply_record(Record("C", "B", 99, 66 * PX, 1, 128).pack())["book_effect"]


def test_an_element_of_an_array_is_a_record(tape: bt.Tape) -> None:
    market = bt.Market()
    market.apply_record(tape.to_numpy()[0])
    assert market.records == 1


@pytest.mark.parametrize("record", [b"", bytes(56), bytes(55), 5, "A", None, object()])
def test_what_is_no_mbo_record_is_refused(record: object) -> None:
    with pytest.raises(bt.ParameterError, match="record = "):
        bt.Market().apply_record(record)


def test_a_strict_market_stops_at_the_first_anomaly_naming_it() -> None:
    market = bt.Market(strict=True)
    market.apply(packed(Record("A", "B", 7, 65 * PX, 3, 128)))
    with pytest.raises(bt.AnomalyError, match=r"record 1 .*order 8812"):
        market.apply(packed(Record("C", "B", 8812, 65 * PX, 3, 128)))


def test_a_market_counts_by_kind_and_goes_on() -> None:
    market = bt.Market()
    report = market.apply(packed(Record("C", "B", 8812, 65 * PX, 3, 128), Record("A", "A", 1, 66 * PX, 3, 128)))
    assert report.anomalies["unknown_cancel"] == 1
    assert sum(report.anomalies.values()) == 1
    assert market.book(1).order_count == 1


def test_books_are_by_publisher_and_instrument() -> None:
    market = bt.Market()
    market.apply(
        packed(
            Record("A", "B", 1, 64 * PX, 3, 128, publisher_id=2),
            Record("A", "B", 1, 65 * PX, 4, 128, publisher_id=3),
            Record("A", "A", 2, 66 * PX, 5, 128, publisher_id=2, instrument_id=9),
        )
    )
    keys = [(book.publisher_id, book.instrument_id) for book in market.books()]
    assert keys == [(2, 1), (3, 1), (2, 9)]
    assert market.book(1, 2).bids() == [(64 * PX, 3, 1)]
    assert market.book(9).asks() == [(66 * PX, 5, 1)]
    with pytest.raises(bt.BooktapeError, match=r"2.*3"):
        market.book(1)
    with pytest.raises(bt.NotFoundError, match="77"):
        market.book(77)
    with pytest.raises(bt.ParameterError, match="instrument_id = -1"):
        market.book(-1)


def test_best_prices_are_consolidated_over_publishers_at_event_ends() -> None:
    market = bt.Market()
    market.apply(
        packed(
            Record("A", "B", 1, 64 * PX, 3, 128, publisher_id=2),
            Record("A", "B", 1, 64 * PX, 4, 128, publisher_id=3),
            Record("A", "A", 2, 63 * PX, 5, 128, publisher_id=3, instrument_id=9),
            Record("A", "B", 5, 70 * PX, 1, 0, publisher_id=3),
        )
    )
    assert market.bbo(1) == ((64 * PX, 7, 2), None)
    assert market.bbo(9) == (None, (63 * PX, 5, 1))


def test_a_book_is_live() -> None:
    market = bt.Market()
    market.apply(packed(Record("A", "B", 1, 64 * PX, 3, 128)))
    book = market.book(1)
    market.apply(packed(Record("A", "B", 2, 65 * PX, 1, 128)))
    assert book.bbo().bid == (65 * PX, 1, 1)
    market.apply(packed(Record("R", "N", 0, UNDEF_PRICE, 0, 128)))
    assert book.bbo() == (None, None)
    assert book.order_count == 0


def test_a_market_shows_its_books(two_instruments: bt.Tape) -> None:
    market = bt.Market()
    market.apply(two_instruments)
    assert repr(market) == "<Market of 2 books after 5,000 records>"
    for instrument in two_instruments.instruments:
        assert str(instrument.instrument_id) in market._repr_html_()


@pytest.mark.parametrize("suffix", [".dbn", ".dbn.zst"])
def test_a_file_applies_in_one_pass_as_its_tape_does(tmp_path: Path, suffix: str) -> None:
    tape = bt.synthesize(messages=20_000, instruments=3, seed=12, anomalies={"unknown_cancel": 4})
    path = tmp_path / f"file{suffix}"
    tape.to_dbn(path)
    once, whole = bt.Market(), bt.Market()
    assert once.apply(path) == whole.apply(tape)
    assert once.audit() == whole.audit()
    assert once.apply(str(path)).records == 20_000


def test_a_file_that_ends_early_is_named_and_all_before_is_applied(tmp_path: Path, tape_file: Path) -> None:
    path = tmp_path / "cut.dbn"
    path.write_bytes(tape_file.read_bytes()[:-10])
    market = bt.Market()
    with pytest.raises(bt.InputError, match=r"cut\.dbn: truncated: record 4999 "):
        market.apply(path)
    assert market.records == 4_999
    with pytest.raises(bt.InputError, match="nowhere"):
        market.apply(tmp_path / "nowhere")


def test_ctrl_c_ends_a_market_that_waits_for_a_pipe(tape_file: Path) -> None:
    code = "import booktape as bt; bt.Market().apply('/dev/stdin')"
    waiting = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert waiting.stdin is not None
    # More than a pipe holds: when it is written, most of it was read.
    waiting.stdin.write(tape_file.read_bytes()[:-56])
    waiting.stdin.flush()
    waiting.send_signal(signal.SIGINT)
    assert waiting.wait(timeout=60) == -signal.SIGINT
    assert waiting.stderr is not None
    assert b"KeyboardInterrupt" in waiting.stderr.read()
    waiting.stdin.close()
    waiting.stderr.close()
