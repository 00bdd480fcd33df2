"""The examples of the documents, executed in the order in which they are read.

`pycon` blocks run as doctests. Of `console` blocks, `$ booktape …` runs and has to succeed, with the output shown if
any is shown; `$ booktape serve` stays up for the `$ curl …` that follow. `make` and shell words are for the reader.
"""

import doctest
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = re.compile(r"^```(pycon|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DOCUMENTS = {
    path.relative_to(ROOT).as_posix(): text
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md"))
    if EXAMPLE.search(text := path.read_text())
}
BOOKTAPE = str(Path(sys.executable).with_name("booktape"))
PORT = "http://127.0.0.1:8000"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FOR_THE_READER = {"make", "source", "cd", "git", "cargo", ".venv/bin/python"}


@dataclass
class Document:
    """One document's state while its examples run."""

    folder: Path
    names: dict[str, object] = field(default_factory=dict)
    running: ExitStack = field(default_factory=ExitStack)
    url: str = PORT

    def run_pycon(self, text: str, name: str, line: int) -> None:
        example = doctest.DocTestParser().get_doctest(text, self.names, name, name, line)
        said: list[str] = []
        runner = doctest.DocTestRunner(optionflags=FLAGS)
        runner.run(example, out=said.append, clear_globs=False)
        assert runner.summarize(verbose=False).failed == 0, "".join(said)
        self.names = example.globs

    def run_console(self, text: str, name: str, line: int) -> None:
        for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
            words = shlex.split(command, comments=True)
            if words[0] in FOR_THE_READER:
                continue
            got = self.run(words)
            matches = not expected or doctest.OutputChecker().check_output(expected, got, FLAGS)
            assert matches, f"{name}, from line {line}: {command}\nexpected:\n{expected}\ngot:\n{got}"

    def run(self, words: list[str]) -> str:
        match words:
            case ["booktape", "serve", *arguments]:
                self.url = self.running.enter_context(serving(self.folder, arguments))
                return ""
            case ["booktape", *arguments]:
                return booktape(self.folder, arguments)
            case ["curl", *_]:
                return first_of(words[-1].replace(PORT, self.url))
        raise AssertionError(f"do not know how to run {words}")


def booktape(folder: Path, arguments: list[str]) -> str:
    """What a command prints; it has to succeed."""
    command = [BOOKTAPE, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"booktape {shlex.join(arguments)} ended with {done.returncode}:\n{done.stderr}"
    return done.stdout


@contextmanager
def serving(folder: Path, arguments: list[str]) -> Iterator[str]:
    """A service on a free port, for as long as its document is read."""
    command = [BOOKTAPE, "serve", "--port", "0", *arguments]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        said = []
        try:
            for line in process.stdout:
                said.append(line)
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    yield found[0]
                    return
            pytest.fail(f"booktape serve ended before it was ready:\n{''.join(said)}")
        finally:
            process.terminate()
            process.stdout.read()


def first_of(url: str) -> str:
    """The beginning of an answer; streams go on for as long as they are read."""
    with httpx.stream("GET", url, timeout=30) as response:
        assert response.status_code == 200, f"{url}: {response.read().decode()}"
        for text in response.iter_text():
            if text:
                return text
    raise AssertionError(f"{url} answered nothing")


def test_readme_shows_library_command_line_and_service() -> None:
    readme = DOCUMENTS["README.md"]
    examples = (">>> import booktape", "$ booktape audit", "$ booktape serve", "$ curl")
    assert [example for example in examples if example not in readme] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = DOCUMENTS[name]
    monkeypatch.chdir(tmp_path)
    document = Document(tmp_path)
    with document.running:
        for block in EXAMPLE.finditer(text):
            line = text.count("\n", 0, block.start()) + 1
            run = document.run_pycon if block[1] == "pycon" else document.run_console
            run(block[2], name, line)
