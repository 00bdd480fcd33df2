"""Databento's Historical API on the loaded tapes, for programs that run without Databento."""

from booktape.historical.app import application, companion
from booktape.historical.certificate import Certificate

__all__ = ["Certificate", "application", "companion"]
