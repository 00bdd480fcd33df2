"""Who is let in, and what all others are told; what nobody can do is trouble the others."""

import hashlib
import socket
import struct
from collections.abc import Iterator

import databento
import pytest
from pydantic import SecretStr

import booktape as bt
from booktape.errors import ParameterError
from booktape.gateway import GatewayOptions, handshake
from booktape.gateway.keys import GatewayKeys, new_challenge
from booktape.gateway.lines import LINE_BYTES
from booktape.gateway.run import gateway_on
from booktape.service.server import listen
from booktape.settings import Settings
from tests.gateway.running import KEY, Raw, Running, gateway, mbo, received

OTHER_KEY = "db-srqponmlkjihgfedcba9876543210"


@pytest.fixture(scope="module")
def locked(four_instruments: bt.Tape) -> Iterator[Running]:
    """A gateway that knows its clients."""
    with gateway(four_instruments, settings=Settings(gateway_keys=(SecretStr(KEY), SecretStr("k" * 32)))) as running:
        yield running


def test_a_key_that_is_known_is_let_in(locked: Running, four_instruments: bt.Tape) -> None:
    for key in (KEY, "k" * 32):
        got = received(locked.live(key=key), mbo(four_instruments))
        assert got.bytes == four_instruments.to_numpy().tobytes()


def test_another_key_is_told_and_nothing_of_keys_is_said(locked: Running, four_instruments: bt.Tape) -> None:
    refused = locked.figure("mbo_gateway_refused_total")
    with pytest.raises(databento.BentoError, match="Authentication failed") as caught:
        locked.live(key=OTHER_KEY).subscribe(**mbo(four_instruments))
    assert KEY[-5:] not in str(caught.value)
    assert locked.figure("mbo_gateway_refused_total") == refused + 1


def test_an_answer_is_of_use_once() -> None:
    keys, challenge = GatewayKeys((SecretStr(KEY),)), new_challenge()
    answer = f"{hashlib.sha256(f'{challenge}|{KEY}'.encode()).hexdigest()}-{KEY[-5:]}"
    assert keys.accept(challenge, answer)
    assert not keys.accept(new_challenge(), answer)
    assert not keys.accept(challenge, answer.replace(answer[0], "x", 1))


def test_without_keys_any_key_will_do(running: Running, four_instruments: bt.Tape) -> None:
    with Raw(running.port) as client:
        said = client.authenticate(four_instruments.dataset, key=OTHER_KEY)
        fields = dict(pair.split("=") for pair in said.split("|"))
        assert fields["success"] == "1"
        assert fields["session_id"].isdigit()


def test_a_dataset_that_is_not_here_is_told_with_those_that_are(running: Running) -> None:
    with pytest.raises(databento.BentoError, match=r"no dataset 'XNAS.ITCH' here; there is: GLBX.MDP3"):
        running.live().subscribe(dataset="XNAS.ITCH", schema="mbo", symbols="ALL_SYMBOLS")


def test_a_dataset_can_be_said_whatever_the_file_says(four_instruments: bt.Tape) -> None:
    with gateway(four_instruments, options=GatewayOptions(speed=None, dataset="XNAS.ITCH")) as running:
        client = running.live()
        got = received(client, mbo(four_instruments, dataset="XNAS.ITCH"))
        assert got.bytes == four_instruments.to_numpy().tobytes()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"hello\n", "no line of name=value"),
        (b"dataset=GLBX.MDP3\n", "the first line is expected to be auth"),
        (b"auth=x|auth=y|dataset=GLBX.MDP3\n", "'auth' stands twice"),
        (b"auth=x|dataset=\n", "dataset is missing"),
        (b"auth=x|dataset=GLBX.MDP3\n", "Authentication failed"),
        (b"auth=x|dataset=GLBX.MDP3|encoding=csv\n", "encoding is 'csv'"),
        (b"auth=x|dataset=GLBX.MDP3|ts_out=2\n", "ts_out is '2'"),
        (b"auth=x|dataset=GLBX.MDP3|compression=gzip\n", "compression is 'gzip'"),
        (b"auth=x|dataset=GLBX.MDP3|heartbeat_interval_s=4\n", "heartbeat_interval_s is '4'"),
        (b"auth=x|dataset=GLBX.MDP3|heartbeat_interval_s=\xc2\xb2\n", "heartbeat_interval_s"),
        (b"auth=x|dataset=GLBX.MDP3|slow_reader_behavior=run\n", "slow_reader_behavior"),
        (b"\xff\xfe\x00\n", "not UTF-8"),
        (b"\n", "the first line is expected to be auth"),
        (b"a" * (LINE_BYTES + 1), "a line of more than"),
        (b"a" * (LINE_BYTES + 1) + b"\n", "a line of more than"),
    ],
)
def test_what_is_no_answer_is_told_in_one_line_and_closed(running: Running, line: bytes, says: str) -> None:
    with Raw(running.port) as client:
        client.line(), client.line()
        client.send(line)
        told = client.line()
        assert told.startswith("success=0|error=")
        assert says in told
        assert told.count("|") == 1
        assert client.rest() == b""


