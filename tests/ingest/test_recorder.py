"""Recording from an upstream by Databento's own client: nothing is lost, nothing repeated, and gaps are told."""

from __future__ import annotations

import random
import re
import subprocess
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import booktape as bt
from booktape.ingest import Event, Recorder, RefusedError, SessionError, Subscription, Upstream, open_or_create
from tests.ingest.upstream import KEY, Fault, error, records_of, system
from tests.ingest.upstream import Upstream as Server
from tests.small_disk import small_disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

EVERYTHING = Subscription("GLBX.MDP3", start=0)


class Recording:
    """A recorder of a server, with what it told."""

    def __init__(
        self,
        store: bt.Store,
        server: Server,
        subscription: Subscription = EVERYTHING,
        key: str = KEY,
        name: str = "feed",
        **options: Any,
    ) -> None:
        self.events: list[Event] = []
        self.recorder = Recorder(
            open_or_create(store, name, "GLBX.MDP3"),
            subscription,
            Upstream(key, "127.0.0.1", server.port),
            pause=lambda _: None,
            tell=self.events.append,
            **{"once": True, **options},
        )

    def run(self) -> bt.Tape:
        self.recorder.run()
        return self.recorder.tape.tape()

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[bt.Store]:
    with bt.Store(tmp_path / "data") as store:
        yield store


@pytest.fixture(scope="module")
def source() -> np.ndarray:
    """Records of a minute and more, in order."""
    return bt.synthesize(messages=20_000, instruments=3, seed=4).to_numpy()


def test_a_session_is_recorded_byte_for_byte(store: bt.Store, source: np.ndarray) -> None:
    with Server(source) as server:
        recording = Recording(store, server)
        tape = recording.run()
    assert records_of(tape) == source.tobytes()
    assert tape.gaps == []
    assert tape.other_records == {}
    progress = recording.recorder.progress
    assert (progress.records, progress.repeated, progress.gaps, progress.sessions) == (20_000, 0, 0, 1)
    assert recording.kinds == ["closed"]


def test_connections_that_are_reset_a_hundred_times_leave_the_source(store: bt.Store, clx5: Path) -> None:
    source = bt.open(clx5).to_numpy()
    dice = random.Random(6)
    faults = deque(Fault(dice.randrange(1, 80_000)) for _ in range(100))
    with Server(source, faults) as server:
        recording = Recording(store, server, patient=True)
        tape = recording.run()
    assert records_of(tape) == source.tobytes()
    assert tape.gaps == []
    assert recording.recorder.progress.sessions == 101
    assert recording.recorder.progress.repeated > 1_000


def test_resets_within_a_snapshot_leave_the_source_too(store: bt.Store, esm4: Path) -> None:
    source = bt.open(esm4).to_numpy()
    dice = random.Random(7)
    faults = deque(Fault(dice.randrange(1, 2 * source.nbytes)) for _ in range(12))
    with Server(source, faults) as server:
        tape = Recording(store, server, patient=True).run()
    assert records_of(tape) == source.tobytes()
    assert tape.gaps == []


def test_half_a_record_is_none(store: bt.Store, source: np.ndarray) -> None:
    faults = deque([Fault(56 * 900 + 17, closes=True)])
    with Server(source, faults) as server:
        recording = Recording(store, server)
        assert len(recording.run()) == 900
        assert records_of(recording.run()) == source.tobytes()


def test_a_record_that_is_none_ends_the_session_and_nothing_is_lost(store: bt.Store, source: np.ndarray) -> None:
    faults = deque(
        [Fault(56 * 900, insert=b"\x0e\x99" * 28, closes=True), Fault(56 * 5_000, insert=b"\x00" * 56, closes=True)]
    )
    with Server(source, faults) as server:
        recording = Recording(store, server, patient=True)
        tape = recording.run()
    assert records_of(tape) == source.tobytes()
    assert recording.kinds == ["corrupt", "corrupt", "closed"]
    assert recording.recorder.progress.corrupt == 2


def test_time_that_goes_backwards_is_recorded_as_it_is(store: bt.Store, source: np.ndarray) -> None:
    source = source.copy()
    source["ts_event"][7_000:] -= 2_000_000_000
    source["ts_recv"][7_000:] -= 2_000_000_000
    faults = deque(Fault(56 * count) for count in (6_999, 150, 300, 7_000, 900))
    with Server(source, faults) as server:
        tape = Recording(store, server, patient=True).run()
    assert records_of(tape) == source.tobytes()
    assert tape.gaps == []


@pytest.mark.parametrize("is_said", [True, False])
def test_what_is_too_long_ago_is_a_gap_and_the_recording_goes_on(
    store: bt.Store, source: np.ndarray, *, is_said: bool
) -> None:
    later = int(source["ts_event"][12_000])
    with Server(source, deque([Fault(56 * 5_000, closes=True)])) as server:
        recording = Recording(store, server)
        recording.run()
        server.live_from = later
        if is_said:
            server.oldest = later
        else:
            server.silently_from = later
        tape = recording.run()
    rest = source[source["ts_event"] >= later]
    assert records_of(tape) == source[:5_000].tobytes() + rest.tobytes()
    [gap] = tape.gaps
    start, end = int(source["ts_recv"][4_999]), int(rest["ts_recv"][0])
    assert gap[:5] == (5_000, start, end, None, None)
    between = f"after {start}" if is_said else f"between {start} and {end}"
    assert gap.text == f"gap: records {between} are missing"
    assert ("gap" in recording.kinds) == is_said
    suspects = [book["suspect"] for book in tape.audit()["books"]]
    assert suspects
    assert all(why == "records before record 5000 are missing, and no snapshot has come since" for why in suspects)
    databento = pytest.importorskip("databento")
    written = Path(store.folder) / "gap.dbn"
    tape.to_dbn(written)
    errors = [record for record in databento.DBNStore.from_bytes(written.read_bytes()) if hasattr(record, "err")]
    assert [record.err for record in errors] == [gap.text]


