"""Callers get what they may, and are told when there is room again."""

import asyncio
import tracemalloc
from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn, cast

from litestar.exceptions import TooManyRequestsException

import booktape as bt
from booktape.keys import new_key
from booktape.service.access.callers import Caller
from booktape.service.access.limits import MOST_CALLERS, RequestLimits
from booktape.service.lifecycle import Lifecycle
from booktape.service.streams.slots import StreamSlots
from booktape.settings import Settings
from tests.service.running import VirtualClock, raw_connection, read_until, serving

if TYPE_CHECKING:
    from litestar.types import Scope

STREAM = "/api/mbo/stream/json/60000"


def taken(limits: RequestLimits, caller: Caller, tries: int) -> int:
    """How many of so many requests are let in."""
    passed = 0
    for _ in range(tries):
        try:
            limits.take(caller)
            passed += 1
        except TooManyRequestsException:
            pass
    return passed


def test_a_bucket_holds_two_seconds_and_fills_at_its_rate() -> None:
    clock = VirtualClock()
    limits = RequestLimits(5, clock)
    caller = Caller.at("192.0.2.1")
    assert taken(limits, caller, 50) == 10
    clock.seconds = 1
    assert taken(limits, caller, 50) == 5
    clock.seconds = 1_000
    assert taken(limits, caller, 50) == 10


def test_callers_do_not_take_from_each_other_but_one_machine_is_one() -> None:
    limits = RequestLimits(1, VirtualClock())
    assert taken(limits, Caller.at("192.0.2.1"), 9) == 2
    assert taken(limits, Caller.at("192.0.2.2"), 9) == 2
    assert taken(limits, Caller.at("2001:db8::1"), 9) == 2
    assert taken(limits, Caller.at("2001:db8::ffff:2"), 9) == 0
    assert taken(limits, Caller.at("2001:db8:0:1::1"), 9) == 2
    assert taken(limits, Caller.at("::ffff:192.0.2.1"), 9) == 0


def test_a_keys_own_limit_wins() -> None:
    limits = RequestLimits(1, VirtualClock())
    quick = Caller("key quick", new_key("quick", ["read"], requests_per_second=20)[1])
    usual = Caller("key usual", new_key("usual", ["read"])[1])
    assert (taken(limits, quick, 99), taken(limits, usual, 99)) == (40, 2)
    assert taken(RequestLimits(None, VirtualClock()), usual, 99) == 99


def test_callers_without_end_take_no_memory_without_end() -> None:
    limits = RequestLimits(1, VirtualClock())
    for number in range(MOST_CALLERS):
        limits.take(Caller(str(number), None))
    tracemalloc.start()
    for number in range(MOST_CALLERS, 3 * MOST_CALLERS):
        limits.take(Caller(str(number), None))
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(limits._buckets) == MOST_CALLERS
    assert grown < 400 * MOST_CALLERS
    assert taken(limits, Caller(str(3 * MOST_CALLERS - 1), None), 9) == 1  # one of two is gone already
    assert taken(limits, Caller("0", None), 9) == 2  # forgotten


def test_too_many_requests_are_told_when_to_come_again(tape: bt.Tape) -> None:
    clock = VirtualClock()
    with (
        serving(tape, settings=Settings(max_requests_per_second=0.5), clock=clock) as running,
        running.client() as client,
    ):
        assert client.get("/api/v1/tapes").status_code == 200
        refused = client.get("/api/v1/tapes")
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "2"
        assert refused.headers["content-type"] == "application/problem+json"
        assert client.get("/health").status_code == 200  # what holds no data is not counted
        clock.seconds += 2
        assert client.get("/api/v1/tapes").status_code == 200


def test_a_key_has_its_own_number_of_streams(tape: bt.Tape) -> None:
    few, many = new_key("few", ["read"], streams=1), new_key("many", ["read"])
    settings = Settings(api_keys=(few[1], many[1]), max_streams_per_caller=2)
    with serving(tape, settings=settings) as running, running.client() as client:
        for key, allowed in ((few[0], 1), (many[0], 2)):
            headers = {"X-API-Key": key}
            opened = [
                client.send(client.build_request("GET", STREAM, headers=headers), stream=True) for _ in range(allowed)
            ]
            refused = client.get(STREAM, headers=headers)
            assert refused.status_code == 429
            assert refused.headers["retry-after"] == "5"
            assert f"has {allowed} streams open" in refused.json()["detail"]
            for stream in opened:
                assert stream.status_code == 200
                stream.close()


def test_a_stream_that_ends_is_given_back_to_its_caller(tape: bt.Tape) -> None:
    with serving(tape, settings=Settings(max_streams_per_caller=1)) as running, running.client() as client:
        for _ in range(3):
            with raw_connection(running, STREAM) as connection:
                read_until(connection, b"data: ")
                assert client.get(STREAM).status_code == 429
            while running.metric("mbo_active_connections"):
                pass  # the service sees that the client has gone when it next looks
        assert running.service.slots._by_caller == {}


def test_a_proxy_that_is_trusted_says_who_asks(tape: bt.Tape) -> None:
    for trusted, second in ((("127.0.0.1",), 200), ((), 429)):
        settings = Settings(max_requests_per_second=0.5, trusted_proxies=trusted)
        with serving(tape, settings=settings, clock=VirtualClock()) as running, running.client() as client:
            assert client.get("/api/v1/tapes", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 200
            assert client.get("/api/v1/tapes", headers={"X-Forwarded-For": "192.0.2.2"}).status_code == second


def test_a_body_has_a_limit_whether_it_says_its_length_or_not(tape: bt.Tape) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"tape": "'
        for _ in range(100):
            yield b"x" * 100
        yield b'"}'

    headers = {"Content-Type": "application/json"}
    with serving(tape, settings=Settings(max_body_bytes=1_000)) as running, running.client() as client:
        assert client.post("/api/v1/replays", json={"tape": "x" * 900}).status_code == 404
        for body in ('{"tape": "' + "x" * 1_000 + '"}', pieces()):
            refused = client.post("/api/v1/replays", content=body, headers=headers)
            assert refused.status_code == 413
            assert refused.headers["content-type"] == "application/problem+json"


async def test_whoever_else_works_is_told_of_the_first_stream_and_the_last() -> None:
    told: list[bool] = []
    slots = StreamSlots(9, Lifecycle(), on_use=told.append)
    scope = cast("Scope", {"auth": Caller.at("192.0.2.1")})
    leave = asyncio.Event()

    async def stream(*_: object) -> None:
        await leave.wait()

    async def unused(*_: object) -> NoReturn:
        raise AssertionError

    streams = [asyncio.create_task(slots.handle(scope, unused, unused, stream)) for _ in range(2)]
    await asyncio.sleep(0)
    assert told == [True]
    streams[0].cancel()
    await asyncio.wait(streams[:1])
    assert told == [True]
    leave.set()
    await streams[1]
    assert told == [True, False]
