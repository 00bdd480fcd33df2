"""Clients may name files below the allowed folders; nothing else is opened, or told of."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

import booktape as bt
from booktape.service.paths import AllowedFile, allowed

OUTSIDE = "not below the folders that BOOKTAPE_ALLOWED_DIRS names"


@pytest.fixture
def place(tmp_path: Path, tape_file: Path) -> Path:
    """`shared/`, which is allowed, with files; `private/` beside it."""
    (tmp_path / "shared" / "day").mkdir(parents=True)
    (tmp_path / "private").mkdir()
    (tmp_path / "scratch").mkdir()
    (tmp_path / "shared" / "day" / "a.dbn").write_bytes(tape_file.read_bytes())
    (tmp_path / "private" / "secret").write_text("secret")
    return tmp_path


def opening(place: Path, named: object, *folders: str) -> AllowedFile:
    """The file, held and let go again."""
    with allowed(str(named), [place / folder for folder in folders or ("shared",)], place / "scratch") as file:
        return file


def refusal(place: Path, named: object) -> str:
    with pytest.raises(bt.ParameterError) as refused:
        opening(place, named)
    said = str(refused.value)
    assert said.startswith(f"path = {str(named)!r}: ")
    return said.split(": ", 1)[1]


def test_a_file_below_is_opened_by_its_name_from_the_folder_or_the_root(place: Path) -> None:
    path = place / "shared" / "day" / "a.dbn"
    for named in ("day/a.dbn", "./day//a.dbn", path):
        with allowed(str(named), [place / "shared"], place / "scratch") as file:
            assert file.path == path.resolve()
            assert bt.open(file.opened).id == bt.open(path).id
        assert list((place / "scratch").iterdir()) == []


def test_the_first_folder_that_has_it_is_meant(place: Path) -> None:
    (place / "other").mkdir()
    (place / "other" / "b.dbn").write_bytes(b"")
    assert opening(place, "b.dbn", "shared", "other").path == (place / "other" / "b.dbn").resolve()
    assert opening(place, "day/a.dbn", "missing", "other", "shared").path.name == "a.dbn"


def test_links_may_lead_around_inside_and_not_out(place: Path) -> None:
    shared = place / "shared"
    (shared / "link.dbn").symlink_to("day/a.dbn")
    (shared / "today").symlink_to("day")
    (place / "alias").symlink_to("shared")
    for named in ("link.dbn", "today/a.dbn"):
        assert opening(place, named).path == (shared / "day" / "a.dbn").resolve()
        assert opening(place, named, "alias").path.name == "a.dbn"
    (shared / "out").symlink_to(place / "private" / "secret")
    (shared / "outside").symlink_to(place / "private")
    (shared / "nowhere").symlink_to(place / "private" / "missing")
    for named in ("out", "outside/secret", "outside/missing", "nowhere"):
        assert refusal(place, named) == OUTSIDE


@pytest.mark.parametrize(
    "named",
    [
        "../private/secret",
        "../private/missing",
        "day/../../private/secret",
        "day/../day/a.dbn",
        "/etc/passwd",
        "/missing/file",
        "/proc/self/environ",
        "/dev/stdin",
        "",
        ".",
        "/",
        "a\0b",
        "\ud800",
    ],
)
def test_there_is_no_other_way_and_what_exists_is_not_told(place: Path, named: str) -> None:
    assert refusal(place, named) == OUTSIDE


def test_a_folder_with_a_similar_name_is_another(place: Path) -> None:
    (place / "shared-not").mkdir()
    (place / "shared-not" / "x").write_text("x")
    assert refusal(place, place / "shared-not" / "x") == OUTSIDE


def test_only_files_are_opened(place: Path) -> None:
    os.mkfifo(place / "shared" / "fifo")
    (place / "shared" / "null").symlink_to("/dev/null")
    (place / "shared" / "a").symlink_to("b")
    (place / "shared" / "b").symlink_to("a")
    assert refusal(place, "fifo") == "not a file"
    assert refusal(place, "day") == "not a file"
    assert refusal(place, "null") == OUTSIDE
    assert refusal(place, "a") == "not a file"
    assert refusal(place, "day/a.dbn/x") == "Not a directory"
    assert refusal(place, "x" * 5_000) == "File name too long"


def test_what_is_missing_inside_is_told(place: Path) -> None:
    for named in ("missing", "missing/too", "~/x", place / "shared" / "missing"):
        with pytest.raises(bt.NotFoundError, match=f"no file {named}"):
            opening(place, named)


def test_without_folders_no_file_may_be_named(place: Path) -> None:
    with (
        pytest.raises(bt.ParameterError, match="BOOKTAPE_ALLOWED_DIRS says which folders may"),
        allowed("a", [], place / "scratch"),
    ):
        pass


def _swap_file(place: Path) -> None:
    (place / "shared" / "day" / "a.dbn").unlink()
    (place / "shared" / "day" / "a.dbn").symlink_to(place / "private" / "secret")


def _swap_folder(place: Path) -> None:
    (place / "shared" / "day").rename(place / "shared" / "night")
    (place / "shared" / "day").symlink_to(place / "private")
    (place / "private" / "a.dbn").write_text("secret")


@pytest.mark.parametrize("swap", [_swap_file, _swap_folder])
def test_a_name_that_changes_after_it_was_looked_at_gains_nothing(
    place: Path, swap: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.path.realpath

    def then_swapped(path: str | Path) -> str:
        found = real(path)
        if str(path).endswith("a.dbn"):
            swap(place)
        return found

    monkeypatch.setattr("os.path.realpath", then_swapped)
    assert refusal(place, "day/a.dbn") in {"not a file", "Not a directory", "Too many levels of symbolic links"}


@pytest.mark.parametrize("swap", [_swap_file, _swap_folder])
def test_what_was_opened_stays_what_is_read(place: Path, swap: Callable[[Path], None], tape: bt.Tape) -> None:
    with allowed("day/a.dbn", [place / "shared"], place / "scratch") as file:
        swap(place)
        assert len(bt.open(file.opened)) == len(tape)


def test_nothing_stays_open(place: Path) -> None:
    descriptors = Path("/dev/fd")
    before = len(list(descriptors.iterdir()))
    for named in ("day/a.dbn", "day", "missing", "out"):
        for _ in range(50):
            with suppress(bt.BooktapeError):
                opening(place, named)
    assert len(list(descriptors.iterdir())) == before
