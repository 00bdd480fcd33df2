import math
from pathlib import Path

import databento
import numpy as np
import pytest

import booktape as bt
from booktape.moment import Moment, iso
from tests.conformance.records import Record
from tests.dbn_files import metadata
from tests.golden import check_clx5, check_esm4
from tests.real_files import CLX5


def test_a_file_its_bytes_and_its_path_are_the_same_tape(tape: bt.Tape, tape_file: Path) -> None:
    for source in (tape_file, str(tape_file), tape_file.read_bytes(), [tape_file]):
        opened = bt.open(source)
        assert np.array_equal(opened.to_numpy(), tape.to_numpy())
        assert opened.instruments == tape.instruments
        assert opened.dataset == tape.dataset


def test_records_are_databentos_array(tape: bt.Tape, tape_file: Path) -> None:
    theirs = databento.DBNStore.from_bytes(tape_file.read_bytes()).to_ndarray(schema="mbo")
    assert tape.to_numpy().dtype == theirs.dtype
    assert np.array_equal(tape.to_numpy(), theirs)


def test_real_records_are_databentos_array(clx5: Path) -> None:
    assert np.array_equal(
        bt.open(clx5).to_numpy(), databento.DBNStore.from_bytes(clx5.read_bytes()).to_ndarray(schema="mbo")
    )


def test_records_are_a_read_only_view(tape: bt.Tape) -> None:
    records = tape.to_numpy()
    assert records.shape == (len(tape),)
    assert np.shares_memory(records, tape.to_numpy())
    with pytest.raises(ValueError, match="read-only"):
        records["price"] = 0


def test_a_view_outlives_its_tape() -> None:
    records = bt.synthesize(messages=1_000, seed=1).to_numpy()
    assert np.array_equal(records, bt.synthesize(messages=1_000, seed=1).to_numpy())


@pytest.mark.parametrize("name", ["copy.dbn", "copy.dbn.zst"])
def test_written_files_read_back(tape: bt.Tape, tmp_path: Path, name: str) -> None:
    tape.to_dbn(tmp_path / name)
    copy = bt.open(tmp_path / name)
    assert np.array_equal(copy.to_numpy(), tape.to_numpy())
    assert copy.symbols == tape.symbols
    assert len(databento.DBNStore.from_bytes((tmp_path / name).read_bytes()).to_ndarray(schema="mbo")) == len(tape)


def test_compressed_files_are_smaller(tape: bt.Tape, tmp_path: Path) -> None:
    tape.to_dbn(tmp_path / "a.dbn")
    tape.to_dbn(tmp_path / "a.dbn.zst")
    assert (tmp_path / "a.dbn.zst").stat().st_size < (tmp_path / "a.dbn").stat().st_size / 2


def test_a_tape_that_cannot_be_written_leaves_nothing(tape: bt.Tape, tmp_path: Path) -> None:
    with pytest.raises(bt.BooktapeError, match="missing"):
        tape.to_dbn(tmp_path / "missing" / "a.dbn")
    assert not list(tmp_path.iterdir())


def test_start_and_end_are_times_of_reception(tape: bt.Tape) -> None:
    received = tape.to_numpy()["ts_recv"]
    assert (tape.start_ns, tape.end_ns) == (received[0], received[-1])
    assert tape.start == np.datetime64(int(received[0]), "ns")
    assert tape.end == np.datetime64(int(received[-1]), "ns")


def test_instruments_are_named_and_counted(two_instruments: bt.Tape) -> None:
    found = two_instruments.instruments
    assert sum(instrument.records for instrument in found) == len(two_instruments)
    assert [instrument.records for instrument in found] == sorted((i.records for i in found), reverse=True)
    for instrument in found:
        assert instrument.symbol == two_instruments.symbols[instrument.instrument_id]
        assert instrument.publisher == "GLBX.MDP3.GLBX"


def test_synthesis_is_deterministic() -> None:
    same = [bt.synthesize(messages=3_000, instruments=2, seed=9) for _ in range(2)]
    assert np.array_equal(same[0].to_numpy(), same[1].to_numpy())
    assert same[0].id == same[1].id
    assert same[0].id != bt.synthesize(messages=3_000, instruments=2, seed=10).id


def test_planted_anomalies_are_found_and_no_others() -> None:
    planted = {"unknown_cancel": 7, "over_cancel": 3, "duplicate_add": 2}
    tape = bt.synthesize(messages=50_000, seed=4, anomalies=planted)
    assert tape.planted == planted
    assert {kind: count for kind, count in tape.audit()["anomalies"].items() if count} == planted


