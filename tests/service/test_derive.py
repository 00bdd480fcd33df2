"""Rows of other schemas over HTTP are those of the library, typed as they come."""

import io
import json
from typing import Any, get_args

import databento
import msgspec
import polars as pl
import pyarrow as pa
import pytest

import booktape as bt
from booktape.service.derive.schemas import BarRow, EventRow, MboRow, SampleRow
from booktape.values import Schema
from tests.service.running import Running, serving

SCHEMAS = get_args(Schema)
KINDS: dict[str, type] = {"mbo": MboRow, "bbo-1s": SampleRow, "bbo-1m": SampleRow}


def derived(running: Running, tape: bt.Tape, schema: str, **parameters: Any) -> bytes:
    with running.client() as client:
        answer = client.get(f"/api/v1/tapes/{tape.id}/derive/{schema}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.mark.parametrize("schema", SCHEMAS)
def test_json_is_an_array_of_what_the_documentation_says(
    running: Running, two_instruments: bt.Tape, schema: Schema
) -> None:
    kind = KINDS.get(schema, BarRow if schema.startswith("ohlcv") else EventRow)
    body = derived(running, two_instruments, schema, limit=10_000)
    assert body == b"".join(two_instruments.derive(schema).pieces("json"))
    rows = msgspec.json.decode(body, type=list[kind])  # type: ignore[valid-type]
    assert len(rows) == len(two_instruments.derive(schema).to_numpy()) > 0
    assert all(hasattr(row, "levels") for row in rows if schema.startswith(("mbp", "bbo")))
    # A row is a line, for who would rather read lines.
    assert body.count(b"\n") == len(rows) + 1


def test_json_ends_after_a_thousand_rows_unless_told(running: Running, tape: bt.Tape) -> None:
    assert len(json.loads(derived(running, tape, "mbo"))) == 1_000
    assert len(json.loads(derived(running, tape, "mbo", limit=3))) == 3
    assert len(json.loads(derived(running, tape, "mbo", limit=2**53))) == 5_000
    assert derived(running, tape, "mbo", format="csv").count(b"\n") == 5_001
    assert derived(running, tape, "mbo", format="csv", limit=3).count(b"\n") == 4


@pytest.mark.parametrize("schema", ["mbp-1", "ohlcv-1m"])
def test_every_format_has_the_same_rows(running: Running, two_instruments: bt.Tape, schema: Schema) -> None:
    rows = two_instruments.derive(schema)
    dbn = databento.DBNStore.from_bytes(derived(running, two_instruments, schema, format="dbn"))
    assert dbn.to_ndarray()["instrument_id"].tolist() == rows.to_numpy()["instrument_id"].tolist()
    assert derived(running, two_instruments, schema, format="csv") == b"".join(rows.pieces("csv"))
    assert pl.read_parquet(derived(running, two_instruments, schema, format="parquet")).equals(pl.DataFrame(rows))
    with pa.ipc.open_stream(io.BytesIO(derived(running, two_instruments, schema, format="arrow"))) as reader:
        assert reader.read_all().equals(pa.table(rows))


def test_a_part_is_that_of_the_library(running: Running, two_instruments: bt.Tape) -> None:
    one = two_instruments.instruments[1]
    middle = int(two_instruments.to_numpy()["ts_recv"][2_500])
    asked: dict[str, Any] = {"instrument": one.symbol, "publisher": one.publisher, "format": "csv"}
    by_time = {"from": f"ns:{middle}", "to": "4000"}
    rows = two_instruments.derive(
        "mbp-10", start=bt.moment.Moment(ts=middle), end=4_000, instrument_id=one.instrument_id, publisher_id=1
    )
    assert derived(running, two_instruments, "mbp-10", **asked, **by_time) == b"".join(rows.pieces("csv"))


def test_bounds_may_lie_behind_the_last_record(running: Running, tape: bt.Tape) -> None:
    assert json.loads(derived(running, tape, "mbo", **{"from": 5_000})) == []
    assert len(json.loads(derived(running, tape, "mbo", **{"from": 4_990, "to": 5_000}))) == 10
    assert json.loads(derived(running, tape, "mbo", **{"from": 10, "to": 10})) == []


def test_files_have_names_and_json_is_to_be_looked_at(running: Running, tape: bt.Tape) -> None:
    path = f"/api/v1/tapes/{tape.id}/derive/mbp-1"
    expected = {
        "json": ("application/json", None),
        "csv": ("text/csv; charset=utf-8", f"{tape.id}.mbp-1.csv"),
        "dbn": ("application/zstd", f"{tape.id}.mbp-1.dbn.zst"),
        "parquet": ("application/vnd.apache.parquet", f"{tape.id}.mbp-1.parquet"),
        "arrow": ("application/vnd.apache.arrow.stream", f"{tape.id}.mbp-1.arrows"),
    }
    with running.client() as client:
        for form, (media, name) in expected.items():
            headers = client.get(path, params={"format": form, "limit": 1}).headers
            assert headers["content-type"] == media
            assert headers.get("content-disposition") == (name and f'attachment; filename="{name}"')


@pytest.mark.parametrize("schema", ["mbp-10", "bbo-1s", "ohlcv-1d"])
def test_a_tape_without_records_has_no_rows(schema: str) -> None:
    empty = bt.synthesize(messages=0)
    with serving(empty) as running:
        assert json.loads(derived(running, empty, schema)) == []
        assert derived(running, empty, schema, format="csv").count(b"\n") == 1
