"""Headers that every answer carries, requests known by an id, and other origins let in only where they are named."""

import re
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

import booktape as bt
from booktape.service.headers import security_headers
from booktape.settings import Settings
from tests.service.running import Running, serving

ANSWERS = [
    ("/", 200),
    ("/docs", 200),
    ("/docs-assets/swagger-ui.css", 200),
    ("/health", 200),
    ("/api/v1/tapes", 200),
    ("/api/v1/tapes/none", 404),
    ("/api/nothing", 404),
    ("/api/v1/tapes?x=1", 400),
    ("/api/mbo/stream/json/0", 200),
]


@pytest.mark.parametrize(("path", "status"), ANSWERS)
def test_every_answer_has_them(running: Running, path: str, status: int) -> None:
    with running.client() as client:
        answer = client.get(path)
    assert answer.status_code == status
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy["script-src"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
    assert answer.headers["cache-control"]
    if path.startswith("/api") and "stream" not in path:
        assert answer.headers["cache-control"] == "no-store"


def test_answers_from_outside_the_routes_have_them_too(running: Running) -> None:
    with running.client() as client:
        for answer in (client.delete("/api/v1/tapes"), client.get("/health", headers={"Host": "evil.example"})):
            assert answer.status_code in {405, 421}
            assert "x-request-id" in answer.headers
            assert "content-security-policy" in answer.headers


def test_a_script_inside_the_page_is_allowed_by_its_hash() -> None:
    page = b'<script src="a.js"></script><script>let a = 1;</script><script type="module">b()</script>'
    policy = dict(security_headers(page))[b"content-security-policy"].decode()
    # As `openssl dgst -sha256 -binary | base64` gives them.
    assert "script-src 'self' 'sha256-xY6QKfH9PRsQnLz56nj6MBwiK5oHg+im1Jkpdp1x/Ck='" in policy
    assert policy.count("sha256-") == 2


@pytest.mark.parametrize(
    ("given", "kept"), [("proxy-1.a:b_c", True), ("x" * 128, True), ("x" * 129, False), ("a b", False), ("", False)]
)
def test_a_well_formed_request_id_is_taken(running: Running, given: str, kept: bool) -> None:
    with running.client() as client:
        said = client.get("/health", headers={"X-Request-ID": given}).headers["x-request-id"]
    assert (said == given) is kept


ORIGIN = "https://desk.example"


@pytest.fixture(scope="module")
def shared(tape: bt.Tape) -> Iterator[Running]:
    settings = Settings(cors_origins=(ORIGIN,), allowed_hosts=("*",))
    with serving(tape, settings=settings) as running:
        yield running


def test_a_named_origin_may_ask(shared: Running) -> None:
    with shared.client() as client:
        for path in ("/api/v1/tapes", "/api/v1/tapes/none", "/api/mbo/stream/json/0"):
            answer = client.get(path, headers={"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"})
            assert answer.headers["access-control-allow-origin"] == ORIGIN
            assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
            assert "Origin" in answer.headers["vary"]
            assert "access-control-allow-credentials" not in answer.headers


def test_a_named_origin_may_send_its_key(shared: Running) -> None:
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization, content-type"}
    with shared.client() as client:
        answer = client.options("/api/v1/tapes", headers={"Origin": ORIGIN} | asked)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert client.options("/api/v1/tapes", headers={"Origin": "https://x.example"} | asked).status_code == 400


@pytest.mark.parametrize("origin", ["https://desk.example.evil", "http://desk.example", "https://x.desk.example"])
def test_another_origin_may_not(shared: Running, origin: str) -> None:
    with shared.client() as client:
        answer = client.get("/api/v1/tapes", headers={"Origin": origin})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_by_default_no_origin_may(running: Running) -> None:
    with running.client() as client:
        answer = client.get("/health", headers={"Origin": running.url})
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("origins", ["desk.example", "https://desk.example/", "https://*.example", "null"])
def test_what_is_no_origin_is_refused(monkeypatch: pytest.MonkeyPatch, origins: str) -> None:
    monkeypatch.setenv("BOOKTAPE_CORS_ORIGINS", f"https://fine.example,{origins}")
    with pytest.raises(ValidationError, match="is not an origin such as"):
        Settings()
