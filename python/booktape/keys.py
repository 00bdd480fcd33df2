"""API keys: who may read, who may control, and how much of it. What is configured is a hash, never a key."""

from __future__ import annotations

import hmac
import json
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from booktape.errors import InputError
from booktape.parameters import bad_parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

KeyScope: TypeAlias = Literal["read", "control"]

_PREFIX = "booktape_"
"""What keys begin with, so that a person, or a scanner of repositories, knows one on sight."""
_RANDOM_BYTES = 32


class ApiKey(BaseModel):
    """An entry of the settings: what is known of a key, which is everything but the key.

    The hash is a plain SHA-256. Passwords need a slow one because people choose them from few; these keys are 256
    random bits, which nobody can try out, and a slow hash would only make every request slow.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="Who has it; logs and metrics say this."
    )
    scopes: tuple[KeyScope, ...] = Field(min_length=1, description="What it opens; `control` opens reading as well.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", repr=False, description="SHA-256 of the key, in hexadecimal.")
    requests_per_second: float | None = Field(None, gt=0, description="Its own limit; unset: that of the settings.")
    streams: int | None = Field(None, ge=1, description="Its own limit of open streams; unset: that of the settings.")

    def opens(self, scope: KeyScope) -> bool:
        """Whether the key is enough for a scope."""
        return scope in self.scopes or "control" in self.scopes

    def entry(self) -> str:
        """The entry as it is configured: a JSON object."""
        return self.model_dump_json(exclude_none=True)


def _all_different(keys: tuple[ApiKey, ...]) -> tuple[ApiKey, ...]:
    for what in ("name", "sha256"):
        if len({getattr(key, what) for key in keys}) < len(keys):
            raise ValueError(f"two entries have the same {what}")
    return keys


ApiKeys: TypeAlias = Annotated[tuple[ApiKey, ...], AfterValidator(_all_different)]
_ENTRIES: TypeAdapter[tuple[ApiKey, ...]] = TypeAdapter(ApiKeys)


def new_key(
    name: str, scopes: Sequence[KeyScope], *, requests_per_second: float | None = None, streams: int | None = None
) -> tuple[str, ApiKey]:
    """A new key, which is kept nowhere, and its entry.

    >>> key, entry = new_key("desk", ["read"])
    >>> entry.opens("read"), entry.opens("control"), key in entry.entry()
    (True, False, False)
    """
    key = _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    try:
        entry = ApiKey(
            name=name,
            scopes=tuple(dict.fromkeys(scopes)),
            sha256=_digest(key),
            requests_per_second=requests_per_second,
            streams=streams,
        )
    except ValidationError as error:
        wrong = error.errors()[0]
        raise bad_parameter(str(wrong["loc"][0]), wrong["input"], wrong["msg"]) from None
    return key, entry


class KeyRing:
    """The keys that are let in.

    >>> key, entry = new_key("desk", ["read"])
    >>> KeyRing([entry]).find(key).name
    'desk'
    >>> KeyRing([entry]).find("something else") is None
    True
    """

    def __init__(self, keys: Iterable[ApiKey] = ()) -> None:
        self._keys = tuple(keys)

    @classmethod
    def of(cls, keys: Iterable[ApiKey], file: Path | None) -> Self:
        """The entries of the settings and those of a file, which is where orchestrators mount secrets.

        Raises:
            InputError: the file cannot be read, or holds something else than a JSON list of entries.
        """
        entries = [*keys, *(_read(file) if file else ())]
        try:
            return cls(_all_different(tuple(entries)))
        except ValueError as error:
            raise InputError(f"{file}: {error}, counting those of BOOKTAPE_API_KEYS") from None

    def __bool__(self) -> bool:
        return bool(self._keys)

    def __iter__(self) -> Iterator[ApiKey]:
        return iter(self._keys)

    def find(self, presented: str) -> ApiKey | None:
        """The entry a key belongs to.

        Every entry is compared, each in constant time: how long it takes says nothing about how near a guess was.
        """
        digest = _digest(presented)
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.sha256, digest):
                found = key
        return found


def _digest(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _read(file: Path) -> tuple[ApiKey, ...]:
    try:
        return _ENTRIES.validate_python(parse_entries(file.read_text("utf-8")))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, at['loc']))}: {at['msg']}" for at in error.errors())
        raise InputError(f"{file}: {wrong}; `booktape keys new` prints an entry") from None
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}; BOOKTAPE_API_KEYS_FILE names it") from None
    except ValueError as error:  # not JSON, or not text
        raise InputError(f"{file}: {error}") from None


def parse_entries(text: object) -> object:
    """A JSON list of entries, or one entry alone; what is no text stays what it is."""
    if not isinstance(text, str):
        return text
    if not text.strip():
        return []
    try:
        entries = json.loads(text)
    except ValueError:
        raise ValueError("not a JSON list of entries as `booktape keys new` prints them") from None
    return [entries] if isinstance(entries, dict) else entries
