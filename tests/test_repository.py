"""What has to agree although it stands in different files."""

import json
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

import booktape as bt
from booktape.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [
    ("rust", "*.rs"),
    ("python", "*.py"),
    ("tests", "*.py"),
    ("benchmarks", "*.py"),
    ("frontend/src", "*.ts"),
    ("frontend/src", "*.svelte"),
]
GENERATED = {"schema.d.ts"}
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("[!.]*/*.md")]


def test_there_is_one_version() -> None:
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    page = json.loads((ROOT / "frontend/package.json").read_text())["version"]
    assert {bt.__version__, version("booktape"), page} == {workspace}


def test_every_setting_is_in_the_example_with_its_default() -> None:
    text = (ROOT / ".env.example").read_text()
    listed = dict(re.findall(r"^(?:# )?(BOOKTAPE_[A-Z_]+)=(.*)$", text, re.MULTILINE))
    fields = Settings.model_fields
    assert fields, "there are no settings to compare"
    # One that depends on the machine is left open in the example.
    defaults = {name: None if field.default_factory else field.default for name, field in fields.items()}
    assert listed == {
        f"BOOKTAPE_{name.upper()}": "" if default in (None, ()) else str(default) for name, default in defaults.items()
    }


def test_every_setting_says_what_it_is_in_the_words_of_the_example() -> None:
    text = (ROOT / ".env.example").read_text()
    explained = re.findall(r"^# (.+)\n(?:# )?(BOOKTAPE_[A-Z_]+)=", text, re.MULTILINE)
    assert {name: words for words, name in explained} == {
        f"BOOKTAPE_{name.upper()}": field.description for name, field in Settings.model_fields.items()
    }


@pytest.mark.parametrize(("folder", "pattern"), SOURCES)
def test_files_are_split_before_500_lines(folder: str, pattern: str) -> None:
    files = [path for path in (ROOT / folder).rglob(pattern) if path.is_file() and path.name not in GENERATED]
    assert files, f"no {pattern} below {folder}"
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in files}
    assert {name: length for name, length in lengths.items() if length > 500} == {}


def test_documents_name_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = re.compile(r"(?:`|^\$ )make ([a-z -]+)", re.MULTILINE)
    text = "\n".join(path.read_text() for path in DOCUMENTS)
    named = {target for command in commands.findall(text) for target in command.split()}
    assert named, "no document names a make target"
    assert named <= targets


def test_documents_link_to_files_that_exist() -> None:
    links = [
        (path, link)
        for path in DOCUMENTS
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text())
        if not link.startswith("http")
    ]
    assert links, "no document links to a file"
    assert [(path.name, link) for path, link in links if not (path.parent / link).exists()] == []


def test_modules_of_the_core_import_only_those_to_their_left() -> None:
    drawn = re.search(r"^types ─► .*$", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE)
    assert drawn, "ARCHITECTURE.md does not draw the order of the core's modules"
    order = drawn[0].split(" ─► ")
    core = ROOT / "rust/core/src"
    assert {path.name for path in core.iterdir() if path.is_dir()} == set(order)
    imports = {
        (module, imported)
        for module in order
        for path in (core / module).rglob("*.rs")
        for imported in re.findall(r"^ *use crate::(\w+)", path.read_text(), re.MULTILINE)
        if imported in order
    }
    assert imports, "no module of the core imports another"
    assert {(a, b) for a, b in imports if order.index(b) > order.index(a)} == set()
