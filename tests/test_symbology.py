"""What symbols mean on a tape."""

from datetime import date
from types import SimpleNamespace

import pytest
from databento_dbn import InstrumentClass, InstrumentDefMsg, Metadata, Schema, SecurityUpdateAction, SType

import booktape as bt
from booktape.symbology import ALL_SYMBOLS, Resolved, resolve
from tests.dbn_files import metadata

DAY = 86_400 * 10**9
FIRST_DAY = date(2025, 9, 1)
FIRST = (FIRST_DAY - date(1970, 1, 1)).days * DAY


def definition(instrument_id: int, raw_symbol: str, asset: str, letter: str) -> bytes:
    made = InstrumentDefMsg(
        publisher_id=1,
        instrument_id=instrument_id,
        ts_event=FIRST,
        ts_recv=FIRST,
        min_price_increment=1,
        display_factor=1,
        raw_symbol=raw_symbol,
        asset=asset,
        security_type="FUT",
        instrument_class=InstrumentClass.from_str(letter),
        security_update_action=SecurityUpdateAction.from_str("A"),
    )
    return bytes(made)[:520]


def tape_of(symbols: dict[int, str], *, beside: bytes = b"", days: int = 1) -> bt.Tape:
    """A tape of a record a day."""
    intervals = {
        symbol: [SimpleNamespace(start_date=FIRST_DAY, end_date=date(2026, 1, 1), symbol=str(number))]
        for number, symbol in symbols.items()
    }
    head = Metadata(
        dataset="GLBX.MDP3",
        start=0,
        stype_in=SType.from_str("raw_symbol"),
        stype_out=SType.from_str("instrument_id"),
        schema=Schema.from_str("mbo"),
        symbols=list(symbols.values()),
        mappings=[SimpleNamespace(raw_symbol=symbol, intervals=known) for symbol, known in intervals.items()],
        version=3,
    )
    records = bt.synthesize(messages=days, seed=1).to_numpy().copy()
    records["instrument_id"] = next(iter(symbols), 7)
    records["ts_recv"] = [FIRST + day * DAY for day in range(days)]
    return bt.open(head.encode() + beside + records.tobytes())


def ids(tape: bt.Tape, stype_in: str, symbol: str) -> list[int]:
    return [entry.instrument_id for entry in resolve(tape, stype_in, [symbol])[symbol]]


def test_symbols_and_numbers() -> None:
    tape = tape_of({1: "ESM4", 2: "CLX5"}, days=3)
    known = Resolved(2, "CLX5", FIRST_DAY, date(2025, 9, 4))
    assert resolve(tape, "raw_symbol", ["CLX5", "NQM4"]) == {"CLX5": [known], "NQM4": []}
    assert resolve(tape, "instrument_id", ["2", "3", "CLX5"]) == {"2": [known], "3": [], "CLX5": []}
    assert ids(tape, "raw_symbol", ALL_SYMBOLS) == ids(tape, "parent", ALL_SYMBOLS) == [1, 2]


@pytest.mark.parametrize(
    ("symbol", "parent"),
    [
        ("ESM4", "ES.FUT"),
        ("CLX25", "CL.FUT"),
        ("6EZ5", "6E.FUT"),
        ("M2KH6", "M2K.FUT"),
        ("ESM4-ESU4", "ES.FUT"),
        ("ESM4 C5000", "ES.OPT"),
    ],
)
def test_parents_by_the_spelling_of_futures(symbol: str, parent: str) -> None:
    assert ids(tape_of({1: symbol}), "parent", parent) == [1]


@pytest.mark.parametrize("symbol", ["CLX5-HOX5", "UD:1V: GN 0922", "AAPL", "esm4", "ES"])
def test_what_is_spelled_otherwise_has_no_parent(symbol: str) -> None:
    tape = tape_of({1: symbol})
    for parent in ("CL.FUT", "HO.FUT", "AAPL.FUT", "ES.FUT", "es.FUT", ".FUT", ""):
        assert ids(tape, "parent", parent) == []


def test_definitions_know_parents_better() -> None:
    beside = [
        definition(1, "ESM4", "ES", "F"),
        definition(2, "ESM4-ESU4", "ES", "S"),
        definition(3, "E1AM4 C5000", "E1A", "C"),
        definition(4, "CLX5", "XX", "F"),
        definition(5, "EUR/USD", "EUR", "X"),
        definition(6, "ESM4", "ES", "B"),
    ]
    tape = tape_of({1: "ESM4", 4: "CLX5", 8: "ESZ4"}, beside=b"".join(beside))
    assert ids(tape, "parent", "ES.FUT") == [1, 8, 2]
    assert ids(tape, "parent", "E1A.OPT") == [3]
    assert ids(tape, "parent", "CL.FUT") == []
    assert ids(tape, "parent", "XX.FUT") == [4]
    assert ids(tape, "parent", "EUR.SPOT") == [5]
    assert ids(tape, "raw_symbol", "E1AM4 C5000") == [3]


def test_the_latest_definition_holds() -> None:
    beside = definition(1, "ESM4", "ES", "F") + definition(1, "ESM4", "XX", "F")
    assert ids(tape_of({1: "ESM4"}, beside=beside), "parent", "XX.FUT") == [1]


def test_what_has_no_name_is_known_by_its_number() -> None:
    tape = tape_of({})
    (nameless,) = resolve(tape, "raw_symbol", ["7"])["7"]
    assert nameless == Resolved(7, "7", FIRST_DAY, date(2025, 9, 2))


def test_an_id_that_comes_to_mean_another_symbol() -> None:
    intervals = [
        SimpleNamespace(start_date=FIRST_DAY, end_date=date(2025, 9, 3), symbol="1"),
    ]
    later = [SimpleNamespace(start_date=date(2025, 9, 3), end_date=date(2025, 9, 5), symbol="1")]
    head = Metadata(
        dataset="GLBX.MDP3",
        start=0,
        stype_in=SType.from_str("raw_symbol"),
        stype_out=SType.from_str("instrument_id"),
        schema=Schema.from_str("mbo"),
        symbols=["OLD", "NEW"],
        mappings=[
            SimpleNamespace(raw_symbol="OLD", intervals=intervals),
            SimpleNamespace(raw_symbol="NEW", intervals=later),
        ],
        version=3,
    )
    records = bt.synthesize(messages=4, seed=1).to_numpy().copy()
    records["instrument_id"] = 1
    records["ts_recv"] = [FIRST + day * DAY for day in range(4)]
    tape = bt.open(head.encode() + records.tobytes())
    assert resolve(tape, "raw_symbol", ["OLD", "NEW"]) == {
        "OLD": [Resolved(1, "OLD", FIRST_DAY, date(2025, 9, 3))],
        "NEW": [Resolved(1, "NEW", date(2025, 9, 3), date(2025, 9, 5))],
    }


def test_which_contract_leads_is_not_known() -> None:
    assert ids(tape_of({1: "ESM4"}), "continuous", "ES.c.0") == []


def test_another_way_of_naming_is_refused() -> None:
    with pytest.raises(bt.ParameterError, match="resolved by raw_symbol, instrument_id, parent, continuous"):
        resolve(tape_of({1: "ESM4"}), "isin", ["x"])


def test_a_tape_without_records_has_its_symbols() -> None:
    assert ids(bt.open(metadata()), "raw_symbol", "CLX5") == [1]
