"""Through nginx, configured as docs/operations.md says: events come as they are made, and nothing is lost."""

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

import booktape as bt
from booktape.settings import Settings
from tests.service.running import PATIENCE, Running, serving

DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin") or shutil.which("nginx")

pytestmark = pytest.mark.skipif(
    NGINX is None, reason="nginx is not installed; as root, `apt-get install nginx` brings it"
)

AROUND = """
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{server}
}}
"""


@pytest.fixture(scope="module")
def behind(tape: bt.Tape) -> Iterator[Running]:
    """The service that nginx passes requests to."""
    with serving(tape, settings=Settings(heartbeat_seconds=15)) as running:
        yield running


@pytest.fixture(scope="module")
def proxy(behind: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of nginx."""
    folder = tmp_path_factory.mktemp("nginx")
    documented = re.search(r"```nginx\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert documented
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    server = (
        documented[1].replace("listen 8080", f"listen 127.0.0.1:{port}").replace("http://127.0.0.1:8000", behind.url)
    )
    assert behind.url in server
    assert str(port) in server
    config = folder / "nginx.conf"
    config.write_text(AROUND.format(folder=folder, server=server))
    assert NGINX is not None
    running = subprocess.Popen([NGINX, "-p", folder, "-c", config])
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, verify=False) as client:
            while not _answers(client):
                assert running.poll() is None, "nginx has ended"
            yield client
    finally:
        running.terminate()
        running.wait(PATIENCE)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health").is_success
    except httpx.ConnectError:
        return False


def test_an_event_arrives_before_the_next_is_made(proxy: httpx.Client) -> None:
    made = proxy.post("/api/v1/replays", json={"playing": False}).json()
    replay = f"/api/v1/replays/{made['id']}"
    with proxy.stream("GET", f"{replay}/stream") as stream:
        pieces = stream.iter_text()
        seen = ""
        for index in range(1, 20):
            event = f"id: {made['epoch']}:{index}\n"
            assert event not in seen
            assert proxy.patch(replay, json={"step": {"by": "record"}}).is_success
            while event not in seen:
                seen += next(pieces)
    assert proxy.delete(replay).is_success


def test_nothing_is_lost_or_changed_and_a_client_goes_on_where_it_stopped(
    proxy: httpx.Client, behind: Running, tape: bt.Tape
) -> None:
    path = f"/api/v1/tapes/{tape.id}/stream"
    for form in ("json", "full", "dbn"):
        assert proxy.get(path, params={"format": form}).content == behind.stream(path, format=form)
    seen = b""
    with proxy.stream("GET", "/api/mbo/stream/json/0") as stream:
        for piece in stream.iter_bytes():
            seen += piece
            if seen.count(b"\n\n") > 100:
                break
    whole = seen[: seen.rindex(b"\n\n") + 2]
    last = re.findall(rb"^id: (\d+)$", whole, re.MULTILINE)[-1].decode()
    rest = proxy.get("/api/mbo/stream/json/0", headers={"Last-Event-ID": last}).content
    assert whole + rest == behind.stream("/api/mbo/stream/json/0")


def test_http_1_1_is_all_it_takes(proxy: httpx.Client) -> None:
    for path in ("/", "/docs", "/api/v1/tapes", "/api/mbo/stream/json/0"):
        answer = proxy.get(path)
        assert answer.status_code == 200
        assert answer.http_version == "HTTP/1.1"


def test_the_service_hears_when_a_client_goes(proxy: httpx.Client, behind: Running) -> None:
    with proxy.stream("GET", "/api/mbo/stream/json/60000") as stream:
        pieces = stream.iter_text()
        assert "id: 1\n" in next(pieces)
        assert behind.metric("mbo_active_connections") == 1
    while behind.metric("mbo_active_connections"):
        pass  # nginx is about to close its connection, too


def test_a_request_has_the_id_that_nginx_gives_it_and_the_page_may_change_things(proxy: httpx.Client) -> None:
    assert re.fullmatch("[0-9a-f]{32}", proxy.get("/health").headers["x-request-id"])
    origin = {"Origin": str(proxy.base_url).rstrip("/")}
    made = proxy.post("/api/v1/replays", json={"playing": False}, headers=origin)
    assert made.status_code == 201
    assert proxy.delete(f"/api/v1/replays/{made.json()['id']}", headers=origin).is_success
