"""The route for rows of other schemas."""

from http import HTTPStatus

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec

from booktape import Tape
from booktape.lookup import find_ids
from booktape.moment import Moment, iso
from booktape.parameters import bad_parameter
from booktape.service.deck import Deck
from booktape.service.derive.schemas import BarRow, EventRow, MboRow, SampleRow
from booktape.service.documentation import files
from booktape.service.downloads import Downloads
from booktape.service.export.controller import CSV, PARQUET, ZSTD
from booktape.service.parameters import (
    DerivedSchema,
    From,
    OnlyInstrument,
    OnlyPublisher,
    RowLimit,
    RowsFormat,
    TapeId,
    To,
    When,
    only_known_parameters,
)
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
        derived = deck.tape(tape).tape
        instrument_id, publisher_id = find_ids(
            derived, *(None if ref is None else str(ref) for ref in (instrument, publisher))
        )
        first, last = _within(derived, "from", start), _within(derived, "to", end)
        if first is not None and last is not None and _position(derived, last) < _position(derived, first):
            raise bad_parameter("to", _words(last), f"it is before from = {_words(first)!r}")
        rows = derived.derive(
            schema,
            start=first,
            end=last,
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


def _within(tape: Tape, name: str, when: When | None) -> Moment | None:
    """A moment that the tape has; an index may be that behind its last record."""
    if when is None:
        return None
    moment, start, end = when.moment, tape.start_ns, tape.end_ns
    if moment.index is not None and moment.index > len(tape):
        raise bad_parameter(name, _words(moment), f"an index from 0 to {len(tape):,}, the end of the tape")
    if moment.ts is not None:
        if start is None or end is None:
            raise bad_parameter(name, _words(moment), "the tape is empty")
        if not start <= moment.ts <= end:
            outside = f"outside the tape, which runs from {iso(start)} to {iso(end)}"
            raise bad_parameter(name, _words(moment), outside)
    return moment


def _position(tape: Tape, moment: Moment) -> int:
    return tape.first_at(moment) if moment.index is None else moment.index


def _words(moment: Moment) -> str:
    """A moment as it may be asked for."""
    return f"ns:{moment.ts}" if moment.index is None else str(moment.index)
