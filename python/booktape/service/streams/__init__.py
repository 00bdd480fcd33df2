"""Streams of a tape: lossless records, and screens that follow a book."""
