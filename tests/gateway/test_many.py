"""Many clients, and clients that read slowly: memory stays bounded, and nobody waits for anybody else."""

import select
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import databento_dbn as dbn
import psutil
import pytest

import booktape as bt
from booktape.gateway import GatewayOptions
from booktape.gateway.sending import SLOW_SECONDS, Sending
from booktape.service.replays.replay import Replay
from booktape.settings import Settings
from tests.gateway.running import PATIENCE, Raw, Running, gateway, mbo, received
from tests.service.running import VirtualClock

ALL = "schema={schema}|stype_in=raw_symbol|symbols=ALL_SYMBOLS\nstart_session\n"
CLIENTS = 50


@pytest.fixture(scope="module")
def long() -> bt.Tape:
    """A tape that fits into no buffer: 11 MB."""
    return bt.synthesize(messages=200_000, instruments=2, seed=4)


def start(running: Running, schema: str = "mbo", more: str = "", receive_buffer: int | None = None) -> Raw:
    client = Raw(running.port, receive_buffer)
    assert client.authenticate("GLBX.MDP3", more=more).startswith("success=1")
    client.send(ALL.format(schema=schema))
    return client


def called(monkeypatch: pytest.MonkeyPatch, name: str) -> threading.Event:
    """Set when something was done for a session."""
    done, does = threading.Event(), getattr(Sending, name)

    def spy(sending: Sending) -> Any:
        result = does(sending)
        done.set()
        return result

    monkeypatch.setattr(Sending, name, spy)
    return done


def test_fifty_clients_each_get_everything(long: bt.Tape) -> None:
    wanted = long.to_numpy().tobytes()

    def read(running: Running) -> bool:
        with start(running) as client:
            return client.rest().endswith(wanted)

    with gateway(long) as running, ThreadPoolExecutor(CLIENTS) as threads:
        assert all(threads.map(read, [running] * CLIENTS))
        assert running.figure("mbo_gateway_records_total") == CLIENTS * len(long)
        assert running.figure("mbo_gateway_sent_bytes_total") > CLIENTS * len(wanted)


def test_clients_that_do_not_read_take_no_memory(long: bt.Tape) -> None:
    with gateway(long) as running:
        before = psutil.Process().memory_info().rss
        deaf = [start(running, receive_buffer=4_096) for _ in range(CLIENTS)]
        got = received(running.live(), mbo(long))
        assert got.bytes == long.to_numpy().tobytes()
        del got
        assert psutil.Process().memory_info().rss - before < 400 * 2**20
        for client in deaf:
            client.socket.close()


def test_a_client_that_takes_nothing_is_cut_not_closed(long: bt.Tape) -> None:
    with gateway(long, settings=Settings(slow_client_seconds=0.3)) as running, start(running) as client:
        waiting = select.poll()
        waiting.register(client.socket, select.POLLERR)
        assert waiting.poll(PATIENCE * 1_000), "not cut"
        with pytest.raises(ConnectionResetError):
            client.rest()
        assert running.figure("mbo_gateway_slow_clients_closed_total") == 1
        assert len(received(running.live(), mbo(long)).data) == len(long)


def test_a_client_that_takes_nothing_for_a_while_is_warned_and_misses_nothing(
    long: bt.Tape, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned = called(monkeypatch, "_warning")
    with gateway(long, settings=Settings(slow_client_seconds=6.0)) as running, start(running) as client:
        assert warned.wait(PATIENCE)
        got = client.records()
    assert [each.code for each in got.of(dbn.SystemMsg)].count(dbn.SystemCode.SLOW_READER_WARNING) == 1
    assert got.bytes == long.to_numpy().tobytes()


@pytest.mark.parametrize("schema", ["mbp-10", "mbo"])
def test_one_that_would_rather_skip_misses_no_mbo(long: bt.Tape, schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The playback goes on while the client reads nothing, and is far ahead once it does."""
    clock, caught_up = VirtualClock(), called(monkeypatch, "caught_up")
    with gateway(long, options=GatewayOptions(shared=True), clock=clock) as running:
        (replay,) = running.service.stage
        running.call(replay.pause)
        client = start(running, schema, "|slow_reader_behavior=skip", receive_buffer=2**17)
        assert caught_up.wait(PATIENCE)
        running.call(lambda: replay.step("record", 100_000))
        client.until(lambda got: got.data)
        running.call(lambda: _pass(clock, replay))
        got = client.until(lambda got: got.of(dbn.ErrorMsg) or len(got.data) == len(long))
        client.socket.close()
    skipped = [each for each in got.of(dbn.ErrorMsg) if each.code == dbn.ErrorCode.SKIPPED_RECORDS_AFTER_SLOW_READING]
    if schema == "mbo":
        assert not skipped
        assert got.bytes == long.to_numpy().tobytes()
        assert "The client reads more slowly than records come" in got.said
    else:
        assert len(skipped) == 1
        assert len(got.data) < len(long)


def _pass(clock: VirtualClock, replay: Replay) -> None:
    clock.seconds += 2 * SLOW_SECONDS
    replay.step("record", 100_000)
