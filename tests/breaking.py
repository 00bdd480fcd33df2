"""A network that breaks: a proxy that resets connections, or lets them stall, once they have brought so many bytes."""

import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_RESET = struct.pack("ii", 1, 0)


@dataclass
class Breaking:
    """Connections that come take a number of bytes each, while there are any; later ones are left alone."""

    port: int
    budgets: list[int] = field(default_factory=list)
    """What the next connections may bring, the last first."""
    resets: int = 0
    stalled: threading.Event | None = None
    """Set when a connection has stalled; without it they are reset."""
    ended: threading.Event = field(default_factory=threading.Event)
    """Set when one that was to break is over."""


@contextmanager
def breaking(to: int) -> Iterator[Breaking]:
    """A proxy before a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Breaking(listener.getsockname()[1])
        threading.Thread(target=_accept, args=[listener, proxy, to], daemon=True).start()
        yield proxy


def _accept(listener: socket.socket, proxy: Breaking, to: int) -> None:
    with suppress(OSError):  # closed: the test is over
        while True:
            client, _ = listener.accept()
            budget = proxy.budgets.pop() if proxy.budgets else None
            threading.Thread(target=_serve, args=[client, proxy, to, budget], daemon=True).start()


def _serve(client: socket.socket, proxy: Breaking, to: int, budget: int | None) -> None:
    with suppress(OSError), client:
        _pass_on(client, proxy, to, budget)
    if budget is not None:
        proxy.ended.set()


def _pass_on(client: socket.socket, proxy: Breaking, to: int, budget: int | None) -> None:
    """Passes bytes on, by one thread for both ways: a socket that another still reads is not closed by closing it."""
    with socket.create_connection(("127.0.0.1", to)) as server:
        other = {client: server, server: client}
        while True:
            for source in select.select([client, server], [], [])[0]:
                data = source.recv(65_536)
                if not data:
                    return
                if source is server and budget is not None and len(data) > budget:
                    client.sendall(data[:budget])
                    if proxy.stalled is not None:
                        proxy.stalled.set()
                        client.recv(1)  # until whoever waits for more is gone
                        return
                    proxy.resets += 1
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    return
                if source is server and budget is not None:
                    budget -= len(data)
                other[source].sendall(data)
