"""The official client, unmodified, against the gateway over TLS: what it gets is what the tapes have."""

import json
import os
import socket
import ssl
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import get_args

import databento
import numpy as np
import pytest

import booktape as bt
from booktape.settings import Settings
from booktape.values import Schema
from tests.historical.gateway import KEY, PATIENCE, Gateway, gateway

DATASET = "GLBX.MDP3"
DAYS = {"CLX5": "2025-09-24", "ESM4": "2024-05-08"}
# The client leaves files open, and asks pandas for what it will not do for ever.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore:The inplace keyword"),
]


def rows(store: databento.DBNStore) -> bytes:
    """The records as they came."""
    return store.to_ndarray().tobytes()


def blocks(tape: bt.Tape, schema: Schema) -> bytes:
    return b"".join(tape.derive(schema)._rows.blocks())


@pytest.mark.parametrize("symbol", DAYS)
@pytest.mark.parametrize("schema", get_args(Schema))
def test_rows_are_those_of_the_file(schema: Schema, symbol: str, on_real: Gateway, real: dict[str, bt.Tape]) -> None:
    store = on_real.client().timeseries.get_range(DATASET, DAYS[symbol], symbols=symbol, schema=schema)
    assert rows(store) == blocks(real[symbol], schema)


@pytest.mark.parametrize("symbol", DAYS)
def test_metadata_is_as_upstream_writes_it(symbol: str, on_real: Gateway, real: dict[str, bt.Tape]) -> None:
    asked = on_real.client().timeseries.get_range(
        DATASET, f"{DAYS[symbol]}T00:00", f"{DAYS[symbol]}T23:00", symbols=f"{symbol},NONE", schema="mbo", limit=5
    )
    found = asked.metadata
    (instrument_id,) = real[symbol].symbols
    first = np.datetime64(DAYS[symbol]).astype("M8[D]").item()
    assert (found.version, found.dataset, found.schema, found.limit) == (3, DATASET, "mbo", 5)
    assert (str(found.stype_in), str(found.stype_out), found.ts_out) == ("raw_symbol", "instrument_id", False)
    assert (found.symbols, found.not_found, found.partial) == ([symbol, "NONE"], ["NONE"], [])
    (interval,) = found.mappings[symbol]
    assert (interval["start_date"], interval["symbol"]) == (first, str(instrument_id))
    assert (interval["end_date"] - first).days == 1
    assert len(asked.to_df()) == 5
    assert set(asked.to_df()["symbol"]) == {symbol}


@pytest.mark.parametrize(
    ("symbols", "stype_in"),
    [("ALL_SYMBOLS", "raw_symbol"), (None, "raw_symbol"), ("instrument_id", "instrument_id"), ("parent", "parent")],
)
def test_symbols_of_any_type(symbols: str | None, stype_in: str, on_made: Gateway, made: bt.Tape) -> None:
    ids = list(made.symbols)
    asked: str | list[int] | list[str] | None = symbols
    if symbols == "instrument_id":
        asked = ids[:2]
    elif symbols == "parent":
        asked = [f"{name[:-2]}.FUT" for name in made.symbols.values()]
    store = on_made.client().timeseries.get_range(
        DATASET,
        day_of(made),
        symbols=asked,
        stype_in=stype_in,
        schema="mbo",
    )
    records = made.to_numpy()
    wanted = records[np.isin(records["instrument_id"], ids[:2])] if symbols == "instrument_id" else records
    assert rows(store) == wanted.tobytes()
    if stype_in != "instrument_id":
        assert {name: int(parts[0]["symbol"]) for name, parts in store.metadata.mappings.items()} == {
            symbol: instrument_id for instrument_id, symbol in made.symbols.items()
        }


def day_of(tape: bt.Tape) -> str:
    return str(np.datetime64(tape.start_ns or 0, "ns").astype("M8[D]"))


def test_a_range_is_by_ts_recv_with_its_end_left_out(on_made: Gateway, made: bt.Tape) -> None:
    records = made.to_numpy()
    times = records["ts_recv"]
    start, end = int(times[10_000]), int(times[50_000])
    client = on_made.client()
    wanted = records[(times >= start) & (times < end)]
    store = client.timeseries.get_range(DATASET, start, end, schema="mbo")
    assert rows(store) == wanted.tobytes()
    for schema in ("mbp-1", "trades"):
        derived = made.derive(schema, start=bt.moment.Moment(ts=start), end=bt.moment.Moment(ts=end))
        assert rows(client.timeseries.get_range(DATASET, start, end, schema=schema)) == b"".join(derived._rows.blocks())


