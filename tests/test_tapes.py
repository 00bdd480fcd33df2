"""Tapes of a data folder, and live ones: fed as databento's client feeds them, read by every tool that reads DBN."""

import io
from pathlib import Path

import databento_dbn
import numpy as np
import pytest

import booktape as bt
from booktape import _native

databento = pytest.importorskip("databento")


def live_of(tapes: _native.Tapes, name: str = "feed", **settings: int | str) -> _native.LiveTape:
    return tapes.create_live(name, **settings)  # type: ignore[arg-type]


@pytest.fixture
def tape() -> bt.Tape:
    return bt.synthesize(messages=20_000, instruments=3, seed=9)


@pytest.fixture
def dbn(tape: bt.Tape, tmp_path: Path) -> bytes:
    tape.to_dbn(tmp_path / "tape.dbn")
    return (tmp_path / "tape.dbn").read_bytes()


def test_what_a_client_writes_is_a_tape_and_stays_one(tape: bt.Tape, dbn: bytes, tmp_path: Path) -> None:
    live = live_of(_native.Tapes(str(tmp_path / "data")))
    store = databento.DBNStore.from_bytes(dbn)
    told: list[int] = []
    live.on_growth(lambda: told.append(1))
    assert live.writable()
    assert not live.closed
    live.write(store.metadata.encode())
    for record in list(store)[:2_000]:
        live.write(bytes(record))
    live.flush()
    assert len(told) == 2_000
    live.append_records(tape.to_numpy()[2_000:])
    head, identity = bt.Tape(live.head()), live.id
    assert head.symbols == tape.symbols
    assert np.array_equal(head.to_numpy(), tape.to_numpy())
    live.close()
    assert not live.writable()
    del live
    tapes = _native.Tapes(str(tmp_path / "data"))
    [(listed, name, kind, _, path, closed)] = tapes.list()
    assert (listed, name, kind, path, closed) == (identity, "feed", "live", None, True)
    again = tapes.open(identity, in_memory=1 << 20)
    assert isinstance(again, _native.LiveTape)
    assert np.array_equal(bt.Tape(again.head()).to_numpy(), tape.to_numpy())
    with pytest.raises(bt.ConflictError, match="closed"):
        again.write(dbn)


def test_segments_are_files_for_every_dbn_tool(tape: bt.Tape, dbn: bytes, tmp_path: Path) -> None:
    live = live_of(_native.Tapes(str(tmp_path / "data")), segment_bytes=200_000)
    stream = io.BytesIO(dbn)
    while fragment := stream.read(10_007):
        live.append(fragment)
    segments = sorted((tmp_path / "data" / "tapes" / live.id).glob("*.dbn"))
    assert len(segments) > 4
    assert np.array_equal(bt.open(segments).to_numpy(), tape.to_numpy())
    read = np.concatenate([databento.DBNStore.from_bytes(segment.read_bytes()).to_ndarray() for segment in segments])
    assert np.array_equal(read["order_id"], tape.to_numpy()["order_id"])
    decoder = databento_dbn.DBNDecoder()
    decoder.write(segments[1].read_bytes())
    assert len(decoder.decode()) == int(segments[2].stem) - int(segments[1].stem) + 1


def test_a_second_owner_is_told_who_the_first_is(tmp_path: Path) -> None:
    tapes = _native.Tapes(str(tmp_path))
    with pytest.raises(bt.ConflictError, match=r"process \d+ uses this data folder"):
        _native.Tapes(str(tmp_path))
    assert tapes.list() == []


def test_records_that_are_not_whole_are_refused_together(tape: bt.Tape, dbn: bytes, tmp_path: Path) -> None:
    live = live_of(_native.Tapes(str(tmp_path)))
    with pytest.raises(bt.ParameterError, match="begins with its metadata"):
        live.append_records(tape.to_numpy())
    live.append(dbn)
    with pytest.raises(bt.ParameterError, match="not whole"):
        live.append_records(bytes(tape.to_numpy()[:3].tobytes())[:-1])
    with pytest.raises(bt.ParameterError, match="record type"):
        live.append_records(b"\4\3" + bytes(14))
    assert len(live) == len(tape)
    with pytest.raises(bt.InputError, match="not a DBN file"):
        live_of(_native.Tapes(str(tmp_path / "other"))).append(b"PARQUET1")


def test_a_tape_is_fed_to_another_and_followed(tape: bt.Tape, tmp_path: Path) -> None:
    live = live_of(_native.Tapes(str(tmp_path)), segment_bytes=300_000)
    native = tape._native  # noqa: SLF001 - what feeds is below the public API
    feeder = _native.Feeder(live, native, records_per_second=1_000_000, restamp=True)
    feeder.wait()
    assert feeder.has_ended
    assert feeder.fed == len(live) == len(tape)
    fed, expected = bt.Tape(live.head()).to_numpy(), tape.to_numpy()
    assert (np.diff(fed["ts_recv"].astype(np.int64)) >= 0).all()
    assert np.array_equal(fed["order_id"], expected["order_id"])
    books, of_tape = bt.Tape(live.head()).market_at(len(tape) - 1).books(), tape.market_at(len(tape) - 1).books()
    assert [book.bbo() for book in books] == [book.bbo() for book in of_tape]
    stopped = _native.Feeder(live, native, records_per_second=1)
    stopped.stop()
    stopped.wait()
    live.close()
    with pytest.raises(bt.ConflictError, match="closed"):
        _native.Feeder(live, native).wait()
