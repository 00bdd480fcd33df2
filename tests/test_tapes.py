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
    with pytest.raises(bt.StoreError, match="in use by this process already"):
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
    native = tape._native
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


def test_an_upload_is_a_tape_when_it_is_complete_and_nothing_before(tape: bt.Tape, dbn: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "data"

    def files() -> list[Path]:
        return [path for path in folder.rglob("*") if path.is_file() and path.name != "owner.lock"]

    tapes = _native.Tapes(str(folder))
    upload = tapes.begin_upload("day.dbn", limit=len(dbn))
    for start in range(0, len(dbn), 100_000):
        upload.write(dbn[start : start + 100_000])
    assert tapes.list() == []
    uploaded = upload.finish(in_memory=1 << 30)
    assert len(uploaded) == len(tape)
    assert [(row[0], row[2]) for row in tapes.list()] == [(uploaded.id, "upload")]
    with pytest.raises(bt.ConflictError, match="over"):
        upload.write(b"")
    kept = files()
    again = tapes.begin_upload("day.dbn", limit=len(dbn))
    again.write(dbn)
    assert again.finish(in_memory=1 << 30).id == uploaded.id
    torn = tapes.begin_upload("torn.dbn", limit=len(dbn))
    torn.write(dbn[:-1])
    with pytest.raises(bt.InputError, match="truncated"):
        torn.finish(in_memory=1 << 30)
    large = tapes.begin_upload("large.dbn", limit=10)
    with pytest.raises(bt.ParameterError, match="at most 10 bytes"):
        large.write(dbn)
    tapes.begin_upload("other.dbn.zst", limit=10).abort()
    for name in ("../day.dbn", "tape.json", ".dbn", "a/b.dbn", "x" * 250 + ".dbn"):
        with pytest.raises(bt.ParameterError, match=r"ends in \.dbn"):
            tapes.begin_upload(name, limit=10)
    assert files() == kept
    interrupted = tapes.begin_upload("later.dbn", limit=10)
    interrupted.write(b"DBN")
    assert len(files()) == len(kept) + 1
    left = next(path for path in files() if path not in kept)
    interrupted.abort()
    left.parent.mkdir()
    left.write_bytes(b"DBN")
    del tapes, upload, again, torn, large, interrupted
    tapes = _native.Tapes(str(folder))
    assert files() == kept
    assert np.array_equal(
        bt.Tape(tapes.open(uploaded.id, in_memory=1 << 30)).to_numpy(),  # type: ignore[arg-type]
        tape.to_numpy(),
    )
    tapes.remove(uploaded.id)
    assert files() == []


def test_what_was_dropped_is_gone_and_all_the_rest_answers(tape: bt.Tape, dbn: bytes, tmp_path: Path) -> None:
    live = live_of(_native.Tapes(str(tmp_path / "data")), segment_bytes=100_000)
    for start in range(0, len(dbn), 4_000):
        live.append(dbn[start : start + 4_000])
    assert live.retain(bytes=10_000_000) is None
    dropped = live.retain(bytes=400_000)
    assert dropped is not None
    head, first = bt.Tape(live.head()), dropped[1]
    assert head.first_index == first > 10_000
    assert np.array_equal(head.to_numpy(), tape.to_numpy()[first:])
    assert head.records()[0]["index"] == first
    for answer in (
        lambda: head.market_at(first - 2),
        lambda: head.records(0),
        lambda: head.derive("mbp-1", start=0).to_numpy(),
        lambda: next(head.replay(start=first - 1)),
    ):
        with pytest.raises(bt.GoneError, match=f"keeps records from index {first} on"):
            answer()
    assert head.audit() == tape.audit()
    market, whole = bt.Market(), bt.Market()
    market.apply(head)
    whole.apply(tape)
    assert [book.bbo() for book in market.books()] == [book.bbo() for book in whole.books()]
    assert next(head.replay(speed=float("inf"))).tobytes().startswith(tape.to_numpy()[first].tobytes())
    assert len(head.derive("mbp-1").to_numpy()) > 1_000
    live.close()
    del live
    assert bt.Tape(head._native).market_at(first).records == first + 1
