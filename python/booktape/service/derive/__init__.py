"""Rows of Databento's other schemas, made from a tape's records."""
