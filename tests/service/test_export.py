"""A tape as a file: all of it is there, it is what other programs read, and it says so itself."""

import io
import json
import subprocess
import zipfile
from hashlib import sha256
from pathlib import Path
from shutil import which

import databento
import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
import zstandard

import booktape as bt
from tests.service.running import Running, serving

MEMBERS = [
    "README.txt",
    "tape.dbn.zst",
    "records.csv",
    "instruments.json",
    "books.json",
    "audit.json",
    "manifest.json",
]


def exported(running: Running, tape: bt.Tape, **parameters: object) -> bytes:
    with running.client() as client:
        answer = client.get(f"/api/v1/tapes/{tape.id}/export", params=parameters)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.fixture(scope="module")
def archive(running: Running, two_instruments: bt.Tape) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(exported(running, two_instruments)))


def test_an_archive_is_sound(archive: zipfile.ZipFile, running: Running, tape: bt.Tape, tmp_path: Path) -> None:
    assert archive.testzip() is None
    assert archive.namelist() == MEMBERS
    if which("unzip"):
        (tmp_path / "tape.zip").write_bytes(exported(running, tape, parquet=True))
        tested = subprocess.run(["unzip", "-t", tmp_path / "tape.zip"], capture_output=True, text=True, check=True)
        assert "No errors detected" in tested.stdout


def test_the_manifest_has_the_size_and_checksum_of_every_other_file(archive: zipfile.ZipFile) -> None:
    files = json.loads(archive.read("manifest.json"))["files"]
    assert [file["name"] for file in files] == MEMBERS[:-1]
    for file in files:
        content = archive.read(file["name"])
        assert (len(content), sha256(content).hexdigest()) == (file["bytes"], file["sha256"]), file["name"]


def test_the_dbn_is_read_by_databento(archive: zipfile.ZipFile, two_instruments: bt.Tape) -> None:
    store = databento.DBNStore.from_bytes(archive.read("tape.dbn.zst"))
    records, expected = store.to_ndarray(), two_instruments.to_numpy()
    for field in ("ts_event", "ts_recv", "order_id", "price", "size", "action", "side", "flags", "sequence"):
        assert np.array_equal(records[field], expected[field]), field
    assert bt.open(archive.read("tape.dbn.zst")).instruments == two_instruments.instruments


def test_the_csv_is_that_of_the_tape(archive: zipfile.ZipFile, two_instruments: bt.Tape, tmp_path: Path) -> None:
    two_instruments.to_csv(tmp_path / "records.csv")
    assert archive.read("records.csv") == (tmp_path / "records.csv").read_bytes()
    databento.DBNStore.from_bytes(archive.read("tape.dbn.zst")).to_csv(tmp_path / "theirs.csv")
    assert archive.read("records.csv") == (tmp_path / "theirs.csv").read_bytes()


def test_books_and_audit_are_those_of_the_routes(
    archive: zipfile.ZipFile, running: Running, two_instruments: bt.Tape
) -> None:
    path = f"/api/v1/tapes/{two_instruments.id}"
    books = json.loads(archive.read("books.json"))
    assert len(books) == 2
    for book in books:
        asked = {"instrument": book["instrument_id"], "depth": 1_000, "view": "published", "orders": True}
        assert book == running.get(f"{path}/book", **asked)
    assert json.loads(archive.read("audit.json")) == running.get(f"{path}/audit")
    assert json.loads(archive.read("instruments.json")) == running.get(f"{path}/instruments")


def test_the_readme_says_in_two_lines_how_to_open_it(archive: zipfile.ZipFile) -> None:
    lines = archive.read("README.txt").decode().splitlines()
    assert len(lines) == 2
    assert 'booktape.open("tape.dbn.zst")' in lines[0]
    assert "manifest.json" in lines[1]


def test_the_same_tape_gives_the_same_bytes(running: Running, tape: bt.Tape) -> None:
    first = exported(running, tape, parquet=True)
    assert exported(running, tape, parquet=True) == first
    with serving(tape) as another:
        assert exported(another, tape, parquet=True) == first


def test_the_first_tape_has_a_route_of_its_own(running: Running, tape: bt.Tape) -> None:
    with running.client() as client:
        answer = client.get("/api/market/export")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == f'attachment; filename="{tape.id}.zip"'
    assert answer.content == exported(running, tape)


def test_parquet_is_in_the_archive_where_asked(running: Running, tape: bt.Tape) -> None:
    archive = zipfile.ZipFile(io.BytesIO(exported(running, tape, parquet=True)))
    assert archive.namelist() == [*MEMBERS[:3], "records.parquet", *MEMBERS[3:]]
    assert archive.read("records.parquet") == exported(running, tape, format="parquet")


@pytest.mark.parametrize(
    ("form", "media", "ending"),
    [
        ("dbn", "application/zstd", "dbn.zst"),
        ("csv", "text/csv; charset=utf-8", "csv"),
        ("parquet", "application/vnd.apache.parquet", "parquet"),
    ],
)
def test_a_file_alone_has_its_type_and_name(
    running: Running, two_instruments: bt.Tape, form: str, media: str, ending: str
) -> None:
    with running.client() as client:
        answer = client.get(f"/api/v1/tapes/{two_instruments.id}/export?format={form}")
    assert answer.headers["content-type"] == media
    assert answer.headers["content-disposition"] == f'attachment; filename="{two_instruments.id}.{ending}"'
    assert answer.headers["cache-control"] == "no-cache"


def test_files_alone_are_what_others_read(running: Running, two_instruments: bt.Tape, tmp_path: Path) -> None:
    two_instruments.to_dbn(tmp_path / "tape.dbn")
    dbn = exported(running, two_instruments, format="dbn")
    assert zstandard.ZstdDecompressor().decompressobj().decompress(dbn) == (tmp_path / "tape.dbn").read_bytes()
    parquet = exported(running, two_instruments, format="parquet")
    assert pq.read_table(io.BytesIO(parquet)).equals(pq.read_table(_parquet(two_instruments, tmp_path)))
    assert pl.read_parquet(parquet).equals(pl.DataFrame(two_instruments))
    csv = pl.read_csv(exported(running, two_instruments, format="csv"))
    assert csv["order_id"].to_list() == two_instruments.to_numpy()["order_id"].tolist()


def _parquet(tape: bt.Tape, folder: Path) -> Path:
    tape.to_parquet(folder / "tape.parquet")
    return folder / "tape.parquet"


def test_a_tape_without_records_is_exported_too() -> None:
    empty = bt.synthesize(messages=0)
    with serving(empty) as running:
        archive = zipfile.ZipFile(io.BytesIO(exported(running, empty, parquet=True)))
        assert archive.testzip() is None
        assert json.loads(archive.read("books.json")) == []
        assert len(bt.open(archive.read("tape.dbn.zst"))) == 0
        assert json.loads(archive.read("manifest.json"))["tape"]["records"] == 0


def test_real_files_come_out_as_they_went_in(clx5: Path, esm4: Path) -> None:
    plain = zstandard.ZstdDecompressor().stream_reader(esm4.read_bytes(), read_across_frames=True).read()
    tapes = {bt.open(clx5): clx5.read_bytes(), bt.open(esm4): plain}
    with serving(*tapes) as running:
        for tape, whole in tapes.items():
            archive = zipfile.ZipFile(io.BytesIO(exported(running, tape)))
            dbn = archive.read("tape.dbn.zst")
            assert zstandard.ZstdDecompressor().decompressobj().decompress(dbn) == whole
            assert json.loads(archive.read("audit.json")) == tape.audit()
