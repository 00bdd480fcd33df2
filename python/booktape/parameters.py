"""Parameters checked where they come in, so that the core only ever sees numbers it has room for."""

from operator import index as as_int

from booktape.errors import ParameterError

ID_RANGE = range(2**32)
"""What an instrument_id can be."""

PUBLISHER_RANGE = range(2**16)
"""What a publisher_id can be."""

COUNT_RANGE = range(2**63)
"""What a number of things can be."""

LIVE_PORT = 13_000
"""Where a gateway of Databento's live protocol listens, theirs and booktape's, unless told otherwise."""


def bad_parameter(name: str, value: object, expected: str) -> ParameterError:
    """The error for a parameter outside what it may be, in the one form all of them have."""
    return ParameterError(f"{name} = {value!r}: {expected}")


def within(name: str, value: object, allowed: range, expected: str = "") -> int:
    """An int of an allowed range, or a ParameterError that says what was expected.

    >>> within("publisher_id", 70_000, PUBLISHER_RANGE)
    Traceback (most recent call last):
    ...
    booktape.ParameterError: publisher_id = 70000: expected an int from 0 to 65,535
    """
    if isinstance(value, bool) or not hasattr(value, "__index__") or (number := as_int(value)) not in allowed:
        span = f"an int from {allowed.start:,} to {allowed.stop - 1:,}"
        raise bad_parameter(name, value, expected or f"expected {span}")
    return number
