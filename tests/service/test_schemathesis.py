"""Whatever the OpenAPI schema allows, and much that it does not: no error inside, and only answers that it declares."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import positive_data_acceptance
from schemathesis.core.result import Ok

import booktape as bt
from booktape.service.fetches.schemas import CANCELLED
from booktape.service.openapi import schema
from tests.service.running import Running, serving

ENDLESS = re.compile(r"/stream|/depth$|^/metrics$")


def operations() -> list[Any]:
    """Those that end, and what takes something away last."""
    found = schemathesis.openapi.from_dict(json.loads(schema())).get_all_operations()
    known = [result.ok() for result in found if isinstance(result, Ok)]
    return sorted(filter(lambda operation: not ENDLESS.search(operation.path), known), key=_is_removal)


def _is_removal(operation: Any) -> bool:
    return str(operation.method).upper() == "DELETE"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with little to tell, so that much can be asked."""
    tape = bt.synthesize(messages=500, seed=4)
    with bt.Store(tmp_path_factory.mktemp("store")) as store, serving(tape, store=store) as running:
        yield running


@pytest.fixture(scope="module")
def known(small: Running) -> dict[str, str]:
    """What there is to be asked about."""
    (tape,) = small.service.deck
    with small.client() as client:
        replay = client.post("/api/v1/replays", json={}).json()["id"]
    order_id = next(record["order_id"] for record in tape.tape.records() if record["action"] == "A")
    small.service.fetches._known[CANCELLED.id] = CANCELLED
    return {"tape": tape.id, "replay": replay, "order_id": order_id, "fetch": CANCELLED.id}


def requests(operation: Any, mode: GenerationMode, known: dict[str, str]) -> Any:
    """Requests of an operation; those that are as the schema says ask about what there is."""
    if mode is GenerationMode.NEGATIVE:
        return operation.as_strategy(mode)
    there = {name: value for name, value in known.items() if f"{{{name}}}" in operation.path}
    return operation.as_strategy(mode, path_parameters=there) if there else operation.as_strategy(mode)


def can_be_wrong(operation: Any) -> bool:
    """Whether the schema leaves anything out: any text may be an id."""
    return bool(list(operation.query) or list(operation.body))


CASES = [
    pytest.param(operation, mode, id=f"{operation.label}, {mode.value}")
    for operation in operations()
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or can_be_wrong(operation)
]


@pytest.mark.parametrize(("operation", "mode"), CASES)
def test_no_request_breaks_the_service(
    small: Running, known: dict[str, str], operation: Any, mode: GenerationMode
) -> None:
    answers = set()

    @settings(max_examples=30, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=requests(operation, mode, known))
    def ask(case: Any) -> None:
        # What a moment or an instrument may be is more than a JSON schema can say.
        answer = case.call_and_validate(base_url=small.url, excluded_checks=[positive_data_acceptance])
        answers.add(answer.status_code)

    ask()
    assert mode is GenerationMode.NEGATIVE or answers & {200, 201, 204}, "all was refused"