@pytest.mark.parametrize(
    "options", [{"messages": -1}, {"messages": 10, "seed": 2**64}, {"messages": 10, "instruments": 0}]
)
def test_synthesis_refuses_what_cannot_be(options: dict[str, int]) -> None:
    with pytest.raises(bt.ParameterError, match="= "):
        bt.synthesize(**options)  # type: ignore[arg-type]


def test_unknown_anomalies_are_refused() -> None:
    with pytest.raises(bt.ParameterError, match="gremlins"):
        bt.synthesize(messages=1_000, anomalies={"gremlins": 1})


def test_an_empty_tape_is_a_tape(tmp_path: Path) -> None:
    empty = bt.synthesize(messages=0)
    assert (len(empty), empty.start, empty.end, empty.instruments) == (0, None, None, [])
    assert empty.to_numpy().shape == (0,)
    assert list(empty.replay()) == []
    with pytest.raises(bt.ParameterError, match="the tape is empty"):
        empty.market_at(0)
    empty.to_dbn(tmp_path / "empty.dbn")
    assert len(bt.open(tmp_path / "empty.dbn")) == 0


# Moments.


@pytest.mark.parametrize("index", [0, 1, 777, 4_999])
def test_a_book_at_an_index_is_the_book_after_that_record(tape: bt.Tape, index: int) -> None:
    market = bt.Market()
    market.apply(tape.to_numpy()[: index + 1])
    (expected,) = market.books()
    assert tape.book_at(index).state(50, orders=True) == tape.market_at(index).books()[0].state(50, orders=True)
    for view in ("published", "matched"):
        assert tape.book_at(index).bids(view=view) == expected.bids(view=view)
        assert tape.book_at(index).asks(view=view) == expected.asks(view=view)


@pytest.mark.parametrize("ts", [2**63, 2**64 - 2, 2**64 - 1])
def test_times_beyond_numpys_are_none_of_its(ts: int) -> None:
    record = Record("A", "B", 1, 1_000_000_000, 1, 128, ts_recv=ts)
    tape = bt.open(metadata() + record.pack())
    assert str(tape.start) == "NaT"
    assert str(tape.end) == "NaT"
    assert (tape.start_ns, tape.end_ns) == (ts, ts)
    assert tape.book_at(ts=ts).order_count == 1


@pytest.mark.parametrize("time", ["1969-12-31", "9999-12-31", f"ns:{2**64}"])
def test_times_that_no_record_can_have_are_refused(tape: bt.Tape, time: str) -> None:
    moment = Moment.parse(time)
    for question in (tape.book_at, tape.first_at, lambda at: tape.derive("trades", start=at)):
        with pytest.raises(bt.ParameterError, match="times go from 1970-01-01T"):
            question(moment)


def test_a_tape_without_times_has_a_first_record() -> None:
    tape = bt.open(metadata() + Record("A", "B", 1, 1_000_000_000, 1, 128).pack() * 3)
    assert tape.first_at(ts=0) == 0


def test_every_time_of_a_tape_is_within_it_however_it_runs() -> None:
    times = [50, 40, 60, 0, 30]
    records = [
        Record("A", "B", 1 + at, 1_000_000_000, 1, 128, ts_event=1, ts_recv=ts).pack() for at, ts in enumerate(times)
    ]
    tape = bt.open(metadata() + b"".join(records))
    assert (tape.start_ns, tape.end_ns) == (50, 30)
    for ts in times:
        last = max(at for at, other in enumerate(times) if other <= ts)
        assert tape.book_at(ts=ts).order_count == last + 1
    with pytest.raises(bt.ParameterError, match="the tape goes from"):
        tape.book_at(ts=61)


def test_a_time_means_the_last_record_at_or_before_it(tape: bt.Tape) -> None:
    received = tape.to_numpy()["ts_recv"]
    ts = int(received[3_000])
    last = int(np.searchsorted(received, np.uint64(ts), side="right")) - 1
    expected = tape.book_at(last).state()
    for moment in (iso(ts), np.datetime64(ts, "ns")):
        assert tape.book_at(moment).state() == expected
    assert tape.book_at(ts=ts).state() == expected
    assert tape.market_at(ts=ts - 1).records == int(np.searchsorted(received, np.uint64(ts - 1), side="right"))


def test_the_first_record_at_or_after_a_time(tape: bt.Tape) -> None:
    received = tape.to_numpy()["ts_recv"]
    ts = int(received[3_000])
    assert tape.first_at(ts=ts) == int(np.searchsorted(received, np.uint64(ts), side="left"))
    assert tape.first_at(17) == 17
    assert tape.first_at(ts=tape.start_ns) == 0


