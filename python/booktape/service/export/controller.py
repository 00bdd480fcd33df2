"""Routes that give a whole tape as a file."""

from http import HTTPStatus

from litestar import Controller, Response, get
from litestar.di import NamedDependency

from booktape import Tape
from booktape.parameters import bad_parameter
from booktape.service.deck import Deck
from booktape.service.documentation import files
from booktape.service.downloads import Downloads
from booktape.service.export.archive import archive
from booktape.service.export.parameters import ExportFormat, WithParquet
from booktape.service.parameters.known import only_known_parameters
from booktape.service.parameters.shared import TapeId
from booktape.service.problems import responses
from booktape.service.streams.slots import EXPORTS
from booktape.values import Form

ZIP = "application/zip"
ZSTD = "application/zstd"
CSV = "text/csv"
PARQUET = "application/vnd.apache.parquet"
FILES: dict[str, tuple[str, Form]] = {"dbn": (ZSTD, "dbn.zst"), "csv": (CSV, "csv"), "parquet": (PARQUET, "parquet")}
"""Of each format but zip: its media type, and what it is made as, which also ends its name."""


class ExportController(Controller):
    """A tape to be kept."""

    tags = ("exports",)
    opt = {EXPORTS: True}  # noqa: RUF012 - Litestar reads it from the class
    guards = (only_known_parameters,)

    @get(
        "/api/market/export",
        summary="The first tape as a zip",
        operation_id="exportMarket",
        media_type=ZIP,
        operation_class=files({ZIP: "The zip."}),
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
    )
    async def market(
        self, deck: NamedDependency[Deck], downloads: NamedDependency[Downloads], parquet: WithParquet = False
    ) -> Response[None]:
        """The first tape as DBN and as CSV, its instruments, its final books and its audit, with a manifest.

        The zip is made while it is sent, in bounded memory: a response that breaks off is an archive without its end,
        which every program notices. `README.txt` inside says how to open what, `manifest.json` has the size and SHA-256
        of every file. The same tape gives the same bytes.
        """
        return _zip(deck.first().tape, downloads, parquet=parquet)

    @get(
        "/api/v1/tapes/{tape:str}/export",
        summary="A tape as a file",
        operation_id="exportTape",
        media_type=ZIP,
        operation_class=files(
            {
                ZIP: "`format=zip`: everything, with a manifest.",
                ZSTD: "`format=dbn`: the tape as it was read, a DBN file compressed with zstd.",
                CSV: "`format=csv`: its MBO records, as databento's `to_csv` writes them.",
                PARQUET: "`format=parquet`: its MBO records as columns.",
            }
        ),
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
    )
    async def tape(
        self,
        deck: NamedDependency[Deck],
        downloads: NamedDependency[Downloads],
        tape: TapeId,
        form: ExportFormat = "zip",
        parquet: WithParquet = False,
    ) -> Response[None]:
        """The whole tape, made while it is sent, in bounded memory.

        `zip` is `README.txt`, `tape.dbn.zst`, `records.csv` (and `records.parquet` if asked), `instruments.json`,
        `books.json`, `audit.json`, and `manifest.json` with the size and SHA-256 of each. DBN keeps records of other
        types than MBO in their places. A response that breaks off has no regular end: take it for nothing.
        """
        exported = deck.tape(tape).tape
        if form == "zip":
            return _zip(exported, downloads, parquet=parquet)
        if parquet:
            raise bad_parameter("parquet", parquet, "goes with format=zip; format=parquet is the columns alone")
        media_type, kind = FILES[form]
        return downloads.response(
            lambda look: exported.pieces(kind, progress=look), media_type=media_type, filename=f"{exported.id}.{kind}"
        )


def _zip(tape: Tape, downloads: Downloads, *, parquet: bool) -> Response[None]:
    return downloads.response(
        lambda look: archive(tape, parquet=parquet, progress=look), media_type=ZIP, filename=f"{tape.id}.zip"
    )
