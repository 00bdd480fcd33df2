"""Tapes: what is loaded, its instruments, books, records and audit."""
