"""Files with records of all types, and what Databento's decoder makes of them."""

from random import Random

from databento_dbn import DBNDecoder

import booktape as bt
from tests.dbn_files import metadata

BESIDE = {
    "status": (0x12, 40, 40),
    "definition": (0x13, 400, 520),
    "imbalance": (0x14, 112, 112),
    "statistics": (0x18, 64, 80),
}
"""Record type, bytes in version 2 and in version 3."""


def aside(kind: str, version: int, instrument_id: int, ts: int, seed: int) -> bytes:
    """A record of another type, with any content."""
    rtype, old, new = BESIDE[kind]
    size = new if version == 3 else old - 40 if (kind, version) == ("definition", 1) else old
    head = bytes([size // 4, rtype]) + (1).to_bytes(2, "little") + instrument_id.to_bytes(4, "little")
    return head + ts.to_bytes(8, "little") + Random(seed).randbytes(size - 16)


def upgraded(record: bytes, version: int) -> bytes:
    """As Databento's decoder brings it to version 3."""
    decoded = DBNDecoder(has_metadata=False, input_version=version).write_and_decode(record)
    return bytes(decoded[0])


def mixed(version: int, *, seed: int = 1, records: int = 3_000) -> tuple[bytes, bytes]:
    """A file with records of all types, and everything that a client of all schemas gets of it."""
    dice, ids = Random(seed), [1, 2]
    flow = bt.synthesize(messages=records, instruments=2, seed=seed).to_numpy()
    raw, sent = [metadata(version)], []
    for n, record in enumerate(flow):
        many = 700 if n == 1_000 else dice.random() < 0.2
        for _ in range(int(many)):
            kind = dice.choice(sorted(BESIDE))
            beside = aside(kind, version, dice.choice(ids), n, dice.randrange(2**32))
            raw.append(beside)
            sent.append(upgraded(beside, version))
        raw.append(record.tobytes())
        sent.append(record.tobytes())
    behind = aside("status", version, 1, records, 5)
    return b"".join([*raw, behind]), b"".join([*sent, upgraded(behind, version)])
