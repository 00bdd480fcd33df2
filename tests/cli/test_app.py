import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import booktape as bt
from booktape.cli.exits import MEANING, Exit
from tests.cli.conftest import Run

COMMANDS = ("demo", "serve", "inspect", "book", "replay", "derive", "export", "audit", "synth", "doctor")


def booktape(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own."""
    command = [sys.executable, "-m", "booktape", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **options)  # type: ignore[call-overload, no-any-return]


def test_help_lists_every_command_and_exit_code(run: Run) -> None:
    outcome = run("--help")
    assert outcome.code == Exit.OK
    for command in COMMANDS:
        assert command in outcome.out
    words = " ".join(outcome.out.split())
    for code, meaning in MEANING.items():
        assert f"{code} {meaning}".split(":")[0] in words
    assert "_BOOKTAPE_COMPLETE" in outcome.out


def test_no_command_shows_the_help(run: Run) -> None:
    assert "Commands" in run().out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run: Run, command: str) -> None:
    outcome = run(command, "--help")
    assert outcome.code == Exit.OK
    assert f"booktape {command}" in outcome.out
    assert outcome.err == ""


def test_the_version_is_the_packages(run: Run) -> None:
    assert run("--version").out.strip().endswith(bt.__version__)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("inspct",), "No such command 'inspct'"),
        (("inspect",), "Missing argument"),
        (("inspect", "--jsn", "x"), "No such option '--jsn'"),
        (("book", "x", "--depth", "-1"), "Invalid value for '--depth'"),
        (("replay", "x", "--speed", "0"), "'0' is not a factor of real time"),
        (("inspect", "x", "--max-decompressed", "lots"), "bytes, such as 8GiB"),
        (("synth", "x", "--anomaly", "gremlins=1"), "unknown_cancel"),
        (("serve", "--port", "70000"), "Invalid value for '--port'"),
    ],
)
def test_wrong_usage_is_one_line_that_points_to_help(run: Run, arguments: tuple[str, ...], said: str) -> None:
    outcome = run(*arguments)
    assert outcome.code == Exit.USAGE
    assert said in outcome.err
    assert "--help" in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_it_starts_without_what_it_does_not_need() -> None:
    heavy = "numpy", "litestar", "databento", "pydantic", "pandas"
    code = f"import booktape.cli, sys; print([name for name in {heavy!r} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_entry_point_is_the_same_command() -> None:
    finished = booktape("inspect", "no-such-file.dbn")
    assert finished.returncode == Exit.BAD_INPUT
    assert finished.stderr.startswith("booktape: ")
    assert "no-such-file.dbn" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert finished.stdout == ""


def test_ctrl_c_ends_quietly(tape_file: Path) -> None:
    command = [sys.executable, "-m", "booktape", "replay", str(tape_file), "--speed", "0.01", "--json"]
    playing = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert playing.stdout is not None
    playing.stdout.readline()
    playing.send_signal(signal.SIGINT)
    _, err = playing.communicate(timeout=60)
    assert playing.returncode == Exit.INTERRUPTED
    assert err.strip() == "booktape: stopped"


def test_ctrl_c_ends_what_waits_for_a_pipe(tape_file: Path) -> None:
    """A read of a pipe lasts as long as its writer likes."""
    command = [sys.executable, "-m", "booktape", "inspect", "/dev/stdin"]
    waiting = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert waiting.stdin is not None
    # More than a pipe holds: when it is written, most of it was read.
    waiting.stdin.write(tape_file.read_bytes()[:-56])
    waiting.stdin.flush()
    waiting.send_signal(signal.SIGINT)
    assert waiting.wait(timeout=60) == Exit.INTERRUPTED
    assert waiting.stderr is not None
    assert waiting.stderr.read().strip() == b"booktape: stopped"
    for pipe in (waiting.stdin, waiting.stdout, waiting.stderr):
        assert pipe is not None
        pipe.close()


@pytest.mark.parametrize(
    ("closed", "file", "code"),
    [(">&-", None, Exit.OK), ("2>&-", "gone.dbn", Exit.BAD_INPUT), ("2>/dev/full", "gone.dbn", Exit.BAD_INPUT)],
)
def test_nobody_has_to_look(tape_file: Path, closed: str, file: str | None, code: Exit) -> None:
    command = [sys.executable, "-m", "booktape", "inspect", file or tape_file]
    said = subprocess.run(
        ["sh", "-c", f'"$@" {closed}', "sh", *command], capture_output=True, text=True, check=False, timeout=60
    )
    assert (said.returncode, said.stdout, said.stderr) == (code, "", "")


def test_a_reader_that_has_enough_is_no_error(tape_file: Path) -> None:
    command = [sys.executable, "-m", "booktape", "replay", str(tape_file), "--speed", "max", "--json"]
    writing = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert writing.stdout is not None
    assert writing.stderr is not None
    writing.stdout.readline()
    writing.stdout.close()
    assert writing.stderr.read() == ""
    writing.stderr.close()
    assert writing.wait(timeout=60) == Exit.OK


def test_a_bug_is_one_line_too_unless_debugging(run: Run, monkeypatch: pytest.MonkeyPatch, tape_file: Path) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(bt, "open", broken)
    outcome = run("inspect", tape_file)
    assert outcome.code == Exit.INTERNAL
    assert outcome.err.splitlines() == [
        "booktape: internal error, please report it: RuntimeError: two lines (for the traceback: BOOKTAPE_DEBUG=1)"
    ]
    monkeypatch.setenv("BOOKTAPE_DEBUG", "1")
    with pytest.raises(RuntimeError):
        run("inspect", tape_file)


def test_completion_offers_the_commands() -> None:
    environment = {**os.environ, "_BOOKTAPE_COMPLETE": "bash_complete", "COMP_WORDS": "booktape in", "COMP_CWORD": "1"}
    assert booktape(env=environment).stdout == "plain,inspect\n"
