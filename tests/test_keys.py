"""Keys are made once, known by their hashes, and found in constant time."""

import hashlib
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

import booktape as bt
from booktape.keys import ApiKey, KeyRing, new_key
from booktape.settings import Settings


def test_a_key_is_256_random_bits_and_its_entry_is_the_hash() -> None:
    keys = {new_key("desk", ["read"])[0] for _ in range(20)}
    assert len(keys) == 20
    key, entry = new_key("desk", ["read"], requests_per_second=2.5, streams=3)
    assert len(key.removeprefix("booktape_")) == 43  # 32 bytes, base64
    assert json.loads(entry.entry()) == {
        "name": "desk",
        "scopes": ["read"],
        "sha256": hashlib.sha256(key.encode()).hexdigest(),
        "requests_per_second": 2.5,
        "streams": 3,
    }


def test_a_ring_finds_the_entry_of_a_key_and_no_other() -> None:
    made = [new_key(name, ["read"]) for name in ("a", "b", "c")]
    ring = KeyRing(entry for _, entry in made)
    for key, entry in made:
        assert ring.find(key) is entry
        assert ring.find(key[:-1]) is None
        assert ring.find(entry.sha256) is None
    for wrong in ("", "booktape_", "\udcff", "ключ", "x" * 10_000):
        assert ring.find(wrong) is None


def test_the_environment_takes_a_list_and_an_entry_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [new_key(name, ["read"])[1] for name in ("a", "b")]
    monkeypatch.setenv("BOOKTAPE_API_KEYS", f"[{','.join(entry.entry() for entry in entries)}]")
    assert list(Settings().api_keys) == entries
    monkeypatch.setenv("BOOKTAPE_API_KEYS", entries[0].entry())
    assert list(Settings().api_keys) == entries[:1]
    monkeypatch.setenv("BOOKTAPE_API_KEYS", "")
    assert Settings().api_keys == ()


SOUND = '{"name": "a", "scopes": ["read"], "sha256": "' + "0" * 64 + '"}'


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("not json", "not a JSON list of entries"),
        ("[1]", "dictionary"),
        ("{}", "Field required"),
        (SOUND.replace("read", "write"), "'read' or 'control'"),
        (SOUND.replace('["read"]', "[]"), "at least 1 item"),
        (SOUND.replace("0" * 64, "abc"), "pattern"),
        (SOUND.replace('"a"', '"a\\nb"'), "pattern"),
        (SOUND.replace("}", ', "stream": 1}'), "Extra inputs are not permitted"),
        (SOUND.replace("}", ', "streams": 0}'), "greater than or equal to 1"),
        (SOUND.replace("}", ', "requests_per_second": 0}'), "greater than 0"),
        (f"[{SOUND}, {SOUND.replace('0', '1')}]", "two entries have the same name"),
        ("[" + SOUND + ", " + SOUND.replace('"a"', '"b"') + "]", "two entries have the same sha256"),
    ],
)
def test_a_wrong_entry_is_refused(given: str, why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BOOKTAPE_API_KEYS", given)
    with pytest.raises(ValidationError, match=why):
        Settings()
    file = tmp_path / "keys.json"
    file.write_text(given)
    with pytest.raises(bt.InputError, match=f"keys.json: .*{why}"):
        KeyRing.of((), file)


def test_entries_of_a_mounted_file_are_added(tmp_path: Path) -> None:
    (key, inside), (other, outside) = new_key("file", ["control"]), new_key("environment", ["read"])
    file = tmp_path / "keys.json"
    file.write_text(f"[{inside.entry()}]\n")
    ring = KeyRing.of([outside], file)
    assert (ring.find(key), ring.find(other)) == (inside, outside)
    with pytest.raises(bt.InputError, match="the same name, counting those of BOOKTAPE_API_KEYS"):
        KeyRing.of([inside], file)


def test_a_file_that_cannot_be_read_is_not_a_service_without_keys(tmp_path: Path) -> None:
    with pytest.raises(bt.InputError, match="BOOKTAPE_API_KEYS_FILE names it"):
        KeyRing.of((), tmp_path / "missing")
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(bt.InputError, match="binary"):
        KeyRing.of((), binary)


def test_neither_keys_nor_hashes_are_shown() -> None:
    entry = ApiKey(name="a", scopes=("read",), sha256="0" * 64)
    assert entry.sha256 not in repr(entry)
    assert entry.sha256 not in repr(Settings(api_keys=(entry,)))
