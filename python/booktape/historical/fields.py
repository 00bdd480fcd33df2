"""What is known of schemas and publishers without any tape."""
# ruff: noqa: SLF001 - records have their types, and the order of their fields, under private names only

from typing import Any

from databento.common.publishers import Publisher

from booktape.layouts import struct_of

_TEXT = {"csv", "json"}
ENCODINGS = ("dbn", *sorted(_TEXT))
"""What fields can be listed for."""
_NUMBERS = {"u1": "uint8_t", "u2": "uint16_t", "u4": "uint32_t", "u8": "uint64_t"}
_NUMBERS |= {f"i{code[1:]}": name[1:] for code, name in _NUMBERS.items()}


def fields(schema: str, encoding: str) -> list[dict[str, str]]:
    """Name and type of every field of a schema's rows, in their order.

    >>> fields("ohlcv-1s", "dbn")[:2]
    [{'name': 'length', 'type': 'uint8_t'}, {'name': 'rtype', 'type': 'uint8_t'}]

    Raises:
        ValueError: there is no such schema.
    """
    struct = struct_of(schema)
    kinds = {name: code.lstrip("<|") for name, code, *_ in struct._dtypes}
    if encoding not in _TEXT:
        return [{"name": name, "type": _c_type(code)} for name, code in kinds.items() if not name.startswith("_")]
    return [{"name": name, "type": _text_type(struct, name, kinds.get(name, ""))} for name in struct._ordered_fields]


def _c_type(code: str) -> str:
    return _NUMBERS.get(code) or (f"char[{code[1:]}]" if code[1:] not in {"", "1"} else "char")


def _text_type(struct: Any, name: str, code: str) -> str:
    if name in struct._price_fields:
        return "decimal"
    return "string" if name in struct._timestamp_fields or code not in _NUMBERS else _NUMBERS[code]


def publishers() -> list[dict[str, int | str]]:
    """Every publisher that Databento has."""
    return [
        {
            "publisher_id": publisher.to_int(),
            "dataset": str(publisher.dataset),
            "venue": str(publisher.venue),
            "description": publisher.description,
        }
        for publisher in Publisher
    ]
