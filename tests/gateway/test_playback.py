"""When records come: from the beginning, from a start, with a snapshot, in the tape's own time, or with all others."""

import math
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import databento
import databento_dbn as dbn
import numpy as np
import pytest

import booktape as bt
from booktape import _native
from booktape.gateway import GatewayOptions
from booktape.gateway.messages import Messages
from booktape.moment import Moment
from booktape.service.replays.replay import Replay
from booktape.settings import Settings
from tests.gateway.running import AT_MAX, PATIENCE, Raw, Received, Running, gateway, mbo, received
from tests.service.running import VirtualClock

SHARED = GatewayOptions(shared=True)


def since(tape: bt.Tape, ts: int) -> bytes:
    """The records that a subscription with a start is sent."""
    records = tape.to_numpy()
    return records[records["ts_event"] >= ts].tobytes()


def book_of(records: list[Any], instrument_id: int) -> dict[str, Any]:
    """The book that records build."""
    market = bt.Market()
    market.apply(b"".join(map(bytes, records)))
    return market.book(instrument_id).state(100_000)


@pytest.mark.parametrize("start", ["0", "middle", "iso"])
def test_a_start_is_replayed_and_then_goes_on(running: Running, four_instruments: bt.Tape, start: str) -> None:
    records = four_instruments.to_numpy()
    middle = int(records["ts_event"][len(records) // 2])
    given = {"0": 0, "middle": middle, "iso": str(np.datetime64(middle, "ns"))}[start]
    got = received(running.live(), mbo(four_instruments, start=given))
    assert got.bytes == since(four_instruments, 0 if start == "0" else middle)
    completed = [each.msg for each in got.of(dbn.SystemMsg) if each.code == dbn.SystemCode.REPLAY_COMPLETED]
    assert completed == ["Finished mbo replay"]


def test_a_start_with_another_clock_than_the_receivers(four_instruments: bt.Tape) -> None:
    """A record may be received, by a clock that is late, before it happened."""
    records = four_instruments.to_numpy().copy()
    records["ts_event"][5_000] = records["ts_recv"][5_000] + 500_000_000
    head = b"".join(four_instruments.pieces("dbn")).removesuffix(four_instruments.to_numpy().tobytes())
    tape = bt.open(head + records.tobytes())
    with gateway(tape) as running:
        start = int(records["ts_event"][5_000])
        assert received(running.live(), mbo(tape, start=start)).bytes == since(tape, start)


def test_several_starts_are_each_from_where_they_ask(four_instruments: bt.Tape) -> None:
    records = four_instruments.to_numpy()
    first, second = (str(each.symbol) for each in four_instruments.instruments[:2])
    ids = {each.symbol: each.instrument_id for each in four_instruments.instruments}
    early, late, now = (int(records["ts_event"][place]) for place in (2_000, 6_000, 10_000))
    options = GatewayOptions(speed=None, start=Moment(index=10_000))
    with gateway(four_instruments, options=options) as running:
        got = received(
            running.live(),
            mbo(four_instruments, first, start=late),
            mbo(four_instruments, second, start=early),
            mbo(four_instruments, "ALL_SYMBOLS", schema="trades"),
        )
    is_first, is_second = (records["instrument_id"] == ids[symbol] for symbol in (first, second))
    wanted = records[(is_first & (records["ts_event"] >= late)) | (is_second & (records["ts_event"] >= early))]
    assert b"".join(map(bytes, got.of(dbn.MBOMsg))) == wanted.tobytes()
    assert min(trade.ts_event for trade in got.of(dbn.TradeMsg)) >= now
    assert got.said.count("Finished mbo replay") == 1
    assert "Finished trades replay" not in got.said


def test_a_snapshot_is_the_books_as_they_are(four_instruments: bt.Tape) -> None:
    options = GatewayOptions(speed=None, start=Moment(index=10_000))
    with gateway(four_instruments, options=options) as running:
        got = received(running.live(), mbo(four_instruments, snapshot=True))
    snapshot = [record for record in got.data if record.flags & dbn.F_SNAPSHOT]
    assert got.bytes.endswith(four_instruments.to_numpy()[10_000:].tobytes())
    assert got.data[: len(snapshot)] == snapshot
    assert len(got.data) == len(snapshot) + 10_000
    for instrument in four_instruments.instruments:
        ours = [record for record in snapshot if record.instrument_id == instrument.instrument_id]
        assert ours[0].action == dbn.Action.CLEAR
        assert ours[-1].flags & dbn.F_LAST
        there = four_instruments.book_at(9_999, instrument.instrument_id)
        for level in (*there.bids(5, view="published"), *there.asks(5, view="published")):
            orders = there.queue("B" if level in there.bids(5, view="published") else "A", level.price)
            assert [order.order_id for order in orders] == [
                record.order_id for record in ours if record.price == level.price and record.action == dbn.Action.ADD
            ]


def test_playback_is_in_the_tapes_own_time(four_instruments: bt.Tape) -> None:
    clock = VirtualClock()
    with gateway(four_instruments, options=GatewayOptions(speed=4.0), clock=clock) as running:
        got = received(running.live(), mbo(four_instruments))
    span = (int(four_instruments.end_ns or 0) - int(four_instruments.start_ns or 0)) / 1e9
    assert got.bytes == four_instruments.to_numpy().tobytes()
    assert math.isclose(clock.seconds, span / 4, rel_tol=0.01)


@pytest.mark.parametrize(("interval", "seconds"), [(None, 30), (10, 10)])
def test_heartbeats_come_in_silence_only(interval: int | None, seconds: int) -> None:
    tape, clock = bt.synthesize(messages=200, seed=5), VirtualClock()
    with gateway(tape, options=GatewayOptions(speed=0.000_1), clock=clock) as running:
        got = received(running.live(heartbeat_interval_s=interval), mbo(tape))
    beats = [record for record in got.of(dbn.SystemMsg) if record.is_heartbeat()]
    gaps = np.diff(tape.to_numpy()["ts_recv"]) / 1e9 / 0.000_1
    assert got.bytes == tape.to_numpy().tobytes()
    assert len(beats) > 10
    assert len(beats) <= (gaps // seconds).sum()
    with gateway(tape, options=GatewayOptions(speed=1_000.0), clock=VirtualClock()) as running:
        assert not any(record.is_heartbeat() for record in received(running.live(), mbo(tape)).of(dbn.SystemMsg))


class Collecting:
    """A client that goes on while the test looks at what it has."""

    def __init__(self, client: databento.Live) -> None:
        self.client = client
        self.got = Received()
        self._changed = threading.Condition()
        client.add_callback(self._take)

    def _take(self, record: Any) -> None:
        with self._changed:
            self.got.records.append(record)
            self._changed.notify_all()

    def until(self, wanted: Callable[[Received], object]) -> Received:
        """Waits until it has something."""
        with self._changed:
            assert self._changed.wait_for(lambda: wanted(self.got), PATIENCE), self.got.said
        return self.got

    def end(self) -> None:
        """Waits until the gateway closes it."""
        try:
            self.client.block_for_close(PATIENCE)
        except databento.BentoError:
            assert self.got.of(dbn.ErrorMsg)


@pytest.fixture
def shared(four_instruments: bt.Tape) -> Iterator[tuple[Running, Replay]]:
    """A gateway whose clients follow one playback, which stands at the beginning."""
    with gateway(four_instruments, options=SHARED) as running:
        (replay,) = running.service.stage
        running.call(replay.pause)
        yield running, replay


def play(running: Running, replay: Replay) -> None:
    running.call(partial(replay.set, speed=None))
    running.call(replay.play)


def test_a_subscription_that_comes_later_begins_where_the_session_is(
    shared: tuple[Running, Replay], four_instruments: bt.Tape
) -> None:
    running, replay = shared
    one, other = four_instruments.instruments[:2]
    records = four_instruments.to_numpy()
    client = Collecting(running.live())
    client.client.subscribe(**mbo(four_instruments, str(one.symbol)))
    client.client.start()
    client.until(lambda got: len(got.said) == 1)
    running.call(lambda: replay.step("record", 8_000))
    before = int((records["instrument_id"][:8_000] == one.instrument_id).sum())
    client.until(lambda got: len(got.data) == before)
    client.client.subscribe(**mbo(four_instruments, str(other.symbol)))
    client.until(lambda got: len(got.said) == 2)
    play(running, replay)
    is_one, is_other = (records["instrument_id"] == each.instrument_id for each in (one, other))
    wanted = records[is_one | (is_other & (np.arange(len(records)) >= 8_000))]
    got = client.until(lambda got: len(got.data) == len(wanted))
    assert got.bytes == wanted.tobytes()
    client.client.subscribe(**mbo(four_instruments, str(other.symbol), start=0))
    client.end()
    assert client.got.said[-1] == "a subscription can have a start only before the session has started"


def test_one_can_unsubscribe_from_some_of_all_while_it_runs(
    shared: tuple[Running, Replay], four_instruments: bt.Tape
) -> None:
    running, replay = shared
    one = four_instruments.instruments[0]
    records = four_instruments.to_numpy()
    with Raw(running.port) as client:
        client.authenticate(four_instruments.dataset)
        client.send("schema=mbo|stype_in=raw_symbol|symbols=ALL_SYMBOLS\nstart_session\n")
        client.until(lambda got: got.said)
        running.call(lambda: replay.step("record", 8_000))
        client.until(lambda got: len(got.data) == 8_000)
        client.send(f"unsubscribe|schema=mbo|stype_in=raw_symbol|symbols={one.symbol}|is_last=1\n")
        client.until(lambda got: len(got.said) == 2)
        play(running, replay)
        wanted = records[(np.arange(len(records)) < 8_000) | (records["instrument_id"] != one.instrument_id)]
        got = client.until(lambda got: len(got.data) == len(wanted))
        assert got.bytes == wanted.tobytes()
        running.call(lambda: replay.seek(9_000))
        got = client.until(lambda got: got.data[-1].flags & dbn.F_SNAPSHOT and got.data[-1].flags & dbn.F_LAST)
        assert one.instrument_id not in {record.instrument_id for record in got.data[len(wanted) :]}


def test_all_follow_one_playback_and_a_jump_shows_the_books_there(
    shared: tuple[Running, Replay], four_instruments: bt.Tape
) -> None:
    running, replay = shared
    one = four_instruments.instruments[0]
    records = four_instruments.to_numpy()
    clients = [Collecting(running.live()) for _ in range(3)]
    for client in clients:
        client.client.subscribe(**mbo(four_instruments, str(one.symbol)))
        client.client.subscribe(**mbo(four_instruments, str(one.symbol), schema="trades"))
        client.client.start()
        client.until(lambda got: len(got.said) == 2)
    running.call(lambda: replay.seek(15_000))
    for client in clients:
        got = client.until(lambda got: got.data and got.data[-1].flags & dbn.F_LAST)
        assert got.said[-1].startswith("The playback goes on from 2026-")
        assert all(record.flags & dbn.F_SNAPSHOT for record in got.data)
        assert book_of(got.data, one.instrument_id)["bids"] == [
            *four_instruments.book_at(14_999, one.instrument_id).state(100_000)["bids"]
        ]
    snapshot = len(clients[0].got.data)
    play(running, replay)
    rest = records[15_000:][records["instrument_id"][15_000:] == one.instrument_id]
    for client in clients:
        got = client.until(lambda got: len(got.of(dbn.MBOMsg)) == snapshot + len(rest))
        assert b"".join(map(bytes, got.of(dbn.MBOMsg)[snapshot:])) == rest.tobytes()


def test_a_jump_while_a_session_begins_is_not_lost(
    shared: tuple[Running, Replay], four_instruments: bt.Tape, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, replay = shared
    running.call(lambda: replay.step("record", 10_000))
    metadata = Messages.metadata

    def seeking(messages: Messages, start: int) -> bytes:
        replay.seek(5_000)
        return metadata(messages, start)

    monkeypatch.setattr(Messages, "metadata", seeking)
    client = Collecting(running.live())
    client.client.subscribe(**mbo(four_instruments, schema="trades"))
    client.client.start()
    client.until(lambda got: got.said and got.said[-1].startswith("The playback goes on from"))
    play(running, replay)
    trades = four_instruments.derive("trades", start=5_000).to_numpy()
    got = client.until(lambda got: len(got.data) == len(trades))
    assert got.bytes == trades.tobytes()


def test_when_the_gateway_stops_sessions_are_told(four_instruments: bt.Tape) -> None:
    options = GatewayOptions(speed=None, stay=True)
    with gateway(four_instruments, options=options) as running:
        client = Collecting(running.live())
        client.client.subscribe(**mbo(four_instruments))
        client.client.start()
        client.until(lambda got: len(got.data) == len(four_instruments))
        with Raw(running.port) as waiting:
            waiting.authenticate(four_instruments.dataset)
            running.stop()
            assert waiting.records().said == ["the gateway is stopping"]
    client.end()
    (error,) = client.got.of(dbn.ErrorMsg)
    assert (error.err, error.code) == ("the gateway is stopping", dbn.ErrorCode.INTERNAL_ERROR)


def test_a_tape_that_grows_is_followed_until_it_is_closed(four_instruments: bt.Tape, tmp_path: Path) -> None:
    parts = [four_instruments.to_numpy()[place : place + 5_000] for place in range(0, 20_000, 5_000)]
    head = b"".join(four_instruments.pieces("dbn")).removesuffix(four_instruments.to_numpy().tobytes())
    with bt.Store(tmp_path) as store:
        live = store.create_live("feed")
        live.append(head + parts[0].tobytes())
        with gateway(live, options=AT_MAX) as running:
            now, all_of_it = Collecting(running.live()), Collecting(running.live())
            for client, start in ((now, None), (all_of_it, 0)):
                client.client.subscribe(**mbo(four_instruments, start=start))
                client.client.start()
            now.until(lambda got: got.said)
            all_of_it.until(lambda got: len(got.data) == 5_000)
            for part in parts[1:]:
                live.append_records(part.tobytes())
            now.until(lambda got: len(got.data) == 15_000)
            live.close()
            now.end()
            all_of_it.end()
    assert now.got.bytes == four_instruments.to_numpy()[5_000:].tobytes()
    assert all_of_it.got.bytes == four_instruments.to_numpy().tobytes()


def test_a_growing_tape_of_the_dataset_comes_first(four_instruments: bt.Tape, tmp_path: Path) -> None:
    head = b"".join(four_instruments.pieces("dbn")).removesuffix(four_instruments.to_numpy().tobytes())
    with bt.Store(tmp_path) as store:
        live = store.create_live("feed")
        live.append(head + four_instruments.to_numpy()[:10].tobytes())
        other = bt.synthesize(messages=100, seed=9)
        with gateway(other, live, options=AT_MAX, settings=Settings()) as running:
            client = Collecting(running.live())
            client.client.subscribe(**mbo(four_instruments, start=0))
            client.client.start()
            client.until(lambda got: got.said.count("Finished mbo replay"))
            assert client.got.bytes == four_instruments.to_numpy()[:10].tobytes()


def test_a_start_among_records_that_were_dropped_is_told(four_instruments: bt.Tape, tmp_path: Path) -> None:
    records = four_instruments.to_numpy()
    head = b"".join(four_instruments.pieces("dbn")).removesuffix(records.tobytes())
    live = bt.LiveTape(_native.Tapes(str(tmp_path)).create_live("feed", segment_bytes=100_000))
    live.append(head)
    for place in range(0, len(records), 1_000):
        live.append_records(records[place : place + 1_000].tobytes())
    dropped = live.retain(bytes=400_000)
    assert dropped
    live.close()
    with gateway(live) as running:
        got = received(running.live(), mbo(four_instruments, start=int(records["ts_event"][10])))
        assert [error.code for error in got.of(dbn.ErrorMsg)] == [dbn.ErrorCode.REPLAY_DATA_AGED_OUT]
        assert got.data == []
        got = received(running.live(), mbo(four_instruments, start=0))
        assert got.bytes == records[dropped[1] :].tobytes()
