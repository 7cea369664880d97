"""Where rows come from: one module a kind, one row a kind in this table."""

from cij.runtime.sources.csv import CSV
from cij.runtime.sources.kind import BadRow, Kind, Staged
from cij.runtime.sources.sqlite import SQLITE

KINDS: dict[str, Kind] = {"csv": CSV, "sqlite": SQLITE}

__all__ = ["KINDS", "BadRow", "Kind", "Staged"]
