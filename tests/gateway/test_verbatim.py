"""A file as it is: metadata, records of all types, in whatever version of DBN."""

from pathlib import Path

import pytest
import zstandard

import booktape as bt
from booktape.gateway import GatewayOptions
from booktape.moment import Moment
from tests.gateway.running import Raw, gateway
from tests.service.running import VirtualClock
from tests.session.mixed import mixed

VERBATIM = GatewayOptions(speed=None, verbatim=True)


def session(tape: bt.Tape, options: GatewayOptions, request: str = "") -> bytes:
    """What a session brings."""
    with gateway(tape, options=options, clock=VirtualClock()) as running, Raw(running.port) as client:
        assert client.authenticate(tape.dataset).startswith("success=1")
        client.send(f"{request}start_session\n")
        return client.rest()


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("in_memory", [True, False], ids=["memory", "by position"])
@pytest.mark.parametrize("speed", [None, 1_000.0])
def test_records_of_all_types_come_as_they_are(
    tmp_path: Path, version: int, in_memory: bool, speed: float | None
) -> None:
    data, _ = mixed(version)
    (path := tmp_path / "mixed.dbn").write_bytes(data)
    tape = bt.open(path, max_in_memory=2**30 if in_memory else 0, data_dir=tmp_path)
    options = GatewayOptions(speed=speed, verbatim=True)
    assert session(tape, options) == data
    some = f"schema=trades|stype_in=instrument_id|symbols={tape.instruments[0].instrument_id}\n"
    assert session(tape, options, some) == data
    elsewhere = "schema=cmbp-1|stype_in=raw_symbol|symbols=NONE\n"
    assert session(tape, options, elsewhere) == data


@pytest.mark.parametrize("file", ["clx5", "esm4"])
def test_real_files_come_as_they_are(file: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(file)
    data = path.read_bytes()
    if path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
    assert session(bt.open(path), VERBATIM) == data


def test_it_begins_where_it_is_told_to(four_instruments: bt.Tape) -> None:
    data = b"".join(four_instruments.pieces("dbn"))
    options = GatewayOptions(speed=None, verbatim=True, start=Moment(index=19_000))
    head = data.removesuffix(four_instruments.to_numpy().tobytes())
    assert session(four_instruments, options) == head + four_instruments.to_numpy()[19_000:].tobytes()
