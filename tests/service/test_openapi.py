"""The schema is complete, always the same text, and the documentation needs no other host."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from booktape.service.examples import FILE
from booktape.service.openapi import schema
from tests.service.examples import examples
from tests.service.running import Running

METHODS = {"get", "post", "patch", "put", "delete"}
COMMITTED = Path(__file__).parents[2] / "frontend" / "openapi.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(schema())
    return document


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def test_every_route_of_the_contract_is_there(document: dict[str, Any]) -> None:
    tape, replay = "/api/v1/tapes/{tape}", "/api/v1/replays/{replay}"
    assert set(document["paths"]) == {
        *("/api/v1/replays", replay, f"{replay}/stream", f"{replay}/depth"),
        *("/health", "/ready", "/metrics", "/api/v1/store", "/api/v1/store/messages"),
        *("/api/v1/fetches", "/api/v1/fetches/{fetch}"),
        *("/api/mbo/stream/json/{delay_ms}", "/api/market/export", "/api/v1/tapes", tape),
        *(f"{tape}/{route}" for route in ("instruments", "book", "records", "audit", "stream", "depth")),
        *(f"{tape}/{route}" for route in ("orders/{order_id}", "export", "derive/{schema}")),
    }


def test_everything_says_what_it_is(document: dict[str, Any]) -> None:
    for path, operation in operations(document).items():
        assert operation["summary"], path
        assert operation["description"], path
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (path, parameter["name"])
            assert parameter["examples"], (path, parameter["name"])
    for name, component in document["components"]["schemas"].items():
        assert component["description"], name
        for field, content in component.get("properties", {}).items():
            assert content.get("description"), (name, field)


def test_everything_shows_an_example(document: dict[str, Any]) -> None:
    for path, operation in operations(document).items():
        shown = [
            content for response in operation["responses"].values() for content in response.get("content", {}).items()
        ]
        shown += operation.get("requestBody", {}).get("content", {}).items()
        for media_type, content in shown:
            is_file = content["schema"].get("format") == "binary"
            assert is_file or content.get("examples"), (path, media_type)


def test_the_examples_are_what_a_service_answers() -> None:
    assert json.loads(FILE.read_text()) == examples(), "run `make openapi`"


def test_stream_events_are_declared(document: dict[str, Any]) -> None:
    streams = [operation for path, operation in operations(document).items() if "stream" in path or "depth" in path]
    declared = json.dumps([operation["responses"]["200"]["content"]["text/event-stream"] for operation in streams])
    assert {"DepthFrame", "Jump", "Bye", "FullEvent"} <= set(re.findall(r"schemas/(\w+)", declared))


def test_errors_are_problem_documents(document: dict[str, Any]) -> None:
    for path, operation in operations(document).items():
        for status, response in operation["responses"].items():
            if status.startswith("4"):
                assert set(response["content"]) == {"application/problem+json"}, path


def test_every_route_says_that_keys_open_it_but_those_of_probes(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert (schemes["bearer"]["scheme"], schemes["header"]["name"]) == ("bearer", "X-API-Key")
    assert document["security"] == [{"bearer": []}, {"header": []}, {}]
    for path, operation in operations(document).items():
        if path in {"get /health", "get /ready"}:
            assert operation["security"] == [{}], path
        else:
            assert "security" not in operation, path
            assert {"401", "403", "429"} <= set(operation["responses"]), path


def test_the_module_prints_the_same_text_in_every_process() -> None:
    printed = [
        subprocess.run(
            [sys.executable, "-m", "booktape.service.openapi"],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert printed == [schema(), schema()]


def test_the_pages_types_are_made_from_this_schema() -> None:
    if not COMMITTED.is_file():
        pytest.skip("the page has no openapi.json; `make openapi` writes it")
    assert COMMITTED.read_text() == schema(), "run `make openapi`"


def test_the_documentation_loads_nothing_from_elsewhere(running: Running) -> None:
    with running.client() as client:
        page = client.get("/docs")
        assert page.status_code == 200
        loaded = re.findall(r"""<(?:script|link|img)[^>]*(?:src|href)=["']([^"']+)""", page.text)
        assert len(loaded) == 5
        for address in loaded:
            assert address.startswith(("/", "data:"))
            if address.startswith("/"):
                asset = client.get(address)
                assert asset.status_code == 200
                assert asset.content
        style = client.get("/docs-assets/swagger-ui.css").text
        assert not re.search(r"url\(\s*[\"']?https?:|@import", style)
        assert client.get("/docs/openapi.json").json()["info"]["title"] == "booktape"
        assert client.get("/docs-assets/nothing.js").status_code == 404
