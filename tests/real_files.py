"""Real market data, where it is: BOOKTAPE_TEST_DATA, else ../shared/data beside the checkout."""

import os
from pathlib import Path

import pytest

CLX5 = "clx5-glbx-20250924.mbo.dbn"
ESM4 = "esm4-glbx-20240508-snapshot.mbo.dbn.zst"

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def real_file(name: str) -> Path:
    """The path of a real file, or a skip that says what to set."""
    path = Path(os.environ.get("BOOKTAPE_TEST_DATA") or _BESIDE) / name
    if not path.is_file():
        pytest.skip(f"no {name}: set BOOKTAPE_TEST_DATA to the folder that has it")
    return path
