"""What a route's parameters are, in words for whoever asked for something else."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter
from litestar.typing import FieldDefinition

from booktape.parameters import bad_parameter
from booktape.service.parameters.kinds import EXPECTED


def expectation(field: FieldDefinition) -> str:
    """In words, what a parameter may be: from its annotation, which is the only place that knows."""
    for kind, words in EXPECTED.items():
        if field.has_inner_subclass_of(kind) or field.annotation is kind:
            return words
    if field.is_literal:
        return "one of " + ", ".join(map(str, field.args))
    if field.annotation is bool:
        return "true or false"
    limits = field.kwarg_definition
    if limits is not None and (low := getattr(limits, "ge", None)) is not None:
        high = getattr(limits, "le", None)
        number = "a whole number" if field.annotation is int or field.has_inner_subclass_of(int) else "a number"
        return f"{number} of at least {low:,}" if high is None else f"{number} from {low:,} to {high:,}"
    return "another value"


def only_known_parameters(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuses a query parameter that the route does not have: a misspelt `from` must not quietly mean the beginning.

    One that is there twice is refused as well: only one of both would count.

    Raises:
        ParameterError: naming the parameter, and those there are.
    """
    fields = handler.parsed_fn_signature.parameters.items()
    known = [
        field.kwarg_definition.name or name
        for name, field in fields
        if isinstance(field.kwarg_definition, QueryParameter)
    ]
    seen = set()
    for name, value in connection.query_params.multi_items():
        if name not in known:
            raise bad_parameter(name, value, f"no such parameter here; there are: {', '.join(known) or 'none'}")
        if name in seen:
            raise bad_parameter(name, value, "once is enough; it is there twice")
        seen.add(name)
