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


class UpstreamError(BooktapeError):
    """Databento does not answer, or not as it should."""


class CredentialsError(UpstreamError):
    """There is no key for Databento, or one that it refuses."""


class CostError(BooktapeError):
    """It would cost more than was agreed to."""


__all__ = [
    "AnomalyError",
    "BooktapeError",
    "ConflictError",
    "CostError",
    "CredentialsError",
    "GoneError",
    "InputError",
    "InvariantError",
    "NotFoundError",
    "ParameterError",
    "StoreBusyError",
    "StoreError",
    "UpstreamError",
]
