"""Where rows come from: one module for each kind of source, and one row in this table."""

from cij.runtime.sources.csv import CSV
from cij.runtime.sources.reader import BadRow, Kind, Reading
from cij.runtime.sources.sqlite import SQLITE

KINDS: dict[str, Kind] = {"csv": CSV, "sqlite": SQLITE}

__all__ = ["KINDS", "BadRow", "Kind", "Reading"]