@pytest.mark.parametrize("schema", ["ohlcv-1s", "bbo-1s"])
def test_intervals_in_a_range_are_whole(schema: Schema, on_made: Gateway, made: bt.Tape) -> None:
    start, end = (made.start_ns or 0) + 700_000_000, (made.end_ns or 0) - 1_300_000_000
    whole = np.frombuffer(blocks(made, schema), np.uint8).reshape(-1, made.derive(schema)._rows.row_size)
    clock = 8 if schema.startswith("ohlcv") else 32
    times = np.ascontiguousarray(whole[:, clock : clock + 8]).view(np.uint64).reshape(-1)
    wanted = whole[(times >= start) & (times < end)]
    found = on_made.client().timeseries.get_range(DATASET, start, end, schema=schema)
    assert len(wanted)
    assert rows(found) == wanted.tobytes()


def test_counts_sizes_and_cost(on_made: Gateway, made: bt.Tape) -> None:
    metadata, day, one = on_made.client().metadata, day_of(made), next(iter(made.symbols.values()))
    for schema in get_args(Schema):
        size, row = len(blocks(made, schema)), made.derive(schema)._rows.row_size
        assert metadata.get_billable_size(DATASET, day, schema=schema) == size
        assert metadata.get_record_count(DATASET, day, schema=schema) == size // row
    of_one = sum(book.records for book in made.instruments if book.symbol == one)
    assert metadata.get_record_count(DATASET, day, symbols=one, schema="mbo") == of_one
    assert metadata.get_record_count(DATASET, day, symbols=one, schema="mbo", limit=7) == 7
    assert metadata.get_cost(DATASET, day, schema="mbo") == 0.0


def test_what_there_is(on_real: Gateway) -> None:
    metadata = on_real.client().metadata
    assert metadata.list_datasets() == [DATASET]
    assert metadata.list_datasets(start_date="2025-09-25") == []
    assert metadata.list_datasets(end_date="2024-05-08") == []
    assert metadata.list_schemas(DATASET) == sorted(get_args(Schema))
    found = metadata.get_dataset_range(DATASET)
    assert (found["start"], found["end"]) == ("2024-05-08T00:00:00.000000000Z", "2025-09-25T00:00:00.000000000Z")
    conditions = metadata.get_dataset_condition(DATASET, "2025-09-23", "2025-09-24")
    assert [(each["date"], each["condition"]) for each in conditions] == [
        ("2025-09-23", "missing"),
        ("2025-09-24", "available"),
    ]
    assert {"publisher_id": 1, "dataset": DATASET, "venue": "GLBX", "description": "CME Globex MDP 3.0"} in (
        metadata.list_publishers()
    )
    assert metadata.list_fields("mbo", "dbn")[-1] == {"name": "sequence", "type": "uint32_t"}
    assert {"name": "price", "type": "decimal"} in metadata.list_fields("mbo", "csv")
    assert metadata.list_unit_prices(DATASET)[0]["unit_prices"]["mbo"] == 0.0


def test_symbols_resolve(on_real: Gateway, real: dict[str, bt.Tape]) -> None:
    symbology = on_real.client().symbology
    (instrument_id,) = real["CLX5"].symbols
    found = symbology.resolve(DATASET, ["CLX5", "NONE"], "raw_symbol", "instrument_id", "2025-09-24", "2025-09-26")
    assert found["result"] == {"CLX5": [{"d0": "2025-09-24", "d1": "2025-09-25", "s": str(instrument_id)}]}
    assert (found["partial"], found["not_found"]) == (["CLX5"], ["NONE"])
    back = symbology.resolve(DATASET, [instrument_id], "instrument_id", "raw_symbol", "2025-09-24")
    assert back["result"] == {str(instrument_id): [{"d0": "2025-09-24", "d1": "2025-09-25", "s": "CLX5"}]}
    assert (back["partial"], back["not_found"], back["status"]) == ([], [], 0)


