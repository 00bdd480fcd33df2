"""Where the records of Databento's schemas say when they are, so that blocks of them can be looked at as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Layout(NamedTuple):
    """The layout of a schema's records, of DBN version 3.

    >>> Layout.of("mbo"), Layout.of("ohlcv-1s")
    (Layout(size=56, clock=40), Layout(size=56, clock=8))
    """

    size: int
    """Bytes of a record."""
    clock: int
    """Where its time is: ts_recv, or ts_event where it has no other. No version of DBN has it elsewhere."""

    @classmethod
    def of(cls, schema: str) -> Self:
        """The layout of a schema.

        Raises:
            ValueError: there is no such schema.
        """
        import numpy as np

        fields: Any = np.dtype(struct_of(schema)._dtypes)  # noqa: SLF001 - no public name says where fields are
        named = fields.fields
        return cls(fields.itemsize, named["ts_recv" if "ts_recv" in named else "ts_event"][1])

    def table(self, block: bytes) -> NDArray[np.uint8]:
        """Records as a table of bytes, shape (records, bytes of a record)."""
        import numpy as np

        return np.frombuffer(block, np.uint8).reshape(-1, self.size)

    def times(self, table: NDArray[np.uint8]) -> NDArray[np.uint64]:
        """When each record of a table is, shape (records,), in ns."""
        import numpy as np

        return np.ascontiguousarray(table[:, self.clock : self.clock + 8]).view(np.uint64).reshape(-1)


def struct_of(schema: str) -> Any:
    """Databento's class of a schema's records.

    Raises:
        ValueError: there is no such schema.
    """
    from databento.common.constants import SCHEMA_STRUCT_MAP
    from databento_dbn import DBNError, Schema

    try:
        return SCHEMA_STRUCT_MAP[Schema(schema)]
    except (KeyError, DBNError):
        raise ValueError(schema) from None
