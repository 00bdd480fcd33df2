"""Shared playback: one tape deck that many watch."""
