"""Tapes on their way from Databento."""
