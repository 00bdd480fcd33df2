"""The examples of the documents, executed in the order in which they are read.

`pycon` blocks run as doctests. Of `console` blocks, `$ booktape …` runs and has to succeed, with the output shown if
any is shown; `$ booktape serve` and `$ booktape gateway` stay up for the `$ curl …` and the Python that follow. `make`
and shell words are for the reader.
"""

import argparse
import doctest
import json
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

from booktape.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = re.compile(r"^```(pycon|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DOCUMENTS = {
    path.relative_to(ROOT).as_posix(): text
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md"))
    if EXAMPLE.search(text := path.read_text())
}
BOOKTAPE = str(Path(sys.executable).with_name("booktape"))
PORT = "http://127.0.0.1:8000"
GATEWAY = "port=13000"
HISTORICAL = "https://127.0.0.1:8443"
DATA_FOLDER = "~/.local/share/booktape"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FOR_THE_READER = {"make", "source", "cd", "git", "cargo", ".venv/bin/python", "target/release/booktape-load"}


@dataclass
class Document:
    """One document's state while its examples run."""

    folder: Path
    names: dict[str, object] = field(default_factory=dict)
    running: ExitStack = field(default_factory=ExitStack)
    url: str = PORT
    gateway: str = GATEWAY
    historical: str = HISTORICAL

    def run_pycon(self, text: str, name: str, line: int) -> None:
        text = text.replace(PORT, self.url).replace(GATEWAY, self.gateway).replace(HISTORICAL, self.historical)
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
            wanted = re.sub(r"\n\.\.\.\n*$", "...", expected)  # dots on a last line: more, if it has come already
            matches = not wanted or doctest.OutputChecker().check_output(wanted, got, FLAGS)
            assert matches, f"{name}, from line {line}: {command}\nexpected:\n{expected}\ngot:\n{got}"

    def run(self, words: list[str]) -> str:
        match words:
            case ["booktape", "serve", *arguments]:
                said = self.running.enter_context(serving(self.folder, "serve", arguments))
                self.url = re.findall(r"http://127\.0\.0\.1:\d+", said)[0]
                self.historical = next(iter(re.findall(r"https://127\.0\.0\.1:\d+", said)), HISTORICAL)
                return ""
            case ["booktape", "gateway", *arguments]:
                said = self.running.enter_context(serving(self.folder, "gateway", arguments))
                self.gateway = f"port={re.findall(r'127[.]0[.]0[.]1:([0-9]+)', said)[0]}"
                return ""
            case ["export", setting]:
                patch = pytest.MonkeyPatch()
                self.running.callback(patch.undo)
                patch.setenv(*setting.replace(DATA_FOLDER, str(self.folder / "kept")).split("=", 1))
                return ""
            case ["booktape", *arguments]:
                return booktape(self.folder, [word.replace(HISTORICAL, self.historical) for word in arguments])
            case ["curl", *arguments]:
                return curl(self.folder, [word.replace(PORT, self.url) for word in arguments])
        raise AssertionError(f"do not know how to run {words}")