def test_a_snapshot_that_breaks_off_begins_again(store: bt.Store, esm4: Path) -> None:
    source = bt.open(esm4).to_numpy()
    is_snapshot = (source["flags"] & 32) != 0
    snapshot, live = source[is_snapshot], source[~is_snapshot]
    begin = int(live["ts_event"].min())
    asks = Subscription("GLBX.MDP3", ("ESM4",), snapshot=True)
    faults = deque([Fault(56 * 4_000)])
    with Server(live, faults, snapshot=snapshot.tobytes(), live_from=begin) as server:
        recording = Recording(store, server, asks, patient=True)
        tape = recording.run()
    asked = [(each.start, each.snapshot) for session in server.asked for each in session]
    assert asked == [(None, True), (None, True)]
    begun = len(tape) - len(source)
    assert records_of(tape)[56 * begun :] == snapshot.tobytes() + live.tobytes()
    assert [book["suspect"] for book in tape.audit()["books"]] == [None]
    assert [gap.index for gap in tape.gaps] == ([begun] if begun else [])


def test_a_session_goes_on_with_a_start_and_no_snapshot(store: bt.Store, source: np.ndarray) -> None:
    asks = Subscription("GLBX.MDP3", ("A", "B"), snapshot=True, beside=("definition", "status"))
    with Server(source, deque([Fault(56 * 3_000, closes=True)])) as server:
        recording = Recording(store, server, asks)
        recording.run()
        recording.run()
    first, second = server.asked
    assert [(each.schema, each.symbols, each.start, each.snapshot) for each in first] == [
        ("mbo", "A,B", None, True),
        ("definition", "A,B", None, False),
        ("status", "A,B", None, False),
    ]
    last = int(source["ts_event"][2_999])
    starts = {each.start for each in second if each.start is not None}
    assert [last - 11_000_000_000 < start <= last for start in starts] == [True]
    assert not any(each.snapshot for each in second)


def test_a_key_that_is_refused_is_told_and_not_shown(store: bt.Store, source: np.ndarray) -> None:
    wrong = "db-another-made-up-key-012345678"
    with Server(source) as server:
        recording = Recording(store, server, key=wrong, patient=True)
        with pytest.raises(bt.CredentialsError, match="the gateway refused: User authentication failed") as told:
            recording.run()
    assert wrong not in str(told.value)
    assert wrong not in repr(Upstream(wrong))


def test_an_upstream_that_was_never_reached_is_told(store: bt.Store, source: np.ndarray) -> None:
    with Server(source) as server:
        recording = Recording(store, server)
    with pytest.raises(SessionError, match=r"Connection to 127\.0\.0\.1:\d+ failed"):
        recording.run()


def test_what_the_upstream_says_is_told(store: bt.Store, source: np.ndarray) -> None:
    says = system("you are slow", code=2) + error("XYZ did not resolve", code=4) + system("Heartbeat", code=0)
    with Server(source, says=says) as server:
        recording = Recording(store, server)
        tape = recording.run()
    assert recording.events[:2] == [("warning", "you are slow"), ("error", "XYZ did not resolve")]
    assert tape.other_records == {}
    with Server(source, says=error("no such schema", code=5)) as server:
        recording = Recording(store, server, name="refused")
        with pytest.raises(RefusedError, match="no such schema"):
            recording.run()


def test_a_disk_that_is_full_keeps_what_was_written(tmp_path: Path, clx5: Path) -> None:
    source = bt.open(clx5).to_numpy()
    with small_disk(tmp_path, 1) as disk, bt.Store(disk / "data") as store, Server(source) as server:
        with pytest.raises(bt.InputError, match="No space left"):
            Recording(store, server).run()
        recording = Recording(store, server)
        kept = records_of(recording.recorder.tape.tape())
        assert kept == source.tobytes()[: len(kept)]
        assert kept
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        assert records_of(recording.run()) == source.tobytes()
        del recording


def test_a_key_has_the_right_length() -> None:
    with pytest.raises(bt.ParameterError, match="the API key has 6 characters") as told:
        Upstream("secret")
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dataset": ""}, "dataset = ''"),
        ({"symbols": ("A", "")}, "symbols = 'A,'"),
        ({"stype_in": "isin"}, "stype_in = 'isin': one of raw_symbol"),
        ({"beside": ("trades",)}, "schema = 'trades': mbo, and beside it"),
        ({"snapshot": True, "start": 5}, "snapshot = True"),
    ],
)
def test_subscriptions_are_checked(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(bt.ParameterError, match=re.escape(message)):
        Subscription(**{"dataset": "GLBX.MDP3", **wrong})
