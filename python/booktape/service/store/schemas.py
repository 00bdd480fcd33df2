"""What the store routes answer."""

import msgspec

from booktape.service.tapes.schemas import MboRecord


class TapeInStore(msgspec.Struct):
    """How far a tape is in the store."""

    id: str
    """The tape's id."""
    name: str
    """Its name."""
    dataset: str
    """Databento's dataset code."""
    first_index: int
    """Index of the first record in the store: those before it were dropped."""
    high_water_mark: int
    """Index of the first record that is not in the store yet."""
    records: int | None
    """Records on the tape now; null for a tape that this service does not serve."""
    lag: int | None
    """Records that are not in the store yet; null for a tape that this service does not serve."""
    error: str | None
    """Why the tape does not get on, where it does not. It is tried again, and nothing is lost."""


class StoreState(msgspec.Struct):
    """What the store is and holds."""

    schema_version: int
    """The version of its tables."""
    bytes: int
    """Size of the database and its journal."""
    indexed: bool
    """Whether its indices are there: not while many records are added at once, when answers take longer."""
    rows: int
    """Records in the store."""
    tapes: list[TapeInStore]
    """Its tapes, in the order they came."""
    error: str | None
    """What went wrong in the background and was not made up for yet."""


class StoredMessage(MboRecord):
    """An MBO record, and which tape it is of."""

    tape: str
    """The tape's id."""


class StoredMessages(msgspec.Struct):
    """Some messages."""

    messages: list[StoredMessage]
    """Those of an instrument or an order in order of ts_recv, all others in order of tape and index."""
    next: str | None
    """`after` of the next page; null behind the last message."""
