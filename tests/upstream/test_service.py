"""Tapes fetched from Databento by the service, from a gateway of our own."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

import booktape as bt
from booktape.settings import Settings
from tests.breaking import breaking
from tests.historical.gateway import KEY, PATIENCE, Gateway
from tests.service.running import Running, serving
from tests.upstream.between import COST, RANGE, UNPAID, Answer, Between

# The client leaves its files to be closed by themselves.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

DATASET = "GLBX.MDP3"


@pytest.fixture(autouse=True)
def _ready(key: str, at_once: None) -> None:
    """A key, and no time to lose."""


@pytest.fixture
def service(upstream: Gateway, tmp_path: Path) -> Iterator[Running]:
    with served(upstream.url, tmp_path) as running:
        yield running


class served:  # noqa: N801 - a context manager
    """A service with a data folder, that fetches from a URL."""

    def __init__(self, url: str, folder: Path) -> None:
        self._store = bt.Store(folder, background=True)
        settings = Settings(data_dir=folder, historical_upstream=url)
        self._serving = serving(settings=settings, store=self._store)

    def __enter__(self) -> Running:
        return self._serving.__enter__()

    def __exit__(self, *raised: Any) -> None:  # noqa: PYI036 - they are passed on
        self._serving.__exit__(*raised)
        self._store.close()


def wanted(source: bt.Tape, **others: object) -> dict[str, Any]:
    start = (source.start_ns or 0) // 86_400_000_000_000 * 86_400_000_000_000
    asked = {"dataset": DATASET, "symbols": ["ALL_SYMBOLS"], "start": str(start), "end": str(start + 86_400 * 10**9)}
    return {"fetch": {**asked, "max_cost": 0, **others}}


def post(running: Running, body: dict[str, Any]) -> httpx.Response:
    with running.client() as client:
        return client.post("/api/v1/tapes", json=body)


def ended(running: Running, fetch_id: str) -> dict[str, Any]:
    """The fetch, once it is over."""
    deadline = time.monotonic() + PATIENCE
    while True:
        told: dict[str, Any] = running.get(f"/api/v1/fetches/{fetch_id}")
        if told["state"] in {"done", "failed", "cancelled"}:
            return told
        assert time.monotonic() < deadline, told


def test_a_tape_is_fetched_in_the_background(service: Running, source: bt.Tape, tmp_path: Path) -> None:
    answer = post(service, wanted(source))
    assert answer.status_code == 202, answer.text
    begun = answer.json()
    assert answer.headers["location"] == f"/api/v1/fetches/{begun['id']}"
    told = ended(service, begun["id"])
    assert (told["state"], told["problem"]) == ("done", None)
    assert told["records"] == told["expected"] == len(source)
    assert service.get("/api/v1/fetches") == [told]
    (tape,) = service.get("/api/v1/tapes")
    assert (tape["id"], tape["records"]) == (told["tape"], len(source))
    assert service.service.deck.tape(told["tape"]).tape.to_numpy().tobytes() == source.to_numpy().tobytes()
    assert not list((tmp_path / "fetches").iterdir())
    again = ended(service, post(service, wanted(source)).json()["id"])
    assert again["tape"] == told["tape"]


def test_a_network_that_breaks_is_gone_on_with(upstream: Gateway, source: bt.Tape, tmp_path: Path) -> None:
    with breaking(upstream.port) as proxy, served(f"https://127.0.0.1:{proxy.port}", tmp_path) as running:
        proxy.budgets = [*[300_000, 2_000, 300_000], *[10**9] * 3]
        told = ended(running, post(running, wanted(source)).json()["id"])
        assert (told["state"], told["records"]) == ("done", len(source))
        assert proxy.resets == 3
        proxy.budgets = [*[1_000] * 8, *[10**9] * 3]
        failed = ended(running, post(running, wanted(source)).json()["id"])
        assert failed["state"] == "failed"
        assert "given up after 8 attempts" in failed["problem"]
        assert KEY not in str(failed)


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"dataset": "XNAS.ITCH"}, 400, "dataset_not_found"),
        ({"symbols": ["NONE"]}, 400, "None of the symbols"),
        ({"end": "2001-01-01"}, 400, "later than start"),
        ({"start": "tomorrow"}, 400, "tomorrow"),
        ({"schema": "trades"}, 400, "schema"),
        ({"symbols": []}, 400, "symbols"),
        ({"max_cost": None}, 400, "max_cost"),
        ({"max_cost": -1}, 400, "max_cost"),
        ({"key": KEY}, 400, "key"),
    ],
)
def test_what_cannot_be_fetched_is_refused_at_once(
    change: dict[str, object], status: int, says: str, service: Running, source: bt.Tape
) -> None:
    answer = post(service, wanted(source, **change))
    assert answer.status_code == status, answer.text
    assert says in answer.json()["detail"]
    assert service.get("/api/v1/fetches") == []


def test_more_than_may_be_is_not_spent(between_them: Between, source: bt.Tape, tmp_path: Path) -> None:
    between_them.answers[COST] = Answer(b"1.23")
    with served(between_them.url, tmp_path) as running:
        answer = post(running, wanted(source, max_cost=1.0))
        assert answer.status_code == 402
        assert "1.2300 US dollars" in answer.json()["detail"]
        assert running.get("/api/v1/fetches") == []
        assert not list((tmp_path / "fetches").iterdir())
        assert RANGE not in between_them.asked
        told = ended(running, post(running, wanted(source, max_cost=1.23)).json()["id"])
        assert (told["state"], told["cost"]) == ("done", 1.23)


def test_an_account_without_money_is_told(between_them: Between, source: bt.Tape, tmp_path: Path) -> None:
    with served(between_them.url, tmp_path) as running:
        between_them.answers = {RANGE: UNPAID}
        told = ended(running, post(running, wanted(source)).json()["id"])
        assert (told["state"], told["tape"], told["records"]) == ("failed", None, 0)
        assert told["problem"].startswith("Databento wants to be paid first: 402 account_insufficient_funds")
        between_them.answers = {COST: UNPAID}
        assert post(running, wanted(source)).status_code == 402
        assert not list((tmp_path / "fetches").iterdir())


def test_without_a_key_or_a_store_there_is_none(
    service: Running, upstream: Gateway, source: bt.Tape, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(settings=Settings(historical_upstream=upstream.url)) as running:
        assert post(running, wanted(source)).status_code == 409
    monkeypatch.setenv("DATABENTO_API_KEY", KEY[::-1])
    refused = post(service, wanted(source))
    assert refused.status_code == 502
    assert KEY[::-1] not in refused.text
    monkeypatch.delenv("DATABENTO_API_KEY")
    monkeypatch.delenv("DBN_KEY")
    missing = post(service, wanted(source))
    assert missing.status_code == 502
    assert "DATABENTO_API_KEY" in missing.json()["detail"]
    with service.client() as client:
        assert client.get("/api/v1/fetches/none").status_code == 404


def test_a_service_that_stops_keeps_what_has_come(upstream: Gateway, source: bt.Tape, tmp_path: Path) -> None:
    with breaking(upstream.port) as proxy:
        proxy.stalled, url = threading.Event(), f"https://127.0.0.1:{proxy.port}"
        with served(url, tmp_path) as running:
            proxy.budgets = [500_000, *[10**9] * 3]
            assert post(running, wanted(source)).status_code == 202
            assert proxy.stalled.wait(PATIENCE)
            busy = post(running, wanted(source))
            assert (busy.status_code, "under way" in busy.json()["detail"]) == (409, True)
        (part,) = (tmp_path / "fetches").iterdir()
        assert part.name.endswith(".part")
        with served(url, tmp_path) as running:
            assert running.get("/api/v1/tapes") == []
            told = ended(running, post(running, wanted(source)).json()["id"])
            assert (told["state"], told["records"]) == ("done", len(source))
    assert not list((tmp_path / "fetches").iterdir())


def delete(running: Running, fetch_id: str) -> httpx.Response:
    with running.client() as client:
        return client.delete(f"/api/v1/fetches/{fetch_id}")


def test_a_download_is_cancelled_and_gone_on_with(upstream: Gateway, source: bt.Tape, tmp_path: Path) -> None:
    with breaking(upstream.port) as proxy, served(f"https://127.0.0.1:{proxy.port}", tmp_path) as running:
        proxy.stalled, proxy.budgets = threading.Event(), [500_000, *[10**9] * 3]
        fetch_id = post(running, wanted(source)).json()["id"]
        assert proxy.stalled.wait(PATIENCE)
        answer = delete(running, fetch_id)
        told = answer.json()
        assert (answer.status_code, told["state"], told["problem"]) == (200, "cancelled", None)
        assert proxy.ended.wait(PATIENCE), "the connection is still open"
        assert not any(thread.name == "booktape-fetch" for thread in threading.enumerate())
        assert running.get("/api/v1/fetches") == [told]
        assert delete(running, fetch_id).json() == told
        (part,) = (tmp_path / "fetches").iterdir()
        assert [piece.suffixes for piece in part.glob("piece-*")] == [[".dbn", ".zst"]]
        proxy.budgets = [10**9] * 4
        again = ended(running, post(running, wanted(source)).json()["id"])
        assert (again["id"], again["state"], again["records"]) == (fetch_id, "done", len(source))
        assert running.service.deck.tape(again["tape"]).tape.to_numpy().tobytes() == source.to_numpy().tobytes()
        too_late = delete(running, fetch_id)
        assert (too_late.status_code, "it is done" in too_late.json()["detail"]) == (409, True)
        assert delete(running, "fetch-none").status_code == 404


def test_a_fetch_that_waits_is_cancelled(
    upstream: Gateway, source: bt.Tape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("booktape.upstream.download.FIRST_WAIT", 10 * PATIENCE)
    with breaking(upstream.port) as proxy, served(f"https://127.0.0.1:{proxy.port}", tmp_path) as running:
        proxy.budgets = [1_000, *[10**9] * 3]
        fetch_id = post(running, wanted(source)).json()["id"]
        assert proxy.ended.wait(PATIENCE)
        assert delete(running, fetch_id).json()["state"] == "cancelled"
        assert not list((tmp_path / "fetches").iterdir())


def test_a_fetch_is_cancelled_while_its_price_is_asked(upstream: Gateway, source: bt.Tape, tmp_path: Path) -> None:
    with breaking(upstream.port) as proxy, served(f"https://127.0.0.1:{proxy.port}", tmp_path) as running:
        proxy.stalled, proxy.budgets = threading.Event(), [100]
        with ThreadPoolExecutor(1) as others:
            asking = others.submit(post, running, wanted(source))
            assert proxy.stalled.wait(PATIENCE)
            (begun,) = running.get("/api/v1/fetches")
            assert delete(running, begun["id"]).json()["state"] == "cancelled"
            refused = asking.result(PATIENCE)
        assert (refused.status_code, "was cancelled" in refused.json()["detail"]) == (409, True)
        assert not list((tmp_path / "fetches").iterdir())
