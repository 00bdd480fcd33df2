"""Every refusal is a problem document that names what, where and which value."""

import errno

import httpx
import pytest

import booktape as bt
from booktape.service.server import listen
from tests.service.running import Running, serving

BAD_PARAMETERS = [
    ("book?at=yesterday", "at = 'yesterday'"),
    ("book?at=-1", "at = '-1'"),
    ("book?at=", "at = ''"),
    ("book?at=ns:1e9", "at = 'ns:1e9'"),
    ("book?at=5000", "records 0 to 4,999"),
    ("book?at=99999999999999999999999", "records 0 to 4,999"),
    ("book?at=1999-01-01", "outside the tape, which runs from"),
    ("book?at=2099-01-01T00:00:00Z", "outside the tape, which runs from"),
    ("book?at=ns:99999999999999999999999", "at = "),
    ("book?depth=0", "depth = '0': a whole number from 1 to 1,000"),
    ("book?depth=1001", "depth = '1001'"),
    ("book?depth=ten", "depth = 'ten'"),
    ("book?depth=1.5", "depth = '1.5'"),
    ("book?view=both", "view = 'both': one of matched, published"),
    ("book?orders=maybe", "orders = 'maybe': true or false"),
    ("book?instrument=", "instrument = ''"),
    ("book?dept=10", "dept = '10': no such parameter here; there are: instrument, publisher, at, depth, view, orders"),
    ("book?depth=1&depth=2", "depth = '2': once is enough"),
    ("records?limit=0", "limit = '0': a whole number from 1 to 1,000"),
    ("records?limit=1001", "limit = '1001'"),
    ("records?from=5001", "from = 5001: an index from 0 to 5,000"),
    ("records?from=1999-01-01", "from = "),
    ("orders/0", "order_id = '0': an order's id, a whole number from 1 to 18,446,744,073,709,551,615"),
    ("orders/abc", "order_id = 'abc'"),
    ("orders/18446744073709551616", "order_id = '18446744073709551616'"),
    ("stream?format=xml", "format = 'xml': one of json, full, dbn"),
    ("stream?speed=0", "speed = '0'"),
    ("stream?speed=-1", "speed = '-1'"),
    ("stream?speed=nan", "speed = 'nan'"),
    ("stream?speed=1e99", "speed = '1e99'"),
    ("stream?from=5001", "from = 5001"),
    ("stream?skip=-1&format=dbn", "skip = '-1'"),
    ("stream?skip=1", "skip = 1: goes with format=dbn"),
    ("depth?levels=101", "levels = '101': a whole number from 1 to 100"),
    ("depth?hz=0", "hz = '0': a number from 0.1 to 60"),
    ("depth?hz=61", "hz = '61'"),
    ("depth?hz=inf", "hz = 'inf'"),
    ("depth?trades=2", "trades = '2'"),
    ("depth?trades=x", "trades = 'x'"),
    ("depth?from=1999-01-01", "from = "),
    ("export?format=rar", "format = 'rar': one of zip, dbn, csv, parquet"),
    ("export?format=csv&parquet=1", "parquet = True: goes with format=zip"),
    ("export?parquet=perhaps", "parquet = 'perhaps': true or false"),
    ("export?from=1", "from = '1': no such parameter here; there are: format, parquet"),
    ("derive/mbp-2", "schema = 'mbp-2': one of mbp-1, mbp-10"),
    ("derive/mbp-1?format=xml", "format = 'xml': one of json, csv, dbn, parquet, arrow"),
    ("derive/mbp-1?limit=0", "limit = '0': a whole number from 1 to"),
    ("derive/mbp-1?limit=-1", "limit = '-1'"),
    ("derive/mbp-1?limit=99999999999999999999", "limit = "),
    ("derive/mbp-1?from=5001", "from = 5001: an index from 0 to 5,000"),
    ("derive/mbp-1?to=5001", "to = 5001: an index from 0 to 5,000"),
    ("derive/mbp-1?from=10&to=9", "to = 9: it is before from, which is record 10"),
    ("derive/mbp-1?from=yesterday", "from = 'yesterday'"),
    ("derive/mbp-1?to=1999-01-01", "outside the tape, which runs from"),
    ("derive/mbp-1?from=ns:99999999999999999999999", "outside the tape, which runs from"),
    ("derive/mbp-1?instrument=", "instrument = ''"),
]


