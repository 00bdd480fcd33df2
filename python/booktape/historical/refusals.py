"""What is refused, in the words and with the status that Databento's Historical API has for it.

Clients branch on the `case` and read times out of the messages, so both are part of the protocol.
"""

from collections.abc import Mapping
from http import HTTPStatus

from booktape.spans import Span, stamp, words

_DOCS = "https://databento.com/docs/api-reference-historical/basics"


class Refusal(Exception):  # noqa: N818 - what it is called where requests are refused
    """A request that is not answered, and why."""

    def __init__(
        self,
        status: HTTPStatus,
        case: str,
        message: str,
        *,
        page: str = "errors",
        payload: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.case = case
        self.page = page
        self.payload = dict(payload or {})

    @property
    def body(self) -> dict[str, object]:
        """What is sent."""
        detail = {
            "case": self.case,
            "message": str(self),
            "status_code": int(self.status),
            "docs": f"{_DOCS}/{self.page}",
            "payload": self.payload,
        }
        return {"detail": detail}


def malformed(parameter: str, given: str | None, expected: str) -> Refusal:
    """A parameter is missing, or is not what it may be."""
    said = f"`{parameter}` is required" if given is None else f"`{parameter}` is {given!r}"
    return Refusal(HTTPStatus.BAD_REQUEST, "request_invalid_parameter", f"{said}: {expected}")


def unknown_key() -> Refusal:
    """The key is none of the gateway's."""
    message = "Authentication failed."
    return Refusal(HTTPStatus.UNAUTHORIZED, "auth_authentication_failed", message, page="authentication")


def unknown_dataset(dataset: str, known: list[str]) -> Refusal:
    """No tape is of that dataset."""
    message = f"The dataset {dataset} is not loaded here; there is {', '.join(known) or 'none'}."
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "dataset_not_found", message, page="datasets")


def unknown_schema(schema: str, dataset: str, known: list[str]) -> Refusal:
    """The dataset has no such rows."""
    message = f"The schema {schema} is not available for dataset {dataset}; there are {', '.join(known)}."
    return Refusal(
        HTTPStatus.UNPROCESSABLE_ENTITY, "data_schema_not_available", message, page="schemas-and-conventions"
    )


def nothing_resolved() -> Refusal:
    """No symbol means anything in the range."""
    message = "None of the symbols could be resolved"
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "symbology_invalid_request", message, page="symbology")


def unknown_symbology(stype_in: str, stype_out: str) -> Refusal:
    """Symbols of that type cannot be resolved to those of the other."""
    message = f"Symbols cannot be resolved from {stype_in} to {stype_out} here"
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "symbology_invalid_request", message, page="symbology")


def backwards(asked: Span) -> Refusal:
    """The range ends before it begins, or at once."""
    message = f"Invalid time range query, `start` {words(asked.start)} cannot be on or after `end` {words(asked.end)}."
    payload = {"start": stamp(asked.start), "end": stamp(asked.end)}
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "data_time_range_start_on_or_after_end", message, payload=payload)


def outside(dataset: str, asked: Span, available: Span) -> Refusal | None:
    """The range reaches beyond the days that there are; None where it does not."""
    begun, ended = words(available.start), words(available.end)
    if asked.start < available.start:
        case = "data_start_before_available_start"
        message = (
            f"`start` in query ('{words(asked.start)}') was before the available start of dataset {dataset} "
            f"('{begun}'). Try requesting with a later `start`."
        )
    elif asked.start >= available.end:
        case = "data_start_after_available_end"
        message = (
            f"`start` in query ('{words(asked.start)}') was after the available end of dataset {dataset} "
            f"('{ended}'). Try requesting with an earlier `start`."
        )
    elif asked.end > available.end:
        case = "data_end_after_available_end"
        message = (
            f"The dataset {dataset} has data available up to '{ended}'. The `end` in the query "
            f"('{words(asked.end)}') is after the available range. Try requesting with an earlier `end`."
        )
    else:
        return None
    payload = {
        "dataset": dataset,
        "start": stamp(asked.start),
        "end": stamp(asked.end),
        "available_start": stamp(available.start),
        "available_end": stamp(available.end),
    }
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, case, message, page="datasets", payload=payload)
