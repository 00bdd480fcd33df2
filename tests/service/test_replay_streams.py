"""Whoever follows a replay sees the same, misses nothing between two jumps, and comes back exactly where it was."""

import io
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import databento
import pytest

import booktape as bt
from booktape.service.replays import replay
from booktape.settings import Settings
from tests.service.running import Event, Running, VirtualClock, events, raw_connection, read_to_end, read_until, serving


@pytest.fixture(scope="module")
def deck(tape: bt.Tape) -> Iterator[Running]:
    """A service whose clock takes no time."""
    with serving(tape, clock=VirtualClock(), settings=Settings(replay_grace_seconds=0)) as running:
        yield running


def made(running: Running, **options: Any) -> str:
    """The path of a new replay, paused unless told otherwise."""
    with running.client() as client:
        answer = client.post("/api/v1/replays", json={"playing": False} | options)
        assert answer.status_code == 201, answer.text
        return f"/api/v1/replays/{answer.json()['id']}"


def change(running: Running, path: str, **changes: Any) -> dict[str, Any]:
    with running.client() as client:
        answer = client.patch(path, json=changes)
        assert answer.status_code == 200, answer.text
        state: dict[str, Any] = answer.json()
        return state


class Following:
    """A stream that is read as far as is asked for."""

    def __init__(self, running: Running, path: str, last_event_id: str | None = None) -> None:
        self._client = running.client()
        headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
        self._request = self._client.stream("GET", path, headers=headers)
        response = self._request.__enter__()
        assert response.status_code == 200, response.read()
        self._bytes = response.iter_bytes()
        self.body = b""

    def until(self, wanted: bytes, times: int = 1) -> bytes:
        """Everything so far, once something was there so often."""
        while self.body.count(wanted) < times:
            self.body += next(self._bytes)
        return self.body

    def through(self, wanted: bytes) -> bytes:
        """Everything to the end of the event that something is in."""
        place = self.until(wanted).index(wanted)
        while b"\n\n" not in self.body[place:]:
            self.body += next(self._bytes)
        return self.body

    def close(self) -> None:
        self._request.__exit__(None, None, None)
        self._client.close()


@contextmanager
def following(running: Running, path: str, last_event_id: str | None = None) -> Iterator[Following]:
    stream = Following(running, path, last_event_id)
    try:
        yield stream
    finally:
        stream.close()


def rows(body: bytes) -> list[list[Any]]:
    """Records of the whole events of a compact stream."""
    return [row for event in told(body) if event.name == "message" for row in event.data]


def told(body: bytes) -> list[Event]:
    """The whole events, with their ids as text left out."""
    whole = body[: body.rfind(b"\n\n") + 2] if b"\n\n" in body else b""
    return events(re.sub(rb"id: \d+:(\d+)", rb"id: \1", whole))


def last_id(body: bytes) -> str:
    whole = body[: body.rfind(b"\n\n")]
    found: bytes = re.findall(rb"^id: (\S+)$", whole, re.MULTILINE)[-1]
    return found.decode()


def test_a_tape_has_a_replay_of_its_own_that_loops(deck: Running, tape: bt.Tape) -> None:
    own = next(replay for replay in deck.get("/api/v1/replays") if replay["default"])
    assert (own["tape"], own["loop"], own["when_unwatched"]) == (tape.id, True, "pause")
    with deck.client() as client:
        refused = client.delete(f"/api/v1/replays/{own['id']}")
        assert refused.status_code == 400
        assert "stays with it" in refused.json()["detail"]


def test_all_who_follow_get_every_record_and_the_same_bytes(deck: Running, tape: bt.Tape) -> None:
    path = made(deck, speed=50)
    with ExitStack() as stack:
        streams = [stack.enter_context(following(deck, f"{path}/stream")) for _ in range(5)]
        for stream in streams:
            stream.until(b"event: state")
        change(deck, path, playing=True)
        last = f":{len(tape)}\ndata: ".encode()
        bodies = [stream.until(last) for stream in streams]
    for body in bodies:
        assert [row[0] for row in rows(body)] == list(range(len(tape)))


def test_full_events_are_those_of_the_tape_with_the_epoch_before_their_ids(deck: Running, tape: bt.Tape) -> None:
    path = made(deck, speed="max")
    epoch = deck.get(path)["epoch"]
    with following(deck, f"{path}/stream?format=full") as stream:
        change(deck, path, playing=True)
        body = stream.until(f"id: {epoch}:{len(tape)}\n".encode())
        body = stream.until(b"\n\n", times=len(tape))
    records = b"".join(re.findall(rb"id: \d+:\d+\ndata: [^\n]+\n\n", body))
    whole = deck.stream("/api/mbo/stream/json/0").removesuffix(b": stream_end\n\n")
    assert records.replace(f"id: {epoch}:".encode(), b"id: ") == whole