def booktape(folder: Path, arguments: list[str]) -> str:
    """What a command prints; it has to succeed."""
    command = [BOOKTAPE, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"booktape {shlex.join(arguments)} ended with {done.returncode}:\n{done.stderr}"
    return done.stdout


@contextmanager
def serving(folder: Path, command: str, arguments: list[str]) -> Iterator[str]:
    """What a service or gateway on free ports says once it is ready, for as long as its document is read."""
    free = ["0" if word == HISTORICAL.rpartition(":")[2] else word for word in arguments]
    words = [BOOKTAPE, command, "--port", "0", *free]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        said = []
        try:
            for line in process.stdout:
                said.append(line)
                if re.search(r"(?<!https://)127\.0\.0\.1:\d+", line):
                    yield "".join(said)
                    return
            pytest.fail(f"booktape {command} ended before it was ready:\n{''.join(said)}")
        finally:
            process.terminate()
            process.stdout.read()


CURL = argparse.ArgumentParser("curl", allow_abbrev=False, exit_on_error=False)
CURL.add_argument("url")
CURL.add_argument("-N", "--no-buffer", action="store_true")
CURL.add_argument("-X", "--request")
CURL.add_argument("-H", "--header", action="append", default=[])
CURL.add_argument("--json")
CURL.add_argument("-T", "--upload-file", type=Path)
CURL.add_argument("-o", "--output", type=Path)


def curl(folder: Path, arguments: list[str]) -> str:
    """What curl prints: the beginning of an answer, since streams go on for as long as they are read."""
    asked = CURL.parse_args(arguments)
    headers = dict(re.split(r": *", header, maxsplit=1) for header in asked.header)
    body = None
    if asked.json is not None:
        headers["Content-Type"], body = "application/json", asked.json.encode()
    if asked.upload_file is not None:
        body = (folder / asked.upload_file).read_bytes()
    method = asked.request or ("POST" if body else "GET")
    with httpx.stream(method, asked.url, headers=headers, content=body, timeout=30) as response:
        assert response.is_success, f"{method} {asked.url}: {response.read().decode()}"
        if asked.output is not None:
            (folder / asked.output).write_bytes(response.read())
            return ""
        for text in response.iter_text():
            if text:
                return text
    assert response.status_code == httpx.codes.NO_CONTENT, f"{method} {asked.url} answered nothing"
    return ""


def test_readme_shows_library_command_line_and_service() -> None:
    readme = DOCUMENTS["README.md"]
    examples = (">>> import booktape", "$ booktape audit", "$ booktape serve", "$ curl")
    assert [example for example in examples if example not in readme] == []


def test_the_page_about_the_service_has_every_route_and_no_other() -> None:
    listed = re.findall(r"^\| `(GET|POST|PATCH|DELETE) (/[^`?]*)[^`]*` \|", DOCUMENTS["docs/service.md"], re.MULTILINE)
    paths = json.loads((ROOT / "frontend/openapi.json").read_text())["paths"]
    served = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert set(listed) - {("GET", "/"), ("GET", "/docs")} == served
    assert len(listed) == len(set(listed))


def test_the_page_about_the_service_explains_every_reason() -> None:
    schemas = json.loads((ROOT / "frontend/openapi.json").read_text())["components"]["schemas"]
    reasons = [reason for kind in ("Bye", "Jump") for reason in schemas[kind]["properties"]["reason"]["enum"]]
    assert len(reasons) >= 2
    assert [reason for reason in reasons if f"| `{reason}` |" not in DOCUMENTS["docs/service.md"]] == []


def test_the_page_about_the_service_explains_every_refusal() -> None:
    paths = json.loads((ROOT / "frontend/openapi.json").read_text())["paths"]
    told = {status for methods in paths.values() for route in methods.values() for status in route["responses"]}
    rows = re.findall(r"^\| (\d{3}(?:, \d{3})*) \|", DOCUMENTS["docs/service.md"], re.MULTILINE)
    explained = {status for row in rows for status in row.split(", ")}
    refusals = {status for status in told if status >= "400"}
    assert refusals
    assert refusals - explained == set()


def test_documents_about_the_service_name_settings_that_exist() -> None:
    texts = [(ROOT / "docs" / name).read_text() for name in ("service.md", "operations.md")]
    named = {name for text in texts for name in re.findall(r"\bBOOKTAPE_([A-Z_]+[A-Z])\b", text)}
    assert named, "no document names a setting"
    assert named - {name.upper() for name in Settings.model_fields} == set()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = DOCUMENTS[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOOKTAPE_DATA_DIR", str(tmp_path / "kept"))
    document = Document(tmp_path)
    with document.running:
        for block in EXAMPLE.finditer(text):
            line = text.count("\n", 0, block.start()) + 1
            run = document.run_pycon if block[1] == "pycon" else document.run_console
            run(block[2], name, line)
