"""Exports: rows of the store that are written outside, and when."""
