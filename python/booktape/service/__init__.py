"""Tapes over HTTP: books at any moment, lossless record streams, and screens that follow a tape."""

from booktape.service.server import run

__all__ = ["run"]
