"""The store over HTTP: how it is, and messages by instrument, order and time."""
