"""As what a tape is exported."""

from typing import Annotated, Literal, TypeAlias

from litestar.params import QueryParameter

from booktape.service.parameters.examples import examples

ExportFormat: TypeAlias = Annotated[
    Literal["zip", "dbn", "csv", "parquet"],
    QueryParameter(
        name="format",
        description="`zip` is everything with a manifest; the others are one file: zstd-compressed DBN, CSV, Parquet.",
        examples=examples(everything="zip", databento="dbn", text="csv", columns="parquet"),
    ),
]
WithParquet: TypeAlias = Annotated[
    bool,
    QueryParameter(name="parquet", description="Also the records as Parquet, in the zip.", examples=examples(yes=True)),
]
