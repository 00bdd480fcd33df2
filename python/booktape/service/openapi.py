"""Prints the OpenAPI schema: ``python -m booktape.service.openapi > frontend/openapi.json``."""

import json
import sys

from booktape.service.app import Service
from booktape.service.deck import Deck


def schema() -> str:
    """The schema as JSON, the same text every time."""
    return json.dumps(Service(Deck()).litestar().openapi_schema.to_schema(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema())
