"""`gateway`, and `serve` with a gateway, as processes: ready, answering, stopped."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import databento
import pytest

import booktape as bt
from booktape.cli.exits import Exit
from tests.gateway.running import KEY, Received, mbo, received

COMMAND = [sys.executable, "-m", "booktape"]


@contextmanager
def running(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running command and its first line."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr and process.stderr.read()
        yield process, line
    finally:
        process.kill()
        process.communicate()


def live(port: str | int) -> databento.Live:
    return databento.Live(key=KEY, gateway="127.0.0.1", port=int(port))


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, Exit.OK), (signal.SIGINT, Exit.INTERRUPTED)])
def test_a_client_gets_the_file_and_a_signal_stops_it(
    tape: bt.Tape, tape_file: Path, sent: signal.Signals, code: Exit
) -> None:
    with running("gateway", tape_file, "--port", 0, "--speed", "max") as (process, line):
        found = re.fullmatch(r"GLBX\.MDP3 with 1 symbol at 127\.0\.0\.1:(\d+)  \(Ctrl-C stops\)\n", line)
        assert found, line
        assert process.stdout is not None
        to_copy = process.stdout.readline()
        client = eval(to_copy)
        assert received(client, mbo(tape)).bytes == tape.to_numpy().tobytes()
        process.send_signal(sent)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert KEY[-5:] not in errors
    assert "Traceback" not in errors


def test_a_signal_ends_sessions_that_are_open(tape: bt.Tape, tape_file: Path) -> None:
    with running("gateway", tape_file, "--port", 0, "--speed", "max", "--stay") as (process, line):
        got = Received()
        client = live(line.split(":")[1].split()[0])

        def take(record: object) -> None:
            got.records.append(record)
            if len(got.data) == len(tape):
                process.send_signal(signal.SIGTERM)

        client.add_callback(take)
        client.subscribe(**mbo(tape))
        client.start()
        with pytest.raises(databento.BentoError, match="the gateway is stopping"):
            client.block_for_close(60)
        process.communicate(timeout=60)
    assert got.bytes == tape.to_numpy().tobytes()
    assert process.returncode == Exit.OK


def test_all_who_share_a_playback_begin_where_it_is(tape: bt.Tape, tape_file: Path) -> None:
    arguments = ("--port", 0, "--speed", "max", "--shared", "--from", 4_000)
    with running("gateway", tape_file, *arguments) as (_, line):
        got = Received()
        client = live(line.split(":")[1].split()[0])
        client.add_callback(got.records.append)
        client.subscribe(**mbo(tape, start=0))
        client.add_callback(lambda _: client.terminate() if len(got.data) == len(tape) else None)
        client.start()
        client.block_for_close(60)
    assert got.bytes == tape.to_numpy().tobytes()
    assert "Finished mbo replay" in got.said


def test_serve_has_a_gateway_as_well(tape: bt.Tape, tape_file: Path) -> None:
    with running("serve", tape_file, "--port", 0, "--gateway-port", 0) as (_, line):
        found = re.search(r"live gateway 127\.0\.0\.1:(\d+)", line)
        assert found, line
        got = Received()
        client = live(found[1])
        client.add_callback(got.records.append)
        client.add_callback(lambda _: client.terminate() if len(got.data) >= 100 else None)
        client.subscribe(**mbo(tape))
        client.start()
        client.block_for_close(60)
        assert got.bytes[: 100 * 56] in tape.to_numpy().tobytes()


def refused(*arguments: object) -> tuple[int, str]:
    command = [*COMMAND, "gateway", *map(str, arguments)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert finished.stdout == ""
    assert len(finished.stderr.splitlines()) == 1, finished.stderr
    return finished.returncode, finished.stderr


def test_a_port_in_use_is_an_exit_code_and_a_line(tape_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = refused(tape_file, "--port", taken.getsockname()[1])
    assert code == Exit.PORT_IN_USE
    assert "--port 0" in said


def test_what_cannot_be_is_refused_before_anything_listens(tape_file: Path, tmp_path: Path) -> None:
    (bad := tmp_path / "bad.dbn").write_bytes(b"not market data")
    assert refused(bad, "--port", 0)[0] == Exit.BAD_INPUT
    assert refused(tape_file, "--port", 0, "--from", "2031-01-01")[0] == Exit.NOT_FOUND
    code, said = refused(tape_file, "--port", 0, "--host", "0.0.0.0")
    assert code == Exit.USAGE
    assert "BOOKTAPE_GATEWAY_KEYS" in said


def test_a_wrong_key_in_the_settings_is_not_shown(tape_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKTAPE_GATEWAY_KEYS", "only-a-part-of-it")
    code, said = refused(tape_file, "--port", 0)
    assert code == Exit.USAGE
    assert "BOOKTAPE_GATEWAY_KEYS" in said
    assert "only-a-part" not in said
