"""A server between the official client and a gateway, which answers some routes itself: with a price, or worse."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from booktape.historical import Certificate
from tests.historical.gateway import KEY, Gateway

COUNT, SIZE, COST = "metadata.get_record_count", "metadata.get_billable_size", "metadata.get_cost"
RANGE = "timeseries.get_range"


@dataclass(frozen=True)
class Answer:
    """What is answered."""

    body: bytes = b""
    status: int = 200
    is_endless: bool = False
    """Whether the body is sent over and over, until the client goes."""
    missing: int = 0
    """Bytes that were announced and do not come."""


def refusal(status: int, case: str, message: str) -> Answer:
    """An error as Databento words it."""
    detail = {"case": case, "message": message, "status_code": status, "docs": "", "payload": {}}
    return Answer(json.dumps({"detail": detail}).encode(), status)


UNPAID = refusal(402, "account_insufficient_funds", "The account has too little credit for this request.")
"""As to an account that cannot pay."""


@dataclass
class Between:
    """What is answered instead of the gateway, by route."""

    behind: Gateway
    answers: dict[str, Answer] = field(default_factory=dict)
    once: dict[str, Answer] = field(default_factory=dict)
    """What is answered before that, one time."""
    asked: list[str] = field(default_factory=list)
    """The routes that were asked for."""
    gone: threading.Event = field(default_factory=threading.Event)
    """Set when a client has gone before the end of an answer."""
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, server: Between, *given: object) -> None:
        self._of = server
        super().__init__(*given)  # type: ignore[arg-type]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        route = self.path.removeprefix("/v0/").partition("?")[0]
        self._of.asked.append(route)
        with self._of.behind.http(key=KEY) as client:
            answer = self._of.once.pop(route, None) or self._of.answers.get(route)
            if answer is None:
                kept = {"content-type": self.headers.get("content-type", "")}
                passed = client.request(self.command, self.path, content=body, headers=kept)
                answer = Answer(passed.content, passed.status_code)
        self._send(answer)

    do_GET = do_POST  # noqa: N815 - as the library has it

    def _send(self, answer: Answer) -> None:
        self.close_connection = True
        self.send_response(answer.status)
        self.send_header("content-type", "application/json")
        if not answer.is_endless:
            self.send_header("content-length", str(len(answer.body) + answer.missing))
        self.end_headers()
        try:
            self.wfile.write(answer.body)
            while answer.is_endless:
                self.wfile.write(answer.body)
        except OSError:
            self._of.gone.set()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def between(behind: Gateway) -> Iterator[Between]:
    """Serves on a port of its own, with the certificate of the gateway."""
    of = Between(behind)
    certificate = Certificate.kept_in(behind.service.settings.data_dir)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.server)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, of)) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        of.url = f"https://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield of
        finally:
            server.shutdown()
            thread.join()
