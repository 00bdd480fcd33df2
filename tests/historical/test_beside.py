"""Definitions, statuses and the like, where a tape has them: in version 3, whatever the file's."""

from pathlib import Path

import databento
import pytest

import booktape as bt
from booktape.settings import Settings
from tests.dbn_files import INSTRUMENT, metadata
from tests.historical.gateway import gateway
from tests.session.mixed import BESIDE, aside, upgraded

DATASET = "GLBX.MDP3"


def record(kind: str, version: int, ts: int, seed: int) -> bytes:
    made = bytearray(aside(kind, version, INSTRUMENT, ts, seed))
    made[16:24] = ts.to_bytes(8, "little")
    return bytes(made)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_what_lies_beside_the_records_can_be_had(version: int, tmp_path: Path) -> None:
    flow = bt.synthesize(messages=500, seed=1)
    begin = (flow.start_ns or 0) // 86_400_000_000_000 * 86_400_000_000_000
    path, raw, sent = tmp_path / "mixed.dbn", [metadata(version)], dict[str, list[bytes]]()
    for number, mbo in enumerate(flow.to_numpy()):
        for kind in sorted(BESIDE):
            beside = record(kind, version, begin + number, number)
            raw.append(beside)
            sent.setdefault(kind, []).append(upgraded(beside, version))
        raw.append(mbo.tobytes())
    path.write_bytes(b"".join(raw))
    with gateway(bt.open(path), settings=Settings(data_dir=tmp_path)) as running:
        client = running.client()
        assert set(BESIDE) < set(client.metadata.list_schemas(DATASET))
        for kind, wanted in sent.items():
            asked = {"start": begin + 100, "end": begin + 400, "schema": kind, "symbols": "CLX5"}
            with running.http() as plain:
                found = plain.post("/v0/timeseries.get_range", data={"dataset": DATASET, **asked}).content
            assert found.endswith(b"".join(wanted[100:400]))
            assert str(databento.DBNStore.from_bytes(found).metadata.schema) == kind
            assert client.metadata.get_record_count(DATASET, begin, begin + 10**9, schema=kind) == 500
