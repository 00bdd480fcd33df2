"""Which rows, and as what."""

from typing import Annotated, Literal, TypeAlias

from litestar.params import PathParameter, QueryParameter

from booktape.service.parameters.examples import examples
from booktape.values import Schema as RowSchema

DerivedSchema: TypeAlias = Annotated[
    RowSchema,
    PathParameter(
        description="What the rows are: Databento's name of the schema. `mbo` is the records as they are.",
        examples=examples(depth="mbp-10", bars="ohlcv-1m", trades="trades"),
    ),
]
RowsFormat: TypeAlias = Annotated[
    Literal["json", "csv", "dbn", "parquet", "arrow"],
    QueryParameter(
        name="format",
        description="`json` is one array, the others are files: CSV, zstd-compressed DBN, Parquet, Arrow IPC stream.",
        examples=examples(to_look_at="json", text="csv", databento="dbn", columns="parquet"),
    ),
]
RowLimit: TypeAlias = Annotated[
    int | None,
    QueryParameter(
        name="limit",
        ge=1,
        le=2**53,
        description="At most so many rows. Without it 1,000 as JSON, and all of them in the other formats.",
        examples=examples(ten=10),
    ),
]
