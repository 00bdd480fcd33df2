"""Prints the OpenAPI schema: ``python -m booktape.service.openapi > frontend/openapi.json``."""

import json
import sys

from booktape.service.app import Service


def schema() -> str:
    """The schema as JSON, the same text every time."""
    return json.dumps(Service().litestar().openapi_schema.to_schema(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema())