@pytest.mark.parametrize(
    ("asked", "status", "case"),
    [
        ({"dataset": "XNAS.ITCH"}, 422, "dataset_not_found"),
        ({"schema": "cbbo-1s"}, 422, "data_schema_not_available"),
        ({"symbols": "NONE"}, 422, "symbology_invalid_request"),
        ({"symbols": "CL.c.0", "stype_in": "continuous"}, 422, "symbology_invalid_request"),
        ({"stype_out": "raw_symbol"}, 422, "symbology_invalid_request"),
        ({"start": "2023-01-01"}, 422, "data_start_before_available_start"),
        ({"start": "2025-09-25"}, 422, "data_start_after_available_end"),
        ({"end": "2025-09-26"}, 422, "data_end_after_available_end"),
        ({"end": "2025-09-24"}, 422, "data_time_range_start_on_or_after_end"),
        ({"start": "yesterday"}, 400, "request_invalid_parameter"),
        ({"start": "9" * 30}, 400, "request_invalid_parameter"),
        ({"limit": -1}, 400, "request_invalid_parameter"),
        ({"symbols": [f"S{number}" for number in range(2_001)]}, 400, "request_invalid_parameter"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_the_words_of_upstream(
    asked: dict[str, object], status: int, case: str, on_real: Gateway
) -> None:
    well: dict[str, object] = {"dataset": DATASET, "start": "2025-09-24", "schema": "mbo"}
    with pytest.raises(databento.BentoClientError) as refused:
        on_real.client().timeseries.get_range(**(well | asked))  # type: ignore[arg-type]
    assert refused.value.http_status == status
    assert refused.value.json_body
    assert refused.value.json_body["detail"]["case"] == case
    assert str(refused.value).startswith(f"{status} {case}\n")


def test_other_requests_are_refused_too(on_real: Gateway) -> None:
    with on_real.http() as client:
        well = {"dataset": DATASET, "start": "2025-09-24", "schema": "mbo"}
        for status, answer in (
            (400, client.post("/v0/timeseries.get_range", data=well | {"encoding": "csv"})),
            (400, client.post("/v0/timeseries.get_range", data=well | {"compression": "gzip"})),
            (400, client.post("/v0/timeseries.get_range", data={"schema": "mbo"})),
            (400, client.post("/v0/timeseries.get_range", content=b"\xff\x00", headers={"content-type": "text/plain"})),
            (413, client.post("/v0/timeseries.get_range", data={"dataset": "x" * 2**21})),
            (404, client.get("/v0/batch.list_jobs")),
            (405, client.put("/v0/timeseries.get_range")),
            (421, client.get("/v0/metadata.list_datasets", headers={"host": "rebound.example"})),
            (422, client.get("/v0/metadata.list_fields", params={"schema": "none", "encoding": "dbn"})),
        ):
            assert answer.status_code == status, answer.text
            assert "detail" in answer.json()


def test_plain_http_as_the_rust_and_cpp_clients_speak_it(on_real: Gateway, real: dict[str, bt.Tape]) -> None:
    """A form with nanoseconds; and what others ask of `metadata`, in the query."""
    begin, end = (int(np.datetime64(day, "ns").astype(int)) for day in ("2025-09-24", "2025-09-25"))
    asked: dict[str, str | int] = {
        "dataset": DATASET,
        "schema": "mbo",
        "stype_in": "raw_symbol",
        "symbols": "CLX5",
        "start": begin,
        "end": end,
    }
    with on_real.http() as client:
        headers = {"accept": "application/octet-stream"}
        form = {**asked, "encoding": "dbn", "compression": "none", "stype_out": "instrument_id"}
        answer = client.post("/v0/timeseries.get_range", data=form, headers=headers)
        assert answer.content.endswith(real["CLX5"].to_numpy().tobytes())
        assert databento.DBNStore.from_bytes(answer.content).metadata.start == begin
        count = client.get("/v0/metadata.get_record_count", params=asked)
        assert (count.headers["content-type"], json.loads(count.content)) == ("application/json", len(real["CLX5"]))
        assert client.get("/v0/metadata.get_cost", params=asked).json() == 0.0


def test_some_symbols_unknown_is_partial_content(on_real: Gateway) -> None:
    with on_real.http() as client:
        form = {"dataset": DATASET, "start": "2025-09-24", "schema": "mbo", "limit": "1"}
        assert client.post("/v0/timeseries.get_range", data=form | {"symbols": "CLX5"}).status_code == 200
        assert client.post("/v0/timeseries.get_range", data=form | {"symbols": "CLX5,NONE"}).status_code == 206


def test_the_asynchronous_client(on_real: Gateway, real: dict[str, bt.Tape]) -> None:
    """It reads whom to trust when it is imported, so it runs in a process of its own."""
    program = (
        "import asyncio, sys, databento\n"
        f"client = databento.Historical({KEY!r}, gateway={on_real.url!r})\n"
        f"asked = client.timeseries.get_range_async({DATASET!r}, '2025-09-24', symbols='CLX5', schema='mbo')\n"
        "sys.stdout.buffer.write(asyncio.run(asked).to_ndarray().tobytes())\n"
    )
    environment = os.environ | {"SSL_CERT_FILE": str(on_real.authority)}
    ran = subprocess.run(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, check=True, timeout=PATIENCE
    )
    assert ran.stdout == real["CLX5"].to_numpy().tobytes()


def test_a_client_that_keeps_its_side_open_is_cut_off_at_the_end(made: bt.Tape, tmp_path: Path) -> None:
    with gateway(made, settings=Settings(data_dir=tmp_path)) as running:
        trusted = ssl.create_default_context(cafile=str(running.authority))
        plain = socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE)
        client = trusted.wrap_socket(plain, server_hostname="127.0.0.1")
        asked = "GET /v0/metadata.list_datasets HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        client.sendall(asked.encode())
        while client.recv(65_536):
            pass
    with client, suppress(ConnectionResetError):
        assert socket.socket.recv(client, 1) == b""