@pytest.mark.parametrize("at", [5_000, -1, "1999-01-01", "2100-01-01T00:00:00Z"])
def test_moments_outside_the_tape_are_refused_naming_its_range(tape: bt.Tape, at: int | str) -> None:
    with pytest.raises(bt.ParameterError, match=r"records 0 to 4,999|the tape goes from .* to "):
        tape.book_at(at)


def test_a_book_of_the_past_does_not_move(tape: bt.Tape) -> None:
    book = tape.book_at(2_000)
    before = book.state(1_000, orders=True)
    tape.market_at(4_000)
    bt.Market().apply(tape)
    assert book.state(1_000, orders=True) == before


def test_which_instrument_must_be_said_where_there_are_several(two_instruments: bt.Tape) -> None:
    with pytest.raises(bt.ParameterError, match="the tape has 2 instruments"):
        two_instruments.book_at(10)
    known = two_instruments.instruments[0].instrument_id
    assert two_instruments.book_at(4_999, known, 1).instrument_id == known


def test_unknown_instruments_and_publishers_are_not_found(tape: bt.Tape) -> None:
    with pytest.raises(bt.NotFoundError, match="12345678"):
        tape.book_at(10, 12345678)
    with pytest.raises(bt.NotFoundError, match="999"):
        tape.book_at(10, tape.instruments[0].instrument_id, 999)


def test_a_page_of_records_has_prices_and_ids_as_strings(tape: bt.Tape) -> None:
    page = tape.records(10, 5)
    raw = tape.to_numpy()[10:15]
    assert [record["index"] for record in page] == [10, 11, 12, 13, 14]
    assert [record["order_id"] for record in page] == [str(order_id) for order_id in raw["order_id"]]
    assert [record["action"] for record in page] == [action.decode() for action in raw["action"]]
    assert tape.records(len(tape), 5) == []
    for start, limit in ((-1, 5), (0, 0), (0, 1_001), (len(tape) + 1, 1)):
        with pytest.raises(bt.ParameterError):
            tape.records(start, limit)


# Real files.


def test_golden_figures_of_clx5(clx5: Path) -> None:
    tape = bt.open(clx5)
    check_clx5(tape.audit())
    market = bt.Market()
    report = market.apply(tape)
    assert (report.records, report.event_ends) == (38_212, 32_053)
    (book,) = market.books()
    book.check()
    assert book.is_crossed
    assert book.bbo(view="published") == ((65_400_000_000, 1, 1), (64_780_000_000, 3, 1))
    executions = book.executions()
    assert sum(execution.size for execution in executions) == 11
    assert [execution.price for execution in executions].count(64_900_000_000) == 6
    assert {execution.price for execution in executions if execution.size == 1} >= {65_400_000_000}
    assert book.uncross() == (64_800_000_000, 11, 4, "A")


def test_golden_figures_of_esm4(esm4: Path) -> None:
    tape = bt.open(esm4)
    check_esm4(tape.audit())
    (book,) = tape.market_at(len(tape) - 1).books()
    book.check()
    assert book.bbo() == ((5_214_000_000_000, 28, 22), (5_214_250_000_000, 17, 11))
    assert (book.order_count, book.level_counts) == (13_598, (976, 571))


def test_files_are_joined_in_time_order(tmp_path: Path) -> None:
    first, second = bt.synthesize(messages=100, seed=1), bt.synthesize(messages=100, seed=2)
    first.to_dbn(tmp_path / "a.dbn")
    second.to_dbn(tmp_path / "b.dbn")
    assert first.end_ns is not None
    assert second.start_ns is not None
    if first.end_ns > second.start_ns:
        with pytest.raises(bt.InputError, match=r"b\.dbn"):
            bt.open([tmp_path / "a.dbn", tmp_path / "b.dbn"])
    else:
        assert len(bt.open([tmp_path / "a.dbn", tmp_path / "b.dbn"])) == 200
    with pytest.raises(bt.ParameterError, match="at least one file"):
        bt.open([])
    for source in (5, None, [b"DBN"]):
        with pytest.raises(bt.ParameterError, match="a path, several paths in time order"):
            bt.open(source)  # type: ignore[arg-type]


# How it shows itself.


def test_a_tape_shows_what_it_is(tape: bt.Tape, two_instruments: bt.Tape) -> None:
    assert "5,000 records" in repr(tape)
    html = two_instruments._repr_html_()
    for instrument in two_instruments.instruments:
        assert instrument.symbol is not None
        assert instrument.symbol in html


