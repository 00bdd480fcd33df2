"""Settings of the service, from the environment (``BOOKTAPE_*``) and ``.env``; flags of the command line win."""

import re
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from booktape.keys import ApiKeys, parse_entries
from booktape.places import MAX_IN_MEMORY, data_dir


def _split(text: object) -> object:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if isinstance(text, str) else text


def _origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    for origin in origins:
        if not re.fullmatch(r"\*|https?://[^/*\s]+", origin):
            raise ValueError(f"{origin} is not an origin such as https://desk.example")
    return origins


def _of_32_characters(keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    for key in keys:
        if len(key) != 32 or not key.get_secret_value().isascii():
            raise ValueError("a key of the gateway has 32 ASCII characters, as clients check; one of these has not")
    return keys


# Written as text in the environment, where JSON would have to be quoted.
Names: TypeAlias = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """Every setting has a default that suits one machine; each field is ``BOOKTAPE_`` and its name in capitals.

    >>> Settings(port=0).host
    '127.0.0.1'
    """

    model_config = SettingsConfigDict(
        env_prefix="BOOKTAPE_", env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    data_dir: Path = Field(
        default_factory=lambda: Path(data_dir()),
        description="Folder for what booktape keeps: uploads, live tapes, tables, indexes; made when needed.",
    )
    max_in_memory: int = Field(
        MAX_IN_MEMORY, ge=0, description="Bytes of records a file may take in memory; larger ones are read by position."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65_535, description="Port to listen on; 0 takes any free one.")
    api_keys: Annotated[ApiKeys, NoDecode, BeforeValidator(parse_entries)] = Field(
        (), description="API keys: a JSON list of the entries that `booktape keys new` prints; with none, all may."
    )
    api_keys_file: Path | None = Field(None, description="File with such a list, for a secret that is mounted.")
    gateway_port: int | None = Field(
        None, ge=0, le=65_535, description="Port of the live gateway in `serve`; unset: none; 0 takes any free one."
    )
    gateway_keys: Annotated[
        tuple[SecretStr, ...], NoDecode, BeforeValidator(_split), AfterValidator(_of_32_characters)
    ] = Field(
        (), description="Keys of clients of the gateways, 32 characters each, commas between; with none, any will do."
    )
    gateway_sessions: int = Field(256, ge=1, description="Live sessions of the gateway at once; more are refused.")
    allow_open: bool = Field(
        default=False, description="Listen beyond this machine without keys: whoever reaches it may do everything."
    )
    allowed_hosts: Names = Field(
        (),
        description="Names besides localhost that a service without keys may be called by; commas between, * for all.",
    )
    cors_origins: Annotated[Names, AfterValidator(_origins)] = Field(
        (), description="Other sites whose pages may use the service: https://desk.example, commas between, * for all."
    )
    allowed_dirs: Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_split)] = Field(
        (), description="Folders whose files may be opened by name through the service; commas between."
    )
    metrics_open: bool = Field(default=False, description="Answer /metrics without a key, also where keys are set.")
    revision: str | None = Field(None, description="The source's revision, for mbo_build_info; images set it.")
    log_format: Literal["console", "json"] = Field("console", description="How log lines look.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least that is logged.")
    max_streams: int = Field(2_000, ge=1, description="Streams open at once; more are answered 503.")
    max_streams_per_caller: int | None = Field(
        None, ge=1, description="Streams of one key, or of one address without keys; more are answered 429."
    )
    max_requests_per_second: float | None = Field(
        None, gt=0, description="Requests of one key, or of one address without keys; more are answered 429."
    )
    max_body_bytes: int = Field(
        2**20, ge=1, description="Bytes of a request's body, but for uploads of tapes; more are answered 413."
    )
    max_upload_bytes: int = Field(
        2**33, ge=1, description="Bytes of a file that is uploaded as a tape; more are answered 413."
    )
    synchronous: Literal["normal", "full"] = Field(
        "normal", description="What a power failure may cost of the store: the last commits, or nothing, more slowly."
    )
    sync: str = Field(
        "segment",
        pattern=r"segment|batch|[1-9]\d{0,6}",
        description="When live records reach the disk: segment by segment, each batch, or after so many milliseconds.",
    )
    retention_seconds: float | None = Field(
        None, gt=0, description="Age of records at which segments of live tapes are dropped; unset: never."
    )
    retention_bytes: int | None = Field(
        None, ge=1, description="Bytes of a live tape beyond which its oldest segments are dropped; unset: never."
    )
    trusted_proxies: Names = Field(
        (), description="Addresses or networks of proxies whose X-Forwarded-For says who asks; commas between."
    )
    max_exports: int = Field(4, ge=1, description="Exports and derived rows made at once; more are answered 503.")
    heartbeat_seconds: float = Field(15.0, gt=0, description="Silence on a stream after which a comment is sent.")
    slow_client_seconds: float = Field(30.0, gt=0, description="A client that takes nothing for longer is closed.")
    cache_bytes: int = Field(64 * 2**20, ge=2**20, description="Frames of streams kept ready for others, in bytes.")
    max_replays: int = Field(
        32, ge=0, description="Replays that clients may make; every tape has one of its own beside them."
    )
    replay_when_unwatched: Literal["pause", "run", "end"] = Field(
        "pause", description="What a replay that a client made does while nobody watches."
    )
    replay_grace_seconds: float = Field(
        60.0, ge=0, description="How long a replay that ends when nobody watches waits for its watchers to come back."
    )
    historical_upstream: str | None = Field(
        None, description="Another server than Databento's Historical API to fetch tapes from, by its https URL."
    )
    max_decompressed: int | None = Field(
        None, ge=1, description="Bytes a compressed file may become; unset: in proportion to its size."
    )
