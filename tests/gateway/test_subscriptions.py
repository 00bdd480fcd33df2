"""What can be subscribed to, and what the gateway answers to each request."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import databento
import databento_dbn as dbn
import pytest

import booktape as bt
from booktape.gateway import GatewayOptions
from tests.gateway.running import PATIENCE, Raw, Received, Running, gateway, mbo, received

STAYING = GatewayOptions(speed=None, stay=True)

DERIVED = ("mbp-1", "mbp-10", "tbbo", "trades", "bbo-1s", "bbo-1m", "ohlcv-1s", "ohlcv-1m", "ohlcv-1h", "ohlcv-1d")


def rows(tape: bt.Tape, schema: Any, instrument_id: int | None = None) -> bytes:
    """The rows that the library derives."""
    data = b"".join(tape.derive(schema, instrument_id=instrument_id).pieces("dbn"))
    decoder = dbn.DBNDecoder()
    decoder.write(data)
    return Received(decoder.decode()).bytes


@pytest.mark.parametrize("schema", DERIVED)
def test_derived_schemas_are_those_of_the_library(running: Running, four_instruments: bt.Tape, schema: str) -> None:
    got = received(running.live(), mbo(four_instruments, schema=schema))
    assert got.bytes == rows(four_instruments, schema)
    assert got.bytes or schema == "ohlcv-1d"


def test_symbols_of_all_kinds_mean_the_same(running: Running, four_instruments: bt.Tape) -> None:
    one = four_instruments.instruments[0]
    records = four_instruments.to_numpy()
    wanted = records[records["instrument_id"] == one.instrument_id].tobytes()
    for stype_in, symbol in (("raw_symbol", one.symbol), ("instrument_id", one.instrument_id)):
        got = received(running.live(), mbo(four_instruments, symbol, stype_in=stype_in))
        assert got.bytes == wanted
        (mapping,) = got.of(dbn.SymbolMappingMsg)
        assert (mapping.instrument_id, mapping.stype_in_symbol, mapping.stype_out_symbol) == (
            one.instrument_id,
            str(symbol),
            one.symbol,
        )
        assert str(mapping.stype_in) == stype_in


def test_a_parent_means_its_futures(clx5: Path) -> None:
    tape = bt.open(clx5)
    with gateway(tape) as running:
        got = received(running.live(), mbo(tape, "CL.FUT", stype_in="parent"))
    assert got.bytes == tape.to_numpy().tobytes()
    assert {mapping.stype_in_symbol for mapping in got.of(dbn.SymbolMappingMsg)} == {"CL.FUT"}


def test_requests_are_acknowledged_and_symbols_mapped_before_records(
    running: Running, four_instruments: bt.Tape
) -> None:
    symbols = sorted(four_instruments.symbols.values())
    got = received(running.live(), mbo(four_instruments), mbo(four_instruments, symbols[0], schema="trades"))
    assert got.said == [
        "Subscription request 0 for mbo data succeeded",
        "Subscription request 1 for trades data succeeded",
    ]
    kinds = [type(record).__name__ for record in got.records[: 1 + 4 + 1 + 1]]
    assert kinds == ["SystemMsg", *["SymbolMappingMsg"] * 4, "SystemMsg", "SymbolMappingMsg"]
    assert [each.code for each in got.of(dbn.SystemMsg)] == [dbn.SystemCode.SUBSCRIPTION_ACK] * 2
    records = four_instruments.to_numpy().tobytes()
    assert b"".join(bytes(each) for each in got.of(dbn.MBOMsg)) == records
    assert len(got.of(dbn.TradeMsg)) > 0


def test_symbols_that_are_not_found_are_told_one_by_one_and_the_others_served(
    running: Running, four_instruments: bt.Tape
) -> None:
    one = four_instruments.instruments[0]
    got = received(running.live(), mbo(four_instruments, ["NONE1", str(one.symbol), "NONE2"]))
    errors = got.of(dbn.ErrorMsg)
    assert [error.code for error in errors] == [dbn.ErrorCode.SYMBOL_RESOLUTION_FAILED] * 2
    assert [("NONE1" in error.err, "NONE2" in error.err, error.is_last) for error in errors] == [
        (True, False, 0),
        (False, True, 1),
    ]
    assert {record.instrument_id for record in got.data} == {one.instrument_id}
    assert len(got.data) == one.records


def test_more_symbols_than_fit_into_a_line_come_in_several(running: Running, four_instruments: bt.Tape) -> None:
    known = sorted(four_instruments.symbols.values())
    many = [f"NONE{number}" for number in range(1_200)]
    got = received(running.live(), mbo(four_instruments, [*many, *known]))
    assert len(got.of(dbn.ErrorMsg)) == 1_200
    assert got.said.count("Subscription request 0 for mbo data succeeded") == 1
    assert got.bytes == four_instruments.to_numpy().tobytes()


def _session(running: Running, tape: bt.Tape, lines: Sequence[str | bytes], more: str = "") -> Received:
    with Raw(running.port) as client:
        assert client.authenticate(tape.dataset, more=more).startswith("success=1")
        for line in lines:
            client.send(line)
        return client.records()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("schema=mbp-2|stype_in=raw_symbol|symbols=A", "schema is 'mbp-2'"),
        ("schema=mbo|stype_in=smell|symbols=A", "stype_in is 'smell'"),
        ("schema=mbo|stype_in=raw_symbol|symbols=", "symbols is missing"),
        ("schema=mbo|stype_in=raw_symbol|symbols=, ,", "symbols is empty"),
        ("schema=mbo|symbols=A", "stype_in is missing"),
        ("schema=mbo|stype_in=raw_symbol|symbols=A|start=yesterday", "start is 'yesterday'"),
        ("schema=mbo|stype_in=raw_symbol|symbols=A|start=99999999999999999999999", "start is"),
        ("schema=mbo|stype_in=raw_symbol|symbols=A|id=-1", "id is '-1'"),
        ("schema=mbo|stype_in=raw_symbol|symbols=A|is_last=maybe", "is_last is 'maybe'"),
        ("schema=mbo|stype_in=raw_symbol|symbols=A|snapshot=1|start=0", "a snapshot shows the books as they are now"),
        ("schema=trades|stype_in=raw_symbol|symbols=A|snapshot=1", "a snapshot of 'trades'"),
        ("schema=mbo|stype_in=raw_symbol|symbols=" + ",".join("A" * 501), "501 symbols in a line"),
        ("what", "no line of name=value"),
        (b"\xff\xff", "not UTF-8"),
        ("s" * 70_000, "a line of more than"),
    ],
)
def test_an_invalid_request_is_told_and_ends_the_session(
    running: Running, four_instruments: bt.Tape, line: str | bytes, says: str
) -> None:
    got = _session(running, four_instruments, [line, "\nstart_session\n"])
    (error,) = got.of(dbn.ErrorMsg)
    assert error.code == dbn.ErrorCode.INVALID_SUBSCRIPTION
    assert says in error.err
    assert got.data == []


def test_an_error_waits_until_the_client_listens(running: Running, four_instruments: bt.Tape) -> None:
    """A client that finds its session closed when it starts would never hear why."""
    client = running.live()
    client.subscribe(**mbo(four_instruments, schema="cmbp-1"))
    received(running.live(), mbo(four_instruments))
    client.start()
    with pytest.raises(databento.BentoError, match="schema is 'cmbp-1'"):
        client.block_for_close(PATIENCE)


def test_a_session_that_has_started_takes_no_second_start(four_instruments: bt.Tape) -> None:
    with gateway(four_instruments, options=STAYING) as running:
        got = _session(running, four_instruments, ["start_session\n", "start_session=0\n"])
    assert got.said == ["the session has started already"]


def test_lines_of_one_request_must_ask_for_the_same(running: Running, four_instruments: bt.Tape) -> None:
    got = _session(
        running,
        four_instruments,
        [
            "schema=mbo|stype_in=raw_symbol|symbols=A|id=1|is_last=0\n",
            "schema=trades|stype_in=raw_symbol|symbols=B|id=1|is_last=1\n",
            "start_session\n",
        ],
    )
    assert got.said == ["the lines of request 1 differ in more than their symbols"]


def test_errors_go_compressed_where_the_session_is(running: Running, four_instruments: bt.Tape) -> None:
    import zstandard

    with Raw(running.port) as client:
        client.authenticate(four_instruments.dataset, more="|compression=zstd")
        client.send("schema=none|stype_in=raw_symbol|symbols=A\nstart_session\n")
        decoder = dbn.DBNDecoder()
        decoder.write(zstandard.ZstdDecompressor().decompressobj().decompress(client.rest()))
        assert "schema is 'none'" in Received(decoder.decode()).said[0]


def test_what_is_unsubscribed_comes_no_longer(running: Running, four_instruments: bt.Tape) -> None:
    """Databento's Rust client says so; before the start it is as if it had not been asked for."""
    one, other = (str(each.symbol) for each in four_instruments.instruments[:2])
    got = _session(
        running,
        four_instruments,
        [
            f"schema=mbo|stype_in=raw_symbol|symbols={one},{other}|id=1|is_last=1\n",
            f"unsubscribe|schema=mbo|stype_in=raw_symbol|symbols={one},NONE|is_last=1\n",
            "start_session\n",
        ],
    )
    records = four_instruments.to_numpy()
    kept = next(each.instrument_id for each in four_instruments.instruments if each.symbol == other)
    assert got.bytes == records[records["instrument_id"] == kept].tobytes()
    assert [each.code for each in got.of(dbn.SystemMsg)] == [
        dbn.SystemCode.SUBSCRIPTION_ACK,
        dbn.SystemCode.UNSUBSCRIBE_ACK,
    ]
    assert len(got.of(dbn.ErrorMsg)) == 1
    assert len(got.of(dbn.SymbolMappingMsg)) == 2


def test_a_flood_of_requests_is_read_no_faster_than_it_is_answered(running: Running, four_instruments: bt.Tape) -> None:
    line = "schema=mbo|stype_in=raw_symbol|symbols=NONE\n"
    got = _session(running, four_instruments, [line * 1_001, "start_session\n"])
    assert got.said == ["more than 1,000 subscriptions in a session"]
    line = f"schema=mbo|stype_in=raw_symbol|symbols={','.join(map(str, range(500)))}|is_last=0\n"
    got = _session(running, four_instruments, [line * 201, "start_session\n"])
    assert got.said == ["more than 100,000 symbols in a session; ALL_SYMBOLS asks for all"]