def test_names_cannot_inject_markup(tmp_path: Path) -> None:
    path = tmp_path / "<script>.dbn"
    bt.synthesize(messages=10).to_dbn(path)
    assert "<script>" not in bt.open(path)._repr_html_()


def test_a_real_tape_shows_its_range(clx5: Path) -> None:
    assert "2025-09-24T19:30:00.001385399Z" in repr(bt.open(clx5))
    assert CLX5 in repr(bt.open(clx5))


def test_records_made_by_hand_are_56_bytes() -> None:
    assert len(Record("A", "B", 1, 1, 1, 128).pack()) == 56


@pytest.mark.parametrize("suffix", [".dbn", ".dbn.zst"])
def test_a_file_larger_than_memory_allows_is_the_same_tape(tmp_path: Path, suffix: str) -> None:
    tape = bt.synthesize(messages=30_000, instruments=2, seed=8)
    path = tmp_path / f"large{suffix}"
    tape.to_dbn(path)
    large = bt.open(path, max_in_memory=100_000, data_dir=tmp_path / "data")
    assert large.id == bt.open(path).id
    assert np.array_equal(large.to_numpy(), tape.to_numpy())
    assert large.audit() == tape.audit()
    assert large.instruments == tape.instruments
    for instrument in tape.instruments:
        found, same = (of.book_at(12_345, instrument.instrument_id) for of in (large, tape))
        assert found.state(orders=True) == same.state(orders=True)
    batches = list(large.replay(math.inf, start=7_000))
    assert np.array_equal(np.concatenate(batches), tape.to_numpy()[7_000:])


def test_an_index_makes_moments_and_says_how_large_it_is() -> None:
    tape = bt.synthesize(messages=50_000, instruments=3, seed=9)
    size = tape.build_index()
    assert (size.records, size.bytes < 50_000 * 56 // 5 + 2**20) == (50_000, True)
    market = bt.Market()
    applied = 0
    for moment in [15_000, 20_000, 49_999]:
        market.apply(tape.to_numpy()[applied : moment + 1])
        applied = moment + 1
        for instrument in tape.instruments:
            ids = (instrument.instrument_id, instrument.publisher_id)
            expected, found = market.book(*ids), tape.book_at(moment, *ids)
            assert found.state(orders=True) == expected.state(orders=True) | {"symbol": instrument.symbol}
            assert found.anomalies == expected.anomalies


def test_ctrl_c_and_progress_work_while_an_index_is_built() -> None:
    tape = bt.synthesize(messages=300_000, seed=10)

    def stop(done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tape.build_index(progress=stop)
    assert tape.build_index().records == 300_000


def test_a_limit_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch, tape_file: Path) -> None:
    monkeypatch.setenv("BOOKTAPE_MAX_IN_MEMORY", "lots")
    with pytest.raises(bt.ParameterError, match="BOOKTAPE_MAX_IN_MEMORY = 'lots'"):
        bt.open(tape_file)


def test_the_index_of_a_large_file_is_found_again(tmp_path: Path) -> None:
    path, data = tmp_path / "long.dbn", tmp_path / "data"
    bt.synthesize(messages=1_100_000, seed=11).to_dbn(path)
    first = bt.open(path, max_in_memory=0, data_dir=data)
    size = first.build_index()
    (kept,) = (data / "indexes").iterdir()
    looked: list[tuple[int, int]] = []
    again = bt.open(path, max_in_memory=0, data_dir=data, progress=lambda *done: looked.append(done))
    assert not looked, "nothing had to be read"
    assert again.build_index() == size
    assert again.book_at(777_777).state(orders=True) == first.book_at(777_777).state(orders=True)
    content = bytearray(kept.read_bytes())
    content[-40] ^= 1
    kept.write_bytes(content)
    with pytest.warns(UserWarning, match=r"long\.dbn: its index is built again: it is damaged"):
        damaged = bt.open(path, max_in_memory=0, data_dir=data)
    assert damaged.book_at(777_777).bbo() == first.book_at(777_777).bbo()


def test_a_data_folder_that_cannot_be_written_costs_only_the_next_opening(tmp_path: Path) -> None:
    path, data = tmp_path / "long.dbn", tmp_path / "data"
    bt.synthesize(messages=1_100_000, seed=11).to_dbn(path)
    data.write_bytes(b"")
    tape = bt.open(path, data_dir=data)
    with pytest.warns(UserWarning, match=r"could not be kept for the next time: .*data/indexes"):
        assert tape.build_index().records == len(tape)
