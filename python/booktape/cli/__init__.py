"""The `booktape` command: files in, books, audits and a running service out; a file per command."""

from booktape.cli.app import main

__all__ = ["main"]
