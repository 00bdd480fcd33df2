"""The page's files, its addresses, and what is there when it was not built."""

from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from booktape.service.frontend import page
from booktape.service.problems import problem
from booktape.service.site import Site


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder as SvelteKit's static adapter leaves it."""
    hashed = tmp_path / "_app" / "immutable"
    hashed.mkdir(parents=True)
    (tmp_path / "index.html").write_text("<title>page</title>")
    (hashed / "app.1a2b.js").write_text("let long = 1;")
    (hashed / "app.1a2b.js.gz").write_bytes(b"gzipped")
    (tmp_path.parent / "secret.txt").write_text("not yours")
    return tmp_path


def client(folder: Path) -> TestClient[Litestar]:
    return TestClient(Litestar([page(folder)], exception_handlers={Exception: problem}, logging_config=None))


def test_the_page_answers_at_its_own_addresses(built: Path) -> None:
    with client(built) as browser:
        for address in ("/", "/index.html", "/tapes/some-tape", "/book?instrument=1"):
            answer = browser.get(address)
            assert answer.status_code == 200, address
            assert answer.text == "<title>page</title>"
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
            assert answer.headers["cache-control"] == "no-cache"


def test_hashed_files_are_kept_for_ever_and_sent_compressed_to_who_takes_it(built: Path) -> None:
    with client(built) as browser:
        plain = browser.get("/_app/immutable/app.1a2b.js", headers={"accept-encoding": "identity"})
        assert plain.text == "let long = 1;"
        assert "javascript" in plain.headers["content-type"]
        assert "immutable" in plain.headers["cache-control"]
        with browser.stream("GET", "/_app/immutable/app.1a2b.js", headers={"accept-encoding": "gzip"}) as packed:
            assert packed.headers["content-encoding"] == "gzip"
            assert packed.headers["vary"] == "Accept-Encoding"
            assert b"".join(packed.iter_raw()) == b"gzipped"


def test_a_file_that_the_browser_has_is_not_sent_again(built: Path) -> None:
    with client(built) as browser:
        etag = browser.get("/").headers["etag"]
        again = browser.get("/", headers={"if-none-match": etag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/missing.js", "/../secret.txt", "/%2e%2e/secret.txt", "/api/v2/x", "/docs/x"])
def test_what_is_not_the_pages_is_not_found(built: Path, path: str) -> None:
    with client(built) as browser:
        answer = browser.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_without_a_build_there_is_a_page_that_says_so(tmp_path: Path) -> None:
    with client(tmp_path / "nothing") as browser:
        answer = browser.get("/")
        assert answer.status_code == 200
        assert "make build" in answer.text
        assert "/docs" in answer.text
        assert browser.get("/_app/x.js").status_code == 404


def test_a_site_may_be_some_files_of_a_folder(built: Path) -> None:
    site = Site.of(built, "index.html", "absent.css")
    assert site.asset("index.html") is not None
    assert site.asset("absent.css") is None
    assert site.asset("_app/immutable/app.1a2b.js") is None
