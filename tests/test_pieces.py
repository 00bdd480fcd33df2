"""The bytes of files as they are made: they are those files, in bounded pieces, and their making can be stopped."""

import io
import json
from pathlib import Path

import databento
import pyarrow as pa
import pytest
import zstandard

import booktape as bt


@pytest.fixture(scope="module")
def long() -> bt.Tape:
    return bt.synthesize(messages=200_000, instruments=2, seed=5)


@pytest.mark.parametrize("schema", ["mbo", "mbp-10", "ohlcv-1s"])
@pytest.mark.parametrize("form", ["dbn", "csv", "parquet"])
def test_pieces_are_the_file(long: bt.Tape, tmp_path: Path, schema: bt.values.Schema, form: bt.values.Form) -> None:
    rows = long.derive(schema)
    path = tmp_path / "rows"
    {"dbn": rows.to_dbn, "csv": rows.to_csv, "parquet": rows.to_parquet}[form](path)
    pieces = list(rows.pieces(form))
    assert b"".join(pieces) == path.read_bytes()
    assert max(map(len, pieces)) < 8 << 20


def test_a_whole_tape_comes_as_it_was_read(long: bt.Tape, tmp_path: Path) -> None:
    long.to_dbn(tmp_path / "tape.dbn")
    whole = (tmp_path / "tape.dbn").read_bytes()
    assert b"".join(long.pieces("dbn")) == whole
    compressed = b"".join(long.pieces("dbn.zst"))
    assert zstandard.ZstdDecompressor().decompressobj().decompress(compressed) == whole
    assert len(databento.DBNStore.from_bytes(compressed).to_ndarray()) == len(long)


def test_a_real_tape_keeps_its_records_of_other_types(esm4: Path) -> None:
    tape = bt.open(esm4)
    plain = zstandard.ZstdDecompressor().stream_reader(esm4.read_bytes(), read_across_frames=True).read()
    assert b"".join(tape.pieces("dbn")) == plain


def test_arrow_is_a_stream_of_the_columns(long: bt.Tape) -> None:
    rows = long.derive("tbbo", prices="decimal")
    with pa.ipc.open_stream(b"".join(rows.pieces("arrow"))) as reader:
        assert reader.read_all().equals(pa.table(rows))


def test_json_says_what_the_arrays_say(long: bt.Tape) -> None:
    rows = long.derive("mbp-1", limit=1_000)
    told = json.loads(b"".join(rows.pieces("json")))
    assert len(told) == 1_000
    for name, field in {"ts_recv": "ts_recv", "order": "sequence", "price": "price", "flags": "flags"}.items():
        assert [int(row[field]) for row in told] == rows.to_numpy()[field].tolist(), name
    assert [int(row["levels"][0]["bid_px"]) for row in told] == rows.to_numpy()["bid_px_00"].tolist()
    assert {row["symbol"] for row in told} == set(long.symbols.values())


def test_no_rows_are_still_a_file(long: bt.Tape) -> None:
    none = long.derive("mbp-1", limit=0)
    assert json.loads(b"".join(none.pieces("json"))) == []
    assert b"".join(none.pieces("csv")).count(b"\n") == 1
    assert len(pa.parquet.read_table(io.BytesIO(b"".join(none.pieces("parquet"))))) == 0
    assert len(databento.DBNStore.from_bytes(b"".join(none.pieces("dbn"))).to_ndarray()) == 0


@pytest.mark.parametrize("form", ["dbn", "dbn.zst", "csv", "json", "parquet", "arrow"])
def test_whoever_watches_can_stop_it(long: bt.Tape, form: bt.values.Form) -> None:
    class EnoughError(Exception):
        pass

    def look(done: int, total: int) -> None:
        assert done <= total
        if done:
            raise EnoughError

    pieces = long.derive("mbp-10").pieces(form, progress=look)
    with pytest.raises(EnoughError):
        list(pieces)


def test_a_form_that_there_is_not_is_named(long: bt.Tape) -> None:
    with pytest.raises(bt.ParameterError, match=r"form = 'xls': one of dbn, dbn.zst, csv"):
        long.pieces("xls")  # type: ignore[arg-type]
