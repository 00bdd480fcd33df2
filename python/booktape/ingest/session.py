"""One connection to an upstream, by Databento's own client."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from booktape.errors import CredentialsError, UpstreamError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import databento

    from booktape import _native
    from booktape.ingest.subscription import Subscription, Upstream

# It tells of every record that it cannot hand over, on standard error if nobody else listens; what matters is raised.
logging.getLogger("databento").addHandler(logging.NullHandler())

_UNREACHED = ("Connection to ", "Authentication with ")
"""How messages of the client begin that are about the way to the gateway, and not its answer."""


class SessionError(UpstreamError):
    """A session ended by something that passes: the connection was lost, or could not be made."""


class CorruptError(SessionError):
    """A session ended because something came that is no record."""


class SilentError(SessionError):
    """A session ended because nothing came any more, not even heartbeats, though the connection was there."""


class RefusedError(UpstreamError):
    """The upstream does not accept what was asked: trying again would give the same."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How a session begins."""

    start: int | None = None
    snapshot: bool = False


class Session:
    """One connection: `run` it in a thread, `stop` it from any."""

    def __init__(self, subscription: Subscription, upstream: Upstream) -> None:
        self._subscription = subscription
        self._upstream = upstream
        self._client: databento.Live | None = None
        self._lock = threading.Lock()
        self._is_stopped = False
        self._is_silent = False

    def run(self, asked: Asked, sink: _native.Ingest) -> None:
        """Connects, subscribes, and returns when the upstream has closed the connection or `stop` was called.

        Raises:
            CredentialsError: the upstream does not accept the key.
            CorruptError: something came that is no record.
            SilentError: nothing came any more.
            SessionError: it could not be reached, or the connection was lost.
        """
        with _loop() as (loop, failures):
            self._run(asked, sink, loop)
            if failures and not self._is_stopped:
                raise CorruptError(f"something came that is no record: {failures[0]}")
            if self._is_silent and not self._is_stopped:
                longest = self._upstream.longest_silence
                raise SilentError(f"nothing came for {longest:g} seconds, not even a heartbeat")

    def _run(self, asked: Asked, sink: _native.Ingest, loop: asyncio.AbstractEventLoop) -> None:
        import databento

        upstream, subscription = self._upstream, self._subscription
        client = databento.Live(
            key=upstream.key,
            gateway=upstream.gateway,
            port=upstream.port,
            heartbeat_interval_s=upstream.heartbeat_seconds,
            reconnect_policy="none",
            loop=loop,
        )
        # What cannot be put on the tape ends the session: the client would go on with the next record.
        client.add_stream(sink, exception_callback=lambda _: client.stop())  # type: ignore[arg-type] # a file's methods
        try:
            for schema in ("mbo", *subscription.beside):
                client.subscribe(
                    dataset=subscription.dataset,
                    schema=schema,
                    symbols=list(subscription.symbols),
                    stype_in=subscription.stype_in,
                    start=asked.start,
                    snapshot=asked.snapshot and schema == "mbo",
                )
            with self._lock:
                self._client = client
                if self._is_stopped:
                    return
            client.start()
            loop.call_soon_threadsafe(self._watch, client, sink, time.monotonic())
            client.block_for_close()
        except databento.BentoError as error:
            why = str(error).replace(upstream.key, "****") or "the connection was lost"
            if self._is_stopped or self._is_silent:
                return
            if self._client is None and not why.startswith(_UNREACHED):
                raise CredentialsError(f"the gateway refused: {why}") from None
            raise SessionError(why) from None
        except (ValueError, AttributeError):
            # The connection went while it was subscribed on or started.
            raise SessionError("the connection was lost") from None
        finally:
            with self._lock:
                self._client = None
            client.terminate()

    def _watch(self, client: databento.Live, sink: _native.Ingest, began: float) -> None:
        """Cuts the connection once nothing comes any more. The client would wait for a first record for ever."""
        silence = time.monotonic() - began
        if sink.silence is not None:
            silence = min(silence, sink.silence)
        if (left := self._upstream.longest_silence - silence) > 0:
            asyncio.get_running_loop().call_later(left, self._watch, client, sink, began)
        else:
            self._is_silent = True
            client.terminate()

    def stop(self) -> None:
        """Ends the session: what has come is taken."""
        with self._lock:
            self._is_stopped = True
            if self._client is not None:
                self._client.stop()


@contextmanager
def _loop() -> Iterator[tuple[asyncio.AbstractEventLoop, list[BaseException]]]:
    """An event loop in a thread, and what went wrong in it.

    The client closes a connection in good order where it does not understand what comes, and its loop alone hears why.
    """
    loop = asyncio.new_event_loop()
    failures: list[BaseException] = []

    def failed(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        if isinstance(failure := context.get("exception"), BaseException):
            failures.append(failure)

    loop.set_exception_handler(failed)
    thread = threading.Thread(target=loop.run_forever, name="booktape-upstream", daemon=True)
    thread.start()
    try:
        yield loop, failures
    finally:
        asyncio.run_coroutine_threadsafe(_cancel_others(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
