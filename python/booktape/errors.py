"""What can go wrong, as one tree under `BooktapeError`; every message names the culprit and what to do about it."""

from booktape._native import (
    AnomalyError,
    BooktapeError,
    ConflictError,
    GoneError,
    InputError,
    InvariantError,
    NotFoundError,
    ParameterError,
    StoreBusyError,
    StoreError,
)

__all__ = [
    "AnomalyError",
    "BooktapeError",
    "ConflictError",
    "GoneError",
    "InputError",
    "InvariantError",
    "NotFoundError",
    "ParameterError",
    "StoreBusyError",
    "StoreError",
]
