"""MBO records as blocks of bytes and numpy arrays: 56 bytes each, the layout and names of Databento's own arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from booktape.errors import InputError
from booktape.parameters import bad_parameter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from booktape import _native

    Records: TypeAlias = NDArray[np.void]
    """MBO records in a structured array, shape (n,)."""

RECORD_SIZE = 56
"""Bytes of an MBO record."""

_SIZE_WITH_TS_OUT = 64
_MBO_RTYPE = 160
_FIELDS = [
    ("length", "u1"),
    ("rtype", "u1"),
    ("publisher_id", "<u2"),
    ("instrument_id", "<u4"),
    ("ts_event", "<u8"),
    ("order_id", "<u8"),
    ("price", "<i8"),
    ("size", "<u4"),
    ("flags", "u1"),
    ("channel_id", "u1"),
    ("action", "S1"),
    ("side", "S1"),
    ("ts_recv", "<u8"),
    ("ts_in_delta", "<i4"),
    ("sequence", "<u4"),
]


def mbo_dtype() -> np.dtype[np.void]:
    """The dtype of MBO records, as ``databento.DBNStore.to_ndarray(schema="mbo")`` gives it.

    >>> mbo_dtype().itemsize
    56
    """
    import numpy as np

    return np.dtype(_FIELDS)


def from_buffer(buffer: _native.RecordBuffer, records: int) -> Records:
    """A read-only view of a tape's records, shape (records,)."""
    import numpy as np

    if records:
        return np.frombuffer(memoryview(buffer), dtype=mbo_dtype())
    empty: Records = np.empty(0, dtype=mbo_dtype())
    empty.flags.writeable = False
    return empty


def is_file(data: bytes) -> bool:
    """Whether bytes are a DBN file, plain or zstd, rather than bare records, which can begin like neither."""
    return data.startswith((b"DBN", b"\x28\xb5\x2f\xfd"))


def as_block(records: Any) -> memoryview:
    """Checks that records are something books understand, and gives them as one contiguous block."""
    if isinstance(records, (bytes, bytearray, memoryview)):
        block = bytes(records)
        if len(block) % RECORD_SIZE:
            raise InputError(
                f"bytes: {len(block):,} bytes are neither a DBN file nor whole records of {RECORD_SIZE} bytes; "
                "pass a DBN file's content, or records without their metadata"
            )
        return memoryview(block)
    return _as_contiguous(records)


def _as_contiguous(records: Any) -> memoryview:
    import numpy as np

    if not isinstance(records, np.ndarray):
        raise bad_parameter("source", type(records).__name__, "a Tape, bytes, or a numpy array of MBO records")
    if records.dtype != mbo_dtype():
        missing = [name for name, _ in _FIELDS if name not in (records.dtype.names or ())]
        why = f"without the fields {', '.join(missing)}" if missing else "with other types"
        raise bad_parameter(
            "source",
            f"array of {records.dtype.name}",
            f"an array of MBO records, not one {why}; take it from Tape.to_numpy or DBNStore.to_ndarray(schema='mbo')",
        )
    return np.ascontiguousarray(records).reshape(-1).view(np.uint8).data


def one_record(record: Any) -> bytes:
    """A record's bytes: of Databento's MBOMsg, of one element of a record array, or as they are.

    >>> len(one_record(bytes(56)))
    Traceback (most recent call last):
    ...
    booktape.ParameterError: record = 'bytes of record type 0x00': an MBO record (type 0xa0)
    """
    name = type(record).__name__
    if hasattr(record, "tobytes"):
        raw: bytes = record.tobytes()
    elif isinstance(record, (bytes, bytearray)) or hasattr(record, "__bytes__"):
        raw = bytes(record)
    else:
        raise bad_parameter("record", name, "a databento MBOMsg, one element of a record array, or bytes")
    if len(raw) not in {RECORD_SIZE, _SIZE_WITH_TS_OUT}:
        raise bad_parameter("record", f"{name} of {len(raw)} bytes", "one MBO record of 56 bytes (64 with ts_out)")
    if raw[1] != _MBO_RTYPE:
        raise bad_parameter("record", f"{name} of record type {raw[1]:#04x}", f"an MBO record (type {_MBO_RTYPE:#04x})")
    return raw