def test_a_client_that_never_answers_is_closed(monkeypatch: pytest.MonkeyPatch, running: Running) -> None:
    monkeypatch.setattr(handshake, "ANSWER_SECONDS", 0.1)
    with Raw(running.port) as silent, Raw(running.port) as half:
        half.send("auth=")
        for client in (silent, half):
            client.line(), client.line()
            assert client.line() == "success=0|error=no answer within 0 seconds"
            assert client.rest() == b""


def test_clients_that_misbehave_do_not_trouble_others(running: Running, four_instruments: bt.Tape) -> None:
    def misbehave() -> Iterator[Raw]:
        yield Raw(running.port)  # says nothing
        garbage = Raw(running.port)
        garbage.send(bytes(range(256)) * 1_000)
        yield garbage
        gone = Raw(running.port)
        gone.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        gone.socket.close()  # a reset
        half_open = Raw(running.port)
        half_open.socket.shutdown(socket.SHUT_WR)
        yield half_open
        deaf = Raw(running.port, receive_buffer=4_096)
        deaf.authenticate(four_instruments.dataset)
        deaf.send("schema=mbo|stype_in=raw_symbol|symbols=ALL_SYMBOLS\nstart_session\n")
        yield deaf

    clients = [client for _ in range(5) for client in misbehave()]
    got = received(running.live(), mbo(four_instruments))
    assert got.bytes == four_instruments.to_numpy().tobytes()
    for client in clients:
        client.socket.close()


def test_sessions_are_bounded(four_instruments: bt.Tape) -> None:
    with (
        gateway(four_instruments, settings=Settings(gateway_sessions=2)) as running,
        Raw(running.port) as first,
        Raw(running.port) as second,
        Raw(running.port) as third,
    ):
        assert first.authenticate("GLBX.MDP3").startswith("success=1")
        assert second.authenticate("GLBX.MDP3").startswith("success=1")
        assert running.figure("mbo_gateway_sessions") == 2
        assert third.authenticate("GLBX.MDP3") == "success=0|error=all 2 sessions are taken"


def test_connections_are_bounded(four_instruments: bt.Tape) -> None:
    settings = Settings(gateway_sessions=1)
    with (
        gateway(four_instruments, settings=settings) as running,
        Raw(running.port) as first,
        Raw(running.port) as second,
    ):
        first.line(), second.line()
        # It may be cut before it knows that it was connected.
        with pytest.raises(ConnectionResetError), Raw(running.port) as third:
            third.rest()


def test_without_keys_only_this_machine_may_come() -> None:
    with listen("0.0.0.0", 0, slow_client_seconds=30) as listener:
        with pytest.raises(ParameterError, match="BOOKTAPE_GATEWAY_KEYS"):
            gateway_on(listener, Settings(), GatewayOptions())
        gateway_on(listener, Settings(allow_open=True), GatewayOptions())
        gateway_on(listener, Settings(gateway_keys=(SecretStr(KEY),)), GatewayOptions())


def test_a_key_of_another_length_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKTAPE_GATEWAY_KEYS", "not-long-enough")
    with pytest.raises(ValueError, match="32 ASCII characters") as caught:
        Settings()
    assert "not-long-enough" not in str(caught.value)
    monkeypatch.setenv("BOOKTAPE_GATEWAY_KEYS", f"{KEY}, {OTHER_KEY}")
    settings = Settings()
    assert [key.get_secret_value() for key in settings.gateway_keys] == [KEY, OTHER_KEY]
    assert KEY not in repr(settings)