@pytest.mark.parametrize("form", ["json", "full"])
def test_a_client_that_is_cut_anywhere_resumes_without_a_gap_or_a_repeat(
    deck: Running, tape: bt.Tape, form: str
) -> None:
    path = made(deck, speed=20)
    query = f"{path}/stream?format={form}"
    with following(deck, query) as whole, following(deck, query) as first:
        whole.until(b"event: state")
        first.until(b"event: state")
        change(deck, path, playing=True)
        first.until(b"\n\n", times=4)
        body = first.body[:-7]  # cut within an event
        first.close()
        parts = [body[: body.rfind(b"\n\n") + 2]]
        for _ in range(3):
            with following(deck, query, last_event_id=last_id(body)) as again:
                again.until(b"\ndata: ", times=3)
                body = again.body[:-1]
                parts.append(body[: body.rfind(b"\n\n") + 2])
        with following(deck, query, last_event_id=last_id(body)) as rest:
            end = f":{len(tape)}\ndata: ".encode()
            parts.append(rest.until(end) + rest.until(b"\n\n", rest.body.count(b"\n\n") or 1)[len(rest.body) :])
            complete = whole.until(end)

    def records(body: bytes) -> list[Any]:
        return [
            row
            for event in told(body)
            if event.name == "message"
            for row in (event.data if form == "json" else [event.data])
        ]

    joined = [row for part in parts for row in records(part)]
    reference = records(complete)
    count = min(len(joined), len(reference))
    assert count > len(tape) / 2
    assert joined[:count] == reference[:count]


def test_a_seek_jumps_and_an_id_from_before_resumes_with_a_jump_to_now(deck: Running) -> None:
    path = made(deck)
    with following(deck, f"{path}/stream") as stream:
        stream.until(b"event: state")
        change(deck, path, step={"by": "record", "count": 10})
        stream.until(b"\ndata: [")
        old = last_id(stream.until(b"\n\n", times=3))
        state = change(deck, path, seek="4000")
        jumped = stream.until(b"event: jump").partition(b"event: jump")[0]
        assert jumped.rstrip().endswith(f"id: {state['epoch']}:4000".encode())
        change(deck, path, step={"by": "record", "count": 5})
        body = stream.until(f"id: {state['epoch']}:4005".encode())
        body = stream.until(b"]]\n\n", times=2)
    assert [row[0] for row in rows(body)] == [*range(10), *range(4_000, 4_005)]
    with following(deck, f"{path}/stream", last_event_id=old) as late:
        late.until(b"event: jump")
        change(deck, path, step={"by": "record"})
        assert [row[0] for row in rows(late.until(b"]]\n\n"))] == [4_005]
    with following(deck, f"{path}/stream", last_event_id=f"{state['epoch']}:4002") as same:
        body = same.until(b"]]\n\n")
        assert rows(body)[0][0] == 4_002
        assert b"event: jump" not in body


def test_a_new_lap_comes_after_the_rest_of_the_one_before(tape: bt.Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "LAP_PAUSE", 0.05)
    with serving(tape) as deck:
        path = made(deck, speed=1_000, loop=True)
        with following(deck, f"{path}/stream") as stream:
            stream.until(b"event: state")
            change(deck, path, playing=True)
            body = stream.until(b"event: jump", times=2)
    laps = re.split(rb"id: \d+:0\nevent: jump\ndata: \{\"index\":0,\"reason\":\"loop\"\}\n\n", body)
    assert [row[0] for row in rows(laps[0])] == list(range(len(tape)))
    assert [row[0] for row in rows(laps[1])] == list(range(len(tape)))


def test_raw_records_are_read_by_databentos_decoder_and_cut_at_a_jump(deck: Running, tape: bt.Tape) -> None:
    path = made(deck)
    with raw_connection(deck, f"{path}/stream?format=dbn") as connection:
        seen = read_until(connection, b"DBN")
        change(deck, path, step={"by": "record", "count": 1_000})
        records = tape.to_numpy()[:1_000].tobytes()
        seen += read_until(connection, records[-56:])
        change(deck, path, seek="0")
        seen += read_to_end(connection)
    assert not seen.endswith(b"0\r\n\r\n"), "a complete response"
    body = b"".join(chunk for chunk in _chunks(seen.partition(b"\r\n\r\n")[2]))
    decoded = databento.DBNStore.from_bytes(io.BytesIO(body)).to_ndarray(schema="mbo")
    assert decoded.tobytes() == records


