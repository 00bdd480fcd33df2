"""One connection to an upstream, by Databento's own client."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from booktape.errors import BooktapeError

if TYPE_CHECKING:
    import databento

    from booktape import _native
    from booktape.ingest.subscription import Subscription, Upstream

# It tells of every record that it cannot hand over, on standard error if nobody else listens; what matters is raised.
logging.getLogger("databento").addHandler(logging.NullHandler())

_UNREACHED = ("Connection to ", "Authentication with ")
"""How messages of the client begin that are about the way to the gateway, and not its answer."""


class SessionError(BooktapeError):
    """A session ended by something that passes: the connection was lost, or could not be made."""


class RefusedError(BooktapeError):
    """The upstream does not accept the key, or what was asked: trying again would give the same."""


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

    def run(self, asked: Asked, sink: _native.Ingest) -> None:
        """Connects, subscribes, and returns when the upstream has closed the connection or `stop` was called.

        Raises:
            RefusedError: the upstream accepts the key or the subscription not.
            SessionError: it could not be reached, or the connection was lost.
        """
        import databento

        upstream, subscription = self._upstream, self._subscription
        client = databento.Live(
            key=upstream.key,
            gateway=upstream.gateway,
            port=upstream.port,
            heartbeat_interval_s=upstream.heartbeat_seconds,
            reconnect_policy="none",
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
            client.block_for_close()
        except databento.BentoError as error:
            why = str(error).replace(upstream.key, "****") or "the connection was lost"
            if self._is_stopped:
                return
            if self._client is None and not why.startswith(_UNREACHED):
                raise RefusedError(f"the gateway refused: {why}") from None
            raise SessionError(why) from None
        except (ValueError, AttributeError):
            # The connection went while it was subscribed on or started.
            raise SessionError("the connection was lost") from None
        finally:
            with self._lock:
                self._client = None
            client.terminate()

    def stop(self) -> None:
        """Ends the session: what has come is taken."""
        with self._lock:
            self._is_stopped = True
            if self._client is not None:
                self._client.stop()
