"""What the gateway itself says once a session has begun: metadata, and the records that are no market data."""

from __future__ import annotations

import time
from enum import IntEnum

from databento_dbn import (
    UNDEF_TIMESTAMP,
    ErrorCode,
    ErrorMsg,
    Metadata,
    SType,
    SymbolMappingMsg,
    SystemCode,
    SystemMsg,
)

VERSION = 3
"""The DBN version of sessions."""
TEXT = 300
"""Characters of a message that fit."""


class Notice(IntEnum):
    """What a message tells that is no error: the codes of Databento's SystemMsg."""

    HEARTBEAT = 0
    SUBSCRIBED = 1
    SLOW_READER = 2
    REPLAY_COMPLETED = 3
    UNSUBSCRIBED = 5
    OTHER = 255


class Failure(IntEnum):
    """What went wrong: the codes of Databento's ErrorMsg. But for symbols and skipped records, the session ends."""

    SYMBOL_NOT_FOUND = 4
    INVALID_SUBSCRIPTION = 5
    INTERNAL = 6
    SKIPPED_RECORDS = 7
    AGED_OUT = 8


class Messages:
    """Makes the messages of one session."""

    def __init__(self, dataset: str, *, ts_out: bool) -> None:
        self._dataset = dataset
        self._ts_out = ts_out

    def metadata(self, start: int) -> bytes:
        """What a session begins with. It never differs but in `start`: clients that come again compare it."""
        metadata = Metadata(
            dataset=self._dataset,
            start=start,
            stype_in=None,
            stype_out=SType("instrument_id"),
            schema=None,
            ts_out=self._ts_out,
            version=VERSION,
        )
        return metadata.encode()

    def system(self, notice: Notice, text: str, ts: int) -> bytes:
        """A message that is no error."""
        return bytes(SystemMsg(ts, text[:TEXT], SystemCode(notice), self.sent()))

    def heartbeat(self, ts: int) -> bytes:
        """A sign of life."""
        return self.system(Notice.HEARTBEAT, "Heartbeat", ts)

    def error(self, failure: Failure, text: str, ts: int, *, is_last: bool = True) -> bytes:
        """An error; `is_last` of those that one request led to."""
        return bytes(ErrorMsg(ts, text[:TEXT], is_last, ErrorCode(failure), self.sent()))

    def mapping(self, instrument_id: int, asked: str, stype_in: str, means: str, ts: int) -> bytes:
        """What a symbol that was asked for stands for."""
        return bytes(
            SymbolMappingMsg(
                publisher_id=0,
                instrument_id=instrument_id,
                ts_event=ts,
                stype_in=SType(stype_in),
                stype_in_symbol=asked,
                stype_out=SType("instrument_id"),
                stype_out_symbol=means,
                start_ts=UNDEF_TIMESTAMP,
                end_ts=UNDEF_TIMESTAMP,
                ts_out=self.sent(),
            )
        )

    def sent(self) -> int:
        """The time to stamp what is sent now with: none where the client asked for no stamps."""
        return time.time_ns() if self._ts_out else UNDEF_TIMESTAMP
