"""The routes of Databento's Historical API that work without Databento."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

from anyio import to_thread
from litestar import Controller, HttpMethod, Request, Response, get, post, route
from litestar.di import NamedDependency

from booktape.historical import answer
from booktape.historical.catalog import Catalog
from booktape.historical.fields import ENCODINGS, fields, publishers
from booktape.historical.query import Query, Resolution, Symbols, required
from booktape.historical.refusals import backwards, malformed, unknown_schema
from booktape.service.deck import Deck
from booktape.service.downloads import Downloads
from booktape.service.streams.slots import EXPORTS
from booktape.spans import DAY, Span, days, read, stamp, start_of

Asked = Request[Any, Any, Any]
Value = TypeVar("Value")

OCTETS = "application/octet-stream"
_EITHER = [HttpMethod.GET, HttpMethod.POST]
"""Clients differ in how they ask for counts and costs."""
_COMPRESSIONS = ("none", "zstd")
_MODES = ("historical", "historical-streaming", "live")
_OF_EVERY_SCHEMA = "every schema's name"


class MetadataController(Controller):
    """What there is, and how much of it."""

    path = "/v0"

    @get("/metadata.list_publishers")
    async def list_publishers(self) -> list[dict[str, int | str]]:
        """All of Databento's."""
        return publishers()

    @get("/metadata.list_datasets")
    async def list_datasets(self, request: Asked, deck: NamedDependency[Deck]) -> list[str]:
        """Those of the loaded tapes, with records in the days that are asked for."""
        asked, catalog = await parameters(request), catalog_of(deck)
        first, end = _day(asked, "start_date"), _day(asked, "end_date")
        return [
            dataset.code
            for dataset in map(catalog.dataset, catalog.codes)
            if (first is None or days(dataset.available)[1] > first)
            and (end is None or days(dataset.available)[0] < end)
        ]

    @get("/metadata.list_schemas")
    async def list_schemas(self, request: Asked, deck: NamedDependency[Deck]) -> list[str]:
        """What rows a dataset's tapes give."""
        return catalog_of(deck).dataset(required(await parameters(request), "dataset")).schemas

    @get("/metadata.list_fields")
    async def list_fields(self, request: Asked) -> list[dict[str, str]]:
        """The fields of a schema's rows."""
        asked = await parameters(request)
        schema, encoding = required(asked, "schema"), required(asked, "encoding")
        if encoding not in ENCODINGS:
            raise malformed("encoding", encoding, f"one of {', '.join(ENCODINGS)}")
        try:
            return fields(schema, encoding)
        except ValueError:
            raise unknown_schema(schema, asked.get("dataset", "any"), [_OF_EVERY_SCHEMA]) from None

    @get("/metadata.list_unit_prices")
    async def list_unit_prices(self, request: Asked, deck: NamedDependency[Deck]) -> list[dict[str, object]]:
        """Nothing costs anything here."""
        dataset = catalog_of(deck).dataset(required(await parameters(request), "dataset"))
        return [{"mode": mode, "unit_prices": dict.fromkeys(dataset.schemas, 0.0)} for mode in _MODES]

    @get("/metadata.get_dataset_range")
    async def get_dataset_range(self, request: Asked, deck: NamedDependency[Deck]) -> dict[str, object]:
        """From the first day that there is anything of to the end of the last."""
        dataset = catalog_of(deck).dataset(required(await parameters(request), "dataset"))
        span = dataset.available
        there = {"start": stamp(span.start), "end": stamp(span.end)}
        first, end = days(span)
        old = {"start_date": first.isoformat(), "end_date": end.isoformat()}  # what older clients read
        return {**there, **old, "schema": dict.fromkeys(dataset.schemas, there)}

    @get("/metadata.get_dataset_condition")
    async def get_dataset_condition(self, request: Asked, deck: NamedDependency[Deck]) -> list[dict[str, str | None]]:
        """Day by day, whether there is anything of it."""
        asked = await parameters(request)
        dataset = catalog_of(deck).dataset(required(asked, "dataset"))
        first, end = days(dataset.available)
        last = end - timedelta(days=1)
        # A range may be wide; days without data are only told of between those with some.
        return dataset.conditions(
            max(_day(asked, "start_date") or first, first), min(_day(asked, "end_date") or last, last)
        )

    @route("/metadata.get_record_count", http_method=_EITHER, status_code=HTTPStatus.OK, opt={EXPORTS: True})
    async def get_record_count(
        self, request: Asked, deck: NamedDependency[Deck], downloads: NamedDependency[Downloads]
    ) -> Response[None]:
        """How many rows `get_range` gives."""
        return await _worked_out(answer.count, request, deck, downloads)

    @route("/metadata.get_billable_size", http_method=_EITHER, status_code=HTTPStatus.OK, opt={EXPORTS: True})
    async def get_billable_size(
        self, request: Asked, deck: NamedDependency[Deck], downloads: NamedDependency[Downloads]
    ) -> Response[None]:
        """How many bytes they are without compression."""
        return await _worked_out(answer.size, request, deck, downloads)

    @route("/metadata.get_cost", http_method=_EITHER, status_code=HTTPStatus.OK)
    async def get_cost(self, request: Asked, deck: NamedDependency[Deck]) -> float:
        """Nothing, for whatever can be had."""
        await query_of(request, deck)
        return 0.0