def _chunks(body: bytes) -> Iterator[bytes]:
    while b"\r\n" in body:
        size, _, body = body.partition(b"\r\n")
        yield body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]


def test_screens_show_the_book_where_the_replay_is(deck: Running, tape: bt.Tape) -> None:
    path = made(deck, speed=5)
    with following(deck, f"{path}/depth?trades=1&hz=20&levels=3") as screen:
        screen.until(b'data: {"index"')
        change(deck, path, playing=True)
        body = screen.through(f'"index":{len(tape)},'.encode())
    frames = [event for event in told(body) if event.name == "message"]
    assert len(frames) > 10
    for event in frames:
        if event.data["index"]:
            book = tape.book_at(event.data["index"] - 1)
            bids = [[str(level.price), level.size, level.count] for level in book.bids(3)]
            assert event.data["bids"] == bids
    trades = [trade for event in frames for trade in event.data["trades"]]
    records = tape.to_numpy()
    assert [size for _, size, _, _ in trades] == records["size"][records["action"] == b"T"].tolist()


def test_a_screen_that_was_cut_gets_the_trades_it_has_missed(deck: Running, tape: bt.Tape) -> None:
    path = made(deck)
    query = f"{path}/depth?trades=1"
    with following(deck, query) as screen:
        screen.until(b'"trades"')
        change(deck, path, step={"by": "record", "count": 2_000})
        body = screen.until(b'"trades"', times=2)
        body = screen.until(b"}\n\n", times=body.count(b"event: state") + 2)
        seen = last_id(body)
    change(deck, path, step={"by": "record", "count": 2_000})
    with following(deck, query, last_event_id=seen) as again:
        body += again.until(b'"trades"') + again.until(b"}\n\n", times=2)[len(again.body) :]
        frames = [event for event in told(again.body) if event.name == "message"]
    first = [event for event in told(body) if event.name == "message"]
    trades = [trade for event in [*first[:2], frames[0]] for trade in event.data["trades"]]
    records = tape.to_numpy()[: frames[0].data["index"]]
    assert [size for _, size, _, _ in trades] == records["size"][records["action"] == b"T"].tolist()


def test_every_control_is_told_to_all_who_watch(deck: Running) -> None:
    path = made(deck)
    with following(deck, f"{path}/depth") as screen, following(deck, f"{path}/stream") as stream:
        for watching in (screen, stream):
            watching.until(b"event: state")
        change(deck, path, speed=7.5)
        change(deck, path, loop=True)
        for watching in (screen, stream):
            states = [event.data for event in told(watching.until(b'"loop":true')) if event.name == "state"]
            assert states[0]["speed"] == 1.0
            assert states[-1]["speed"] == 7.5


def test_a_deleted_replay_says_goodbye_and_is_gone(deck: Running) -> None:
    path = made(deck)
    with following(deck, f"{path}/stream") as stream, following(deck, f"{path}/depth") as screen:
        for watching in (stream, screen):
            watching.until(b"event: state")
        with deck.client() as client:
            assert client.delete(path).status_code == 204
        for watching in (stream, screen):
            assert b'"reason":"ended"' in watching.until(b"event: bye") + watching.until(b"\n\n", times=2)
        with deck.client() as client:
            assert client.get(path).status_code == 404


def test_one_that_ends_unwatched_ends_when_its_watcher_goes(deck: Running) -> None:
    path = made(deck, when_unwatched="end")
    with following(deck, f"{path}/depth") as screen:
        screen.until(b"event: state")
        assert deck.get(path)["watchers"] == 1
    with deck.client() as client:
        while client.get(path).status_code != 404:
            pass


def test_there_is_a_bound_to_them(tape: bt.Tape) -> None:
    with serving(tape, settings=Settings(max_replays=1)) as running, running.client() as client:
        assert client.post("/api/v1/replays", json={}).status_code == 201
        refused = client.post("/api/v1/replays", json={})
        assert refused.status_code == 503
        assert refused.headers["retry-after"]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"speed": 0}, "speed"),
        ({"speed": "fast"}, "speed"),
        ({"speed": 1e9}, "speed"),
        ({"seek": "yesterday"}, "yesterday"),
        ({"seek": "5001"}, "seek"),
        ({"seek": "1999-01-01"}, "seek"),
        ({"step": {"by": "day"}}, "day"),
        ({"step": {"count": 10**9}}, "count"),
        ({"step": {"instrument": "NOPE"}}, "NOPE"),
        ({"step": {}, "playing": True}, "playing"),
        ({"paused": True}, "paused"),
        ({"longest_wait": -1}, "longest_wait"),
        ({"when_unwatched": "sleep"}, "when_unwatched"),
    ],
)
def test_a_bad_control_changes_nothing_and_is_named(deck: Running, body: dict[str, Any], names: str) -> None:
    path = made(deck)
    before = deck.get(path)
    with deck.client() as client:
        refused = client.patch(path, json=body)
    assert refused.status_code in {400, 404}, refused.text
    assert names in refused.json()["detail"], refused.text
    assert deck.get(path) == before
    with deck.client() as client:
        assert client.patch(path, content=b"{", headers={"content-type": "application/json"}).status_code == 400
        client.delete(path)


