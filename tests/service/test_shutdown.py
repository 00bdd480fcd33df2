"""Stopping with streams open: each is told where to resume, and nothing is left waiting."""

import json
import re
import signal
import subprocess
import sys
from contextlib import ExitStack

import booktape as bt
from tests.service.running import raw_connection, read_to_end, read_until, serving

SERVE = """
import sys
import booktape as bt
from booktape.service import run
from booktape.settings import Settings
tape = bt.synthesize(messages=2_000, seed=1)
run([tape], settings=Settings(port=0, log_format="json"), on_ready=lambda url: print(url, flush=True))
"""


def test_open_streams_are_told_where_to_resume(tape: bt.Tape) -> None:
    path = f"/api/v1/tapes/{tape.id}"
    slow = ("/api/mbo/stream/json/60000", f"{path}/stream?speed=0.01", f"{path}/depth?speed=0.01&from=4000")
    with serving(tape) as running, ExitStack() as stack:
        connections = [stack.enter_context(raw_connection(running, stream)) for stream in slow]
        for connection in connections:
            read_until(connection, b"data: ")
        running.server.should_exit = True
        for connection in connections:
            last = read_to_end(connection)
            assert last.endswith(b"0\r\n\r\n"), "the chunk that ends a complete response"
            (data,) = re.findall(rb"event: bye\ndata: (\S+)\n\n", last)
            bye = json.loads(data)
            assert bye["reason"] == "shutdown"
            assert f"id: {bye['index']}\nevent: bye".encode() in last
        running.stop()
        assert running.service.slots.open == 0


def test_a_dbn_stream_is_cut_rather_than_ended(tape: bt.Tape) -> None:
    path = f"/api/v1/tapes/{tape.id}/stream?speed=0.01&format=dbn"
    with serving(tape) as running, raw_connection(running, path) as connection:
        read_until(connection, b"DBN")
        running.server.should_exit = True
        assert not read_to_end(connection).endswith(b"0\r\n\r\n"), "the chunk that ends a complete response"


def test_a_client_that_reads_nothing_does_not_hold_it_up() -> None:
    big = bt.synthesize(messages=50_000, seed=2)
    with serving(big) as running, raw_connection(running, "/api/mbo/stream/json/0", receive_buffer=4_096) as stalled:
        read_until(stalled, b"data: ")
        running.stop()
        assert running.service.slots.open == 0


def test_signals_stop_a_process_in_good_order() -> None:
    for sent, code in ((signal.SIGTERM, 0), (signal.SIGINT, -signal.SIGINT)):
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(sent)
        _, errors = process.communicate(timeout=60)
        assert process.returncode in {code, 130}, errors
        if sent == signal.SIGTERM:
            assert not errors