def refused(running: Running, path: str, status: int, headers: dict[str, str] | None = None) -> str:
    with running.client() as client:
        answer = client.get(path, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["title"] == httpx.codes.get_reason_phrase(status)
    assert body["instance"] == path.split("?", maxsplit=1)[0]
    detail: str = body["detail"]
    return detail


@pytest.mark.parametrize(("query", "named"), BAD_PARAMETERS)
def test_a_bad_parameter_is_named_with_what_would_do(running: Running, tape: bt.Tape, query: str, named: str) -> None:
    assert named in refused(running, f"/api/v1/tapes/{tape.id}/{query}", 400)


def test_several_bad_parameters_are_all_named(running: Running, tape: bt.Tape) -> None:
    detail = refused(running, f"/api/v1/tapes/{tape.id}/book?depth=0&view=both&at=x", 400)
    assert all(name in detail for name in ("depth = ", "view = ", "at = "))


@pytest.mark.parametrize("delay", ["-1", "60001", "fast", "1.5"])
def test_a_bad_delay_is_named(running: Running, delay: str) -> None:
    assert f"delay_ms = '{delay}'" in refused(running, f"/api/mbo/stream/json/{delay}", 400)


@pytest.mark.parametrize("last", ["x", "-1", "5001"])
def test_a_bad_last_event_id_is_named(running: Running, tape: bt.Tape, last: str) -> None:
    for route in ("stream", "depth"):
        path = f"/api/v1/tapes/{tape.id}/{route}"
        assert "Last-Event-ID = " in refused(running, path, 400, {"Last-Event-ID": last})


@pytest.mark.parametrize(
    "route", ["", "/instruments", "/book", "/records", "/audit", "/stream", "/depth", "/export", "/derive/mbp-1"]
)
def test_an_unknown_tape_is_not_found(running: Running, tape: bt.Tape, route: str) -> None:
    detail = refused(running, f"/api/v1/tapes/nothing{route}", 404)
    assert "nothing" in detail
    assert tape.id in detail


@pytest.mark.parametrize("route", ["book", "depth", "stream"])
def test_an_unknown_instrument_is_not_found(running: Running, two_instruments: bt.Tape, route: str) -> None:
    for instrument in ("NOPE", "1"):
        detail = refused(running, f"/api/v1/tapes/{two_instruments.id}/{route}?instrument={instrument}", 404)
        assert f"no instrument {instrument}" in detail
        assert all(symbol in detail for symbol in two_instruments.symbols.values())


@pytest.mark.parametrize("route", ["book", "depth"])
def test_an_unknown_publisher_is_not_found(running: Running, tape: bt.Tape, route: str) -> None:
    for publisher in ("XNAS.ITCH.XNAS", "2"):
        detail = refused(running, f"/api/v1/tapes/{tape.id}/{route}?publisher={publisher}", 404)
        assert f"no publisher {publisher}" in detail


@pytest.mark.parametrize("route", ["book", "depth"])
def test_which_instrument_must_be_said_where_there_are_several(
    running: Running, two_instruments: bt.Tape, route: str
) -> None:
    detail = refused(running, f"/api/v1/tapes/{two_instruments.id}/{route}", 400)
    assert "instrument = None: say which" in detail
    assert all(symbol in detail for symbol in two_instruments.symbols.values())


@pytest.mark.parametrize("route", ["book", "depth"])
def test_which_publisher_must_be_said_where_there_are_several(
    running: Running, two_publishers: bt.Tape, route: str
) -> None:
    detail = refused(running, f"/api/v1/tapes/{two_publishers.id}/{route}", 400)
    assert "publisher = None: say which" in detail
    assert "1 (GLBX.MDP3.GLBX)" in detail


@pytest.mark.parametrize("path", ["/api/nothing", "/api/v1/nothing", "/missing.js"])
def test_an_unknown_path_is_a_problem_too(running: Running, path: str) -> None:
    refused(running, path, 404)


def test_another_method_is_a_problem_that_says_which_are_allowed(running: Running) -> None:
    with running.client() as client:
        answer = client.delete("/api/v1/tapes")
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert "GET" in answer.headers["allow"]


def test_a_service_without_tapes_says_so() -> None:
    with serving() as running:
        assert running.get("/api/v1/tapes") == []
        assert "no tape is loaded" in refused(running, "/api/mbo/stream/json/0", 404)


def test_an_empty_tape_is_answered_in_words() -> None:
    empty = bt.synthesize(messages=0)
    with serving(empty) as running:
        path = f"/api/v1/tapes/{empty.id}"
        assert running.get(path)["records"] == 0
        assert running.get(f"{path}/records")["records"] == []
        assert "the tape is empty" in refused(running, f"{path}/book?at=0", 400)
        assert "the tape is empty" in refused(running, f"{path}/book?at=2025-01-01", 400)
        assert "the tape has none" in refused(running, f"{path}/book", 400)
        assert running.stream("/api/mbo/stream/json/0") == b": stream_end\n\n"


def test_an_error_inside_does_not_leak(running: Running, tape: bt.Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = running.service.deck.tape(tape.id)

    def broken() -> None:
        raise RuntimeError("a secret of the house")

    monkeypatch.setattr(loaded, "details", broken)
    assert refused(running, f"/api/v1/tapes/{tape.id}", 500) == "an error inside the service; its log says more"


def test_json_that_is_nested_too_deeply_is_refused(running: Running) -> None:
    with running.client() as client:
        answer = client.post("/api/v1/replays", content=b"[" * 100_000, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["detail"]) == (400, "the body: nested too deeply")


def test_no_files_left_is_not_an_error_inside(running: Running, tape: bt.Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(running.service.deck.tape(tape.id), "details", broken)
    assert "no file left" in refused(running, f"/api/v1/tapes/{tape.id}", 503)


def test_a_port_in_use_names_the_address() -> None:
    with listen("127.0.0.1", 0, slow_client_seconds=30) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}"):
            listen("127.0.0.1", port, slow_client_seconds=30)
