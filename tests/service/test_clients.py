"""Clients that others wrote, cut off in the middle of a stream: each goes on where it stopped."""

import random
import re
import shutil
import subprocess
from collections.abc import Iterator

import httpx_sse
import pytest
from databento_dbn import DBNDecoder, MBOMsg

import booktape as bt
from tests.service.running import PATIENCE, Running, ends_well, events

CUTS = 6
SMALLEST, LARGEST = 2_000, 200_000
"""Bytes between cuts."""


@pytest.fixture
def path(tape: bt.Tape) -> str:
    return f"/api/v1/tapes/{tape.id}/stream"


def sizes() -> Iterator[int | None]:
    """After how many bytes a connection is cut; the last one is not."""
    dice = random.Random(3)
    yield from (dice.randrange(SMALLEST, LARGEST) for _ in range(CUTS))
    yield None


def curl(url: str, most: int | None, last_event_id: str | None) -> bytes:
    """What curl is sent until it is killed, or to the end."""
    command = ["curl", "--silent", "--show-error", "--no-buffer", "--fail", url]
    if last_event_id is not None:
        command += ["--header", f"Last-Event-ID: {last_event_id}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
        assert running.stdout
        body = running.stdout.read(-1 if most is None else most)
        if most is None:
            assert running.wait(PATIENCE) == 0
        else:
            running.kill()
    return body


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
def test_curl_goes_on_behind_the_last_whole_event(running: Running, path: str) -> None:
    whole, seen, last = running.stream(path, format="full"), b"", None
    for most in sizes():
        body = curl(f"{running.url}{path}?format=full", most, last)
        if most is not None:
            body = body[: body.rfind(b"\n\n") + 2]
            last = re.findall(rb"^id: (\d+)$", body, re.MULTILINE)[-1].decode()
        seen += body
    assert ends_well(seen)
    assert seen == whole


def test_httpx_sse_goes_on_behind_the_last_event(running: Running, path: str) -> None:
    wanted = [(str(event.id), event.data) for event in events(running.stream(path))]
    dice, seen = random.Random(4), list[httpx_sse.ServerSentEvent]()
    with running.client() as client:
        for most in (*(dice.randrange(1, 5) for _ in range(CUTS)), len(wanted)):
            headers = {"Last-Event-ID": seen[-1].id} if seen else {}
            with httpx_sse.connect_sse(client, "GET", path, headers=headers) as source:
                assert source.response.status_code == 200
                # Of the comment that ends a stream it makes an event without data, which an EventSource would not.
                seen += [event for event, _ in zip(source.iter_sse(), range(most), strict=False) if event.data]
    rows = [row for event in seen for row in event.json()]
    assert rows == [row for _, data in wanted for row in data]
    assert [event.id for event in seen] == [str(event.json()[-1][0] + 1) for event in seen]


def decoded(running: Running, path: str, skip: int, most: int | None) -> list[MBOMsg]:
    """What databento's decoder makes of a DBN stream as it comes, up to a cut."""
    decoder, found, taken = DBNDecoder(), list[MBOMsg](), 0
    with running.client() as client, client.stream("GET", path, params={"format": "dbn", "skip": skip}) as answer:
        assert answer.status_code == 200
        for piece in answer.iter_bytes(997):
            decoder.write(piece)
            found += [record for record in decoder.decode() if isinstance(record, MBOMsg)]
            taken += len(piece)
            if most is not None and taken >= most:
                break
    return found


def test_databentos_decoder_goes_on_behind_the_records_it_has(running: Running, path: str, tape: bt.Tape) -> None:
    seen: list[MBOMsg] = []
    for most in sizes():
        seen += decoded(running, path, len(seen), most)
    assert b"".join(map(bytes, seen)) == tape.to_numpy().tobytes()