@pytest.mark.parametrize("bad", ["x", "1", "1:2:3", "-1:2", ":", "9" * 30 + ":1"])
def test_a_malformed_last_event_id_is_named(deck: Running, bad: str) -> None:
    own = deck.get("/api/v1/replays")[0]["id"]
    with deck.client() as client:
        for kind in ("stream", "depth"):
            refused = client.get(f"/api/v1/replays/{own}/{kind}", headers={"Last-Event-ID": bad})
            assert refused.status_code == 400
            assert "Last-Event-ID" in refused.json()["detail"]


def test_an_id_beyond_the_replay_is_refused(deck: Running) -> None:
    path = made(deck)
    state = deck.get(path)
    with deck.client() as client:
        refused = client.get(f"{path}/stream", headers={"Last-Event-ID": f"{state['epoch']}:100"})
    assert refused.status_code == 400
    assert "where the replay is" in json.loads(refused.text)["detail"]


def test_one_who_takes_nothing_holds_up_nobody_and_is_told_where_to_resume() -> None:
    big = bt.synthesize(messages=60_000, seed=6)
    with serving(big, settings=Settings(slow_client_seconds=3)) as running:
        path = made(running, speed=80)
        with ExitStack() as stack:
            streams = [stack.enter_context(following(running, f"{path}/stream")) for _ in range(4)]
            stalled = stack.enter_context(raw_connection(running, f"{path}/stream", receive_buffer=4_096))
            for stream in streams:
                stream.until(b"event: state")
            seen = read_until(stalled, b"event: state")
            change(running, path, playing=True)

            def everything(stream: Following) -> list[int]:
                return [row[0] for row in rows(stream.through(f":{len(big)}\ndata: ".encode()))]

            with ThreadPoolExecutor(4) as readers:
                for indexes in readers.map(everything, streams):
                    assert indexes == list(range(len(big)))
            while not running.metric("mbo_slow_clients_closed_total"):
                pass
            seen += read_to_end(stalled)
        body = b"".join(_chunks(seen.partition(b"\r\n\r\n")[2]))
        (bye,) = [event for event in told(body) if event.name == "bye"]
        assert bye.data["reason"] == "slow"
        assert [row[0] for row in rows(body)] == list(range(bye.data["index"]))
        with following(running, f"{path}/stream", last_event_id=last_id(body)) as again:
            rest = again.through(f":{len(big)}\ndata: ".encode())
            assert [row[0] for row in rows(rest)] == list(range(bye.data["index"], len(big)))


def test_those_in_step_hear_that_a_quiet_replay_is_alive(tape: bt.Tape) -> None:
    with serving(tape, settings=Settings(heartbeat_seconds=0.2)) as running:
        path = made(running)
        with following(running, f"{path}/stream") as stream, following(running, f"{path}/depth") as screen:
            for watching in (stream, screen):
                watching.until(b": heartbeat\n\n", times=3)
            change(running, path, step={"count": 3})
            assert [row[0] for row in rows(stream.until(b"]]\n\n"))] == [0, 1, 2]
            stream.until(b": heartbeat\n\n", times=stream.body.count(b": heartbeat") + 2)


def test_a_replay_whose_records_cannot_be_read_pauses_and_says_so(
    tape: bt.Tape, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(position: int, ts: int) -> int:  # noqa: ARG001
        raise bt.InputError("feed.dbn: changed since it was opened")

    with serving(tape) as running:
        path = made(running)
        with following(running, f"{path}/stream") as stream, monkeypatch.context() as patched:
            stream.until(b'"playing":false')
            patched.setattr(running.service.deck.tape(tape.id), "due", broken)
            change(running, path, playing=True)
            stream.until(b'"playing":false', times=2)
            patched.undo()
            change(running, path, playing=True, speed="max")
            body = stream.until(f":{len(tape)}\n".encode())
    assert [row[0] for row in rows(body)][:10] == list(range(10))
