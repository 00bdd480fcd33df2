"""The route for rows of other schemas."""

from http import HTTPStatus

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec

from booktape.lookup import find_ids
from booktape.parameters import bad_parameter
from booktape.service.deck import Deck
from booktape.service.derive.parameters import DerivedSchema, RowLimit, RowsFormat
from booktape.service.derive.schemas import BarRow, EventRow, MboRow, SampleRow
from booktape.service.documentation import files
from booktape.service.downloads import Downloads
from booktape.service.export.controller import CSV, PARQUET, ZSTD
from booktape.service.parameters.known import only_known_parameters
from booktape.service.parameters.shared import From, OnlyInstrument, OnlyPublisher, TapeId, To
from booktape.service.problems import responses
from booktape.service.streams.slots import EXPORTS
from booktape.values import Form

JSON = "application/json"
ARROW = "application/vnd.apache.arrow.stream"

FILES: dict[str, tuple[str, Form, str]] = {
    "csv": (CSV, "csv", "csv"),
    "dbn": (ZSTD, "dbn.zst", "dbn.zst"),
    "parquet": (PARQUET, "parquet", "parquet"),
    "arrow": (ARROW, "arrow", "arrows"),
}
"""Of each format that is to be kept: its media type, what it is made as, and the end of its name."""

JSON_ROWS = 1_000
"""Rows of JSON where no limit is given: people click it."""


class DeriveController(Controller):
    """Rows of a tape."""

    tags = ("exports",)
    opt = {EXPORTS: True}  # noqa: RUF012 - Litestar reads it from the class
    guards = (only_known_parameters,)

    @get(
        "/api/v1/tapes/{tape:str}/derive/{schema:str}",
        summary="Rows of another schema",
        operation_id="deriveRows",
        media_type=JSON,
        operation_class=files(
            {
                CSV: "`format=csv`: as databento's `to_csv` writes them.",
                ZSTD: "`format=dbn`: a DBN file compressed with zstd.",
                PARQUET: "`format=parquet`: columns.",
                ARROW: "`format=arrow`: columns, as an Arrow IPC stream.",
            }
        ),
        responses={
            HTTPStatus.OK: ResponseSpec(
                list[MboRow | EventRow | SampleRow | BarRow],
                description="Rows in the order of the tape. `format=json`: one array, a row on each line.",
                generate_examples=False,
            )
        }
        | responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.SERVICE_UNAVAILABLE),
    )
    async def rows(
        self,
        deck: NamedDependency[Deck],
        downloads: NamedDependency[Downloads],
        tape: TapeId,
        schema: DerivedSchema,
        start: From = None,
        end: To = None,
        instrument: OnlyInstrument = None,
        publisher: OnlyPublisher = None,
        form: RowsFormat = "json",
        limit: RowLimit = None,
    ) -> Response[None]:
        """Rows made from the records while they are sent, of books built from the tape's beginning.

        JSON is one array in Databento's layout, 64-bit numbers as strings, and ends after 1,000 rows unless `limit`
        says otherwise. The other formats are files of all rows. A response that breaks off has no regular end.
        """
        loaded = deck.tape(tape)
        derived = loaded.tape
        instrument_id, publisher_id = find_ids(
            derived, *(None if ref is None else str(ref) for ref in (instrument, publisher))
        )
        first = loaded.position_from(start)
        if end is not None and loaded.position_from(end, "to") < first:
            raise bad_parameter("to", end, f"it is before from, which is record {first:,}")
        rows = derived.derive(
            schema,
            start=None if start is None else start.moment,
            end=None if end is None else end.moment,
            instrument_id=instrument_id,
            publisher_id=publisher_id,
            limit=JSON_ROWS if limit is None and form == "json" else limit,
        )
        if form == "json":
            return downloads.response(lambda look: rows.pieces("json", progress=look), media_type=JSON)
        media_type, kind, ending = FILES[form]
        filename = f"{derived.id}.{schema}.{ending}"
        return downloads.response(
            lambda look: rows.pieces(kind, progress=look), media_type=media_type, filename=filename
        )
