"""Examples in the OpenAPI schema: real requests and answers, of a synthetic tape that anybody can make.

They are in `examples.json` beside this file, which `make openapi` writes by asking a service.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from litestar.openapi.spec import Example, OpenAPI, OpenAPIMediaType, OpenAPIResponse, Operation, RequestBody

FILE = Path(__file__).with_name("examples.json")


def exemplify(schema: OpenAPI) -> None:
    """Gives operations the examples that there are of them."""
    known: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
    for operation in _operations(schema):
        example = known.get(operation.operation_id or "")
        if example is None:
            continue
        if isinstance(operation.request_body, RequestBody):
            for content in operation.request_body.content.values():
                _show(content, example["request"])
        for status, response in (operation.responses or {}).items():
            if isinstance(response, OpenAPIResponse) and status.startswith("2"):
                for media_type, content in (response.content or {}).items():
                    if media_type in example["answers"] and not content.examples:
                        _show(content, example["answers"][media_type])


def _operations(schema: OpenAPI) -> Iterator[Operation]:
    for item in (schema.paths or {}).values():
        for operation in (item.get, item.post, item.put, item.patch, item.delete):
            if operation is not None:
                yield operation


def _show(content: OpenAPIMediaType, value: object) -> None:
    content.examples = {"an_example": Example(id="an_example", summary="An example", value=value)}
