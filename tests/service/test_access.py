"""With keys, a request needs one that is enough; without, only this machine and its own pages are let in."""

import http.client
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

import booktape as bt
from booktape.keys import ApiKey, KeyScope, new_key
from booktape.service.server import run
from booktape.settings import Settings
from tests.service.running import Running, serving

SCOPES: tuple[KeyScope, ...] = ("read", "control")
KEYS: dict[str, tuple[str, ApiKey]] = {scope: new_key(scope, [scope]) for scope in SCOPES}
ENTRIES = tuple(entry for _, entry in KEYS.values())
PLACES = ["/api/v1/tapes", "/api/v1/tapes/x", "/api/v1/tapes/x/stream", "/api/mbo/stream/json/0", "/metrics"]
OPEN = ["/", "/health", "/ready", "/docs", "/docs/openapi.json", "/docs-assets/swagger-ui.css"]


@pytest.fixture(scope="module")
def locked(tape: bt.Tape) -> Iterator[Running]:
    with serving(tape, settings=Settings(api_keys=ENTRIES)) as running:
        yield running


def bearer(scope: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {KEYS[scope][0]}"}


def ask(running: Running, path: str, **headers: str) -> httpx.Response:
    with running.client() as client:
        return client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("path", PLACES)
def test_without_a_key_nothing_of_the_data_is_told(locked: Running, tape: bt.Tape, path: str) -> None:
    answer = ask(locked, path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="booktape"'
    assert answer.headers["content-type"] == "application/problem+json"
    assert "a key is needed" in answer.json()["detail"]
    assert tape.id not in answer.text


@pytest.mark.parametrize("path", OPEN)
def test_what_holds_no_data_is_open(locked: Running, path: str) -> None:
    assert ask(locked, path).status_code == 200
    assert ask(locked, path, X_API_Key="wrong").status_code == 200


def test_a_key_opens_by_either_header(locked: Running) -> None:
    key = KEYS["read"][0]
    for headers in ({"Authorization": f"Bearer {key}"}, {"authorization": f"bearer {key}"}, {"X_API_Key": key}):
        assert ask(locked, "/api/v1/tapes", **headers).status_code == 200
    proxied = {"Authorization": "Basic dXNlcjpwYXNz", "X_API_Key": key}
    assert ask(locked, "/api/v1/tapes", **proxied).status_code == 200
    assert ask(locked, "/metrics", X_API_Key=key).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer nonsense"},
        {"X-API-Key": "nonsense"},
        {"X-API-Key": ENTRIES[0].sha256},
        {"X-API-Key": "nonsense", "Authorization": f"Bearer {KEYS['read'][0]}"},
    ],
)
def test_a_wrong_key_is_refused_and_not_repeated(locked: Running, headers: dict[str, str]) -> None:
    with locked.client() as client:
        answer = client.get("/api/v1/tapes", headers=headers)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert "nonsense" not in answer.text + str(answer.headers)


@pytest.mark.parametrize("headers", [{"Authorization": "Basic x"}, {"Authorization": "Bearer"}, {"X-API-Key": ""}])
def test_what_is_no_key_is_none(locked: Running, headers: dict[str, str]) -> None:
    with locked.client() as client:
        assert client.get("/api/v1/tapes", headers=headers).headers["www-authenticate"] == 'Bearer realm="booktape"'


def test_a_key_in_the_address_opens_nothing(locked: Running) -> None:
    key = KEYS["read"][0]
    for name in ("api_key", "key", "access_token"):
        answer = ask(locked, f"/api/v1/tapes?{name}={key}")
        assert answer.status_code == 401
        assert key not in answer.text


def test_metrics_may_be_left_open(tape: bt.Tape) -> None:
    with serving(tape, settings=Settings(api_keys=ENTRIES, metrics_open=True)) as running:
        assert ask(running, "/metrics").status_code == 200
        assert ask(running, "/api/v1/tapes").status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/v1/replays"), ("PATCH", "/api/v1/replays/none"), ("DELETE", "/api/v1/replays/none")],
)
def test_changing_something_needs_the_scope_control(locked: Running, method: str, path: str) -> None:
    with locked.client() as client:
        assert client.request(method, path, json={}).status_code == 401
        refused = client.request(method, path, json={}, headers=bearer("read"))
        assert refused.status_code == 403
        assert refused.json()["detail"] == "this needs a key with the scope control; read has read"
        assert 'error="insufficient_scope", scope="control"' in refused.headers["www-authenticate"]
        assert client.request(method, path, json={}, headers=bearer("control")).status_code in {201, 404}


def test_a_key_that_may_control_may_read(locked: Running) -> None:
    with locked.client() as client:
        for scope in KEYS:
            assert client.get("/api/v1/tapes", headers=bearer(scope)).is_success


HOSTS = [
    ("localhost", 200),
    ("LOCALHOST:8000", 200),
    ("page.localhost:8000", 200),
    ("127.0.0.1", 200),
    ("[::1]:8000", 200),
    ("192.0.2.1:80", 200),
    ("desk.internal", 200),
    ("Desk.Internal.:8000", 200),
    ("evil.example", 421),
    ("evil.example:8000", 421),
    ("localhost.evil.example", 421),
    ("127.0.0.1.evil.example", 421),
    ("evil.example@localhost", 200),  # what a browser would never send: its name is localhost
    ("2130706433", 421),
    ("[::1", 421),
    ("", 421),
    ("x" * 10_000, 421),
]


@pytest.fixture(scope="module")
def named() -> Iterator[Running]:
    with serving(settings=Settings(allowed_hosts=("desk.internal",))) as running:
        yield running


@pytest.mark.parametrize(("host", "status"), HOSTS)
def test_a_name_of_somebody_else_does_not_reach_an_open_service(named: Running, host: str, status: int) -> None:
    for path in ("/api/v1/tapes", "/", "/docs/openapi.json"):
        with closing(http.client.HTTPConnection(named.url.removeprefix("http://"), timeout=30)) as connection:
            connection.putrequest("GET", path, skip_host=True)
            connection.putheader("Host", host)
            connection.endheaders()
            with connection.getresponse() as answer:
                assert answer.status == status


def test_every_name_may_be_allowed_and_keys_need_none() -> None:
    for settings in (Settings(allowed_hosts=("*",)), Settings(api_keys=ENTRIES)):
        with serving(settings=settings) as running, running.client() as client:
            assert client.get("/api/v1/tapes", headers=bearer("read") | {"Host": "any.example"}).status_code == 200


FOREIGN = [
    ({"Origin": "http://evil.example"}, 403),
    ({"Origin": "https://127.0.0.1:1"}, 403),
    ({"Origin": "null"}, 403),
    ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
    ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, 403),
    ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),
    ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, 200),
    ({"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, 200),
]


@pytest.mark.parametrize(("headers", "status"), FOREIGN)
def test_the_page_of_another_site_does_not_reach_an_open_service(
    named: Running, headers: dict[str, str], status: int
) -> None:
    with named.client() as client:
        assert client.get("/api/v1/tapes", headers=headers).status_code == status


def test_the_services_own_page_does(named: Running) -> None:
    with named.client() as client:
        assert client.get("/api/v1/tapes", headers={"Origin": named.url}).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_service_without_keys_is_for_this_machine(tape: bt.Tape, host: str) -> None:
    with pytest.raises(bt.ParameterError, match=r"host = .*only this machine.*booktape keys new.*--insecure"):
        run([tape], settings=Settings(host=host, port=0), on_ready=lambda _: pytest.fail("it listens"))
