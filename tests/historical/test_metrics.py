"""What the gateway tells of itself in the service's metrics."""

import re
import socket
import ssl
import time
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

import booktape as bt
from booktape.historical import companion
from booktape.settings import Settings
from tests.historical.gateway import PATIENCE
from tests.service.running import Running, serving

DOCUMENT = Path(__file__).parents[2] / "docs" / "historical.md"
RANGE, COUNT = "/v0/timeseries.get_range", "/v0/metadata.get_record_count"


def counted(running: Running, **labels: str) -> float:
    return running.metric("mbo_historical_requests_total", **labels)


def test_requests_and_bytes_are_counted_by_route(made: bt.Tape, tmp_path: Path) -> None:
    told: list[tuple[str, Path | None]] = []
    gate = companion(0, on_ready=lambda *where: told.append(where))
    with serving(made, settings=Settings(data_dir=tmp_path), beside=[gate]) as running:
        [(url, authority)] = told
        trusted = ssl.create_default_context(cafile=str(authority))
        day = {"dataset": made.dataset, "schema": "mbo", "start": str(made.start)[:10]}
        with httpx.Client(base_url=url, verify=trusted, timeout=PATIENCE) as client:
            body = client.post(RANGE, data=day).content
            counts = [client.get(COUNT, params=day).content for _ in range(2)]
            client.post(RANGE, data=day | {"dataset": "XNAS.ITCH"})
            unknown = client.get("/v0/batch.list_jobs")
        assert counted(running, method="POST", route=RANGE, status="200") == 1
        assert counted(running, method="POST", route=RANGE, status="422") == 1
        assert counted(running, method="GET", route=COUNT, status="200") == 2
        assert counted(running, method="GET", route="none", status="404") == 1
        assert unknown.headers["x-request-id"]
        sent = running.metric("mbo_historical_sent_bytes_total")
        assert sent > len(body) + sum(map(len, counts)) + len(unknown.content)
        assert running.metric("mbo_historical_request_duration_seconds_count", method="GET", route=COUNT) == 2
        # What is asked of the service itself is counted apart.
        assert running.metric("mbo_http_requests_total", method="POST", route=RANGE, status="200") == 0


def test_a_download_is_open_until_it_is_taken_or_left(made: bt.Tape, tmp_path: Path) -> None:
    told: list[str] = []
    gate = companion(0, http=True, on_ready=lambda url, _: told.append(url))
    with serving(made, settings=Settings(data_dir=tmp_path), beside=[gate]) as running:
        port = int(told[0].rpartition(":")[2])
        query = f"dataset={made.dataset}&schema=mbo&start={str(made.start)[:10]}"
        with socket.socket() as client:
            client.settimeout(PATIENCE)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.connect(("127.0.0.1", port))
            client.sendall(f"GET {RANGE}?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert client.recv(100).startswith(b"HTTP/1.1 200")
            assert running.metric("mbo_historical_downloads") == 1
        until_none_is_open(running)


def until_none_is_open(running: Running) -> None:
    deadline = time.monotonic() + PATIENCE
    while running.metric("mbo_historical_downloads"):
        assert time.monotonic() < deadline


def test_the_documents_table_is_of_the_metrics_there_are(made: bt.Tape, tmp_path: Path) -> None:
    gate = companion(0, http=True)
    with serving(made, settings=Settings(data_dir=tmp_path), beside=[gate]) as running, running.client() as client:
        text = client.get("/metrics").text
    families = [family for family in text_string_to_metric_families(text) if family.name.startswith("mbo_historical")]
    there = {family.name + "_total" * (family.type == "counter"): family.type for family in families}
    table = re.findall(r"^\| `(mbo_\w+)(?:\{[\w,]+\})?` \| (\w+) \|", DOCUMENT.read_text(), re.MULTILINE)
    assert dict(table) == there
