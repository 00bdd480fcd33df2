"""Derived rows of real CME sessions."""

from pathlib import Path

import pytest

import booktape as bt
from tests.conformance.derived.oracle import derive
from tests.conformance.derived.rows import SCHEMAS, derived
from tests.conformance.records import F_SNAPSHOT, read_dbn


@pytest.mark.parametrize("schema", ["trades", "mbp-1", "mbp-10", "bbo-1s", "ohlcv-1s", "ohlcv-1m"])
def test_rows_of_clx5(clx5: Path, schema: str) -> None:
    assert derived(bt.open(clx5), schema) == derive(list(read_dbn(clx5)), schema)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_rows_of_esm4(esm4: Path, schema: str) -> None:
    rows = derived(bt.open(esm4), schema)
    assert rows == derive(list(read_dbn(esm4)), schema)
    if schema.startswith("mbp"):
        assert [bool(row["flags"] & F_SNAPSHOT) for row in rows[:2]] == [True, False]
