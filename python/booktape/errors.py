"""What can go wrong, as one tree under `BooktapeError`; every message names the culprit and what to do about it."""

from booktape._native import AnomalyError, BooktapeError, InputError, InvariantError, NotFoundError, ParameterError

__all__ = ["AnomalyError", "BooktapeError", "InputError", "InvariantError", "NotFoundError", "ParameterError"]


def bad_parameter(name: str, value: object, expected: str) -> ParameterError:
    """The error for a parameter outside what it may be, in the one form all of them have."""
    return ParameterError(f"{name} = {value!r}: {expected}")