class SymbologyController(Controller):
    """What symbols mean."""

    path = "/v0"

    @post("/symbology.resolve", status_code=HTTPStatus.OK)
    async def resolve(self, request: Asked, deck: NamedDependency[Deck]) -> dict[str, object]:
        """From a type of symbols to another, day by day."""
        asked = await parameters(request)
        dataset = catalog_of(deck).dataset(required(asked, "dataset"))
        symbols = Symbols.of(asked)
        first = _day(asked, "start_date")
        if first is None:
            raise malformed("start_date", None, "the first day")
        end = _day(asked, "end_date") or first + timedelta(days=1)
        if first >= end:
            raise backwards(Span(start_of(first), start_of(end)))
        found = await to_thread.run_sync(Resolution.over, dataset, symbols, first, end)
        return {
            "result": {
                name: [
                    {"d0": start.isoformat(), "d1": stop.isoformat(), "s": becomes}
                    for start, stop, becomes in found.intervals(name)
                ]
                for name in found.mappings
            },
            "symbols": list(symbols.names),
            "stype_in": symbols.stype_in,
            "stype_out": symbols.stype_out,
            "start_date": first.isoformat(),
            "end_date": end.isoformat(),
            "partial": found.partial,
            "not_found": found.not_found,
            "message": "Not found" if found.not_found else "Partially resolved" if found.partial else "OK",
            "status": 2 if found.not_found else 1 if found.partial else 0,
        }


class TimeseriesController(Controller):
    """The rows themselves."""

    path = "/v0"

    @route("/timeseries.get_range", http_method=_EITHER, status_code=HTTPStatus.OK, opt={EXPORTS: True})
    async def get_range(
        self, request: Asked, deck: NamedDependency[Deck], downloads: NamedDependency[Downloads]
    ) -> Response[None]:
        """Rows of a schema, as DBN."""
        asked = await parameters(request)
        compression = asked.get("compression", "none")
        if (encoding := asked.get("encoding", "dbn")) != "dbn":
            raise malformed("encoding", encoding, "dbn here; the client libraries make text of it")
        if compression not in _COMPRESSIONS:
            raise malformed("compression", compression, f"one of {', '.join(_COMPRESSIONS)}")
        query = await query_of(request, deck)
        resolved = query.resolution
        some = HTTPStatus.PARTIAL_CONTENT if resolved.not_found or resolved.partial else HTTPStatus.OK
        made = partial(answer.dbn, query, compressed=compression == "zstd")
        return downloads.response(lambda look: made(look=look), media_type=OCTETS, status=some)


async def parameters(request: Asked) -> dict[str, str]:
    """What a request asks for, in its query or as a form; of what is said twice, the last."""
    asked = {name: str(value) for name, value in request.query_params.items()}
    if request.method == HttpMethod.POST:
        asked |= {name: str(value) for name, value in (await request.form()).items()}
    return asked


def catalog_of(deck: Deck) -> Catalog:
    """The loaded tapes as they are now; of those that grow, what there is."""
    return Catalog(loaded.tape for loaded in deck)


async def query_of(request: Asked, deck: Deck) -> Query:
    """The rows that a request asks for; symbols take a while to resolve where tapes have definitions."""
    asked, catalog = await parameters(request), catalog_of(deck)
    return await to_thread.run_sync(Query.of, asked, catalog)


async def _worked_out(
    work: Callable[[Query, answer.Look], int], request: Asked, deck: Deck, downloads: Downloads
) -> Response[None]:
    """A number that may take a while."""
    query = await query_of(request, deck)
    return downloads.response(lambda look: iter([str(work(query, look)).encode()]), media_type="application/json")


def _day(asked: dict[str, str], parameter: str) -> date | None:
    if not (given := asked.get(parameter)):
        return None
    try:
        start = read(given).start
    except ValueError:
        raise malformed(parameter, given, "a date such as 2025-09-24") from None
    return days(Span(start, start + DAY))[0]
