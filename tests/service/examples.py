"""Asks a service for the examples of its documentation: `python -m tests.service.examples` prints them as JSON."""

import json
import logging
import re
import sys
import tempfile
from dataclasses import dataclass, field
from typing import Any

import httpx
import structlog

import booktape as bt
from tests.service.running import serving

RECORDS = 1_000
EVENTS = 3
"""Events shown of a stream."""


@dataclass(frozen=True)
class Ask:
    """A request, and what to show of its answer."""

    path: str
    query: dict[str, Any] = field(default_factory=dict)
    method: str = "GET"
    body: dict[str, Any] | None = None
    formats: tuple[str, ...] = ()
    """Values of `format` to ask for one after the other."""
    headers: dict[str, str] = field(default_factory=dict)


def asks(tape: bt.Tape, order_id: str, replay: str) -> dict[str, Ask]:
    """The request of every operation."""
    at, one = f"/api/v1/tapes/{tape.id}", f"/api/v1/replays/{replay}"
    last = {"from": RECORDS - 2}
    return {
        "getHealth": Ask("/health"),
        "getReadiness": Ask("/ready"),
        "getMetrics": Ask("/metrics"),
        "listTapes": Ask("/api/v1/tapes"),
        "getTape": Ask(at),
        "listInstruments": Ask(f"{at}/instruments"),
        "getBook": Ask(f"{at}/book", {"at": 500, "depth": 2, "orders": True}),
        "listRecords": Ask(f"{at}/records", {"limit": 2}),
        "getOrder": Ask(f"{at}/orders/{order_id}"),
        "getAudit": Ask(f"{at}/audit"),
        "deriveRows": Ask(f"{at}/derive/mbp-1", {"limit": 2}, formats=("json", "csv")),
        "exportTape": Ask(f"{at}/export", formats=("csv",)),
        "getStore": Ask("/api/v1/store"),
        "listMessages": Ask("/api/v1/store/messages", {"order_id": order_id, "limit": 2}),
        "streamMbo": Ask("/api/mbo/stream/json/0", headers={"Last-Event-ID": str(RECORDS - 2)}),
        "streamRecords": Ask(f"{at}/stream", last),
        "streamDepth": Ask(f"{at}/depth", {**last, "levels": 2, "speed": "max"}),
        "createReplay": Ask("/api/v1/replays", method="POST", body={"start": "100", "speed": 10, "playing": False}),
        "listReplays": Ask("/api/v1/replays"),
        "getReplay": Ask(one),
        "controlReplay": Ask(one, method="PATCH", body={"seek": "500", "speed": "max"}),
        "streamReplay": Ask(f"{one}/stream"),
        "watchReplay": Ask(f"{one}/depth", {"levels": 2}),
        "addTape": Ask("/api/v1/tapes", method="POST", body={"synthesize": {"messages": 500, "seed": 2}}),
    }


def examples() -> dict[str, Any]:
    """The request's body and the answer of every operation, by media type."""
    tape = bt.synthesize(messages=RECORDS, seed=1)
    order_id = next(record["order_id"] for record in tape.records(500) if record["action"] == "A")
    with (
        tempfile.TemporaryDirectory() as folder,
        bt.Store(folder) as store,
        serving(tape, store=store) as running,
        running.client() as client,
    ):
        assert store.flush()
        replay = client.post("/api/v1/replays", json={"playing": False}).json()["id"]
        found = {}
        for operation, ask in asks(tape, order_id, replay).items():
            queries = [{**ask.query, "format": form} for form in ask.formats] or [ask.query]
            answers = dict(shown(client, ask, query) for query in queries)
            found[operation] = {"answers": answers} | ({} if ask.body is None else {"request": ask.body})
    return settled(found)


def shown(client: httpx.Client, ask: Ask, query: dict[str, Any]) -> tuple[str, Any]:
    """An answer's media type, and as much of it as is shown."""
    with client.stream(ask.method, ask.path, params=query, json=ask.body, headers=ask.headers) as answer:
        media_type = answer.headers["content-type"].split(";")[0]
        if media_type == "text/event-stream":
            return media_type, "".join(_events(answer))
        text = answer.read().decode()
    assert answer.is_success, (ask.path, text)
    if media_type == "application/json":
        return media_type, json.loads(text)
    lines = text.splitlines(keepends=True)
    return media_type, "".join(line for line in lines if "mbo_ready" in line) or "".join(lines[:3])


def _events(answer: httpx.Response) -> list[str]:
    """The first events; a paused replay tells its state, and then nothing."""
    text, blocks = "", [""]
    for piece in answer.iter_text():
        text += piece
        *blocks, _ = text.split("\n\n")
        if blocks and blocks[0].startswith("event: state"):
            return [f"{blocks[0]}\n\n"]
        if len(blocks) >= EVENTS:
            break
    return [f"{block}\n\n" for block in blocks[:EVENTS]]


def settled(found: dict[str, Any]) -> dict[str, Any]:
    """The same without what is another every time: the epochs of replays, which are times, and the store's size."""
    text = re.sub(r'(epoch\\?": ?)\d{13}', r"\g<1>1767600000000", json.dumps(found))
    told: dict[str, Any] = json.loads(re.sub(r'("bytes": )\d+', r"\g<1>1000000", text))
    return told


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    sys.stdout.write(json.dumps(examples(), indent=1) + "\n")


if __name__ == "__main__":
    main()
