"""The table `aside`: journeys, segments, sources and orders that failed, until they are retried
(S28)."""

from datetime import datetime
from typing import Literal

from cij.compiler.sql import query
from cij.runtime.engine import Engine

Kind = Literal["journey", "segment", "source", "inbox file"]

ALL = query("SELECT a.kind, a.name, a.since, a.reason FROM aside AS a ORDER BY a.kind, a.name")
WAS = query("SELECT a.was FROM aside AS a WHERE a.kind = 'journey' AND a.name = $name")
_NAMES = query("SELECT a.name FROM aside AS a WHERE a.kind = $kind ORDER BY a.name")
_PUT = query(
    "INSERT INTO aside (kind, name, reason, since, was) VALUES ($kind, $name, $reason, $now, $was)"
)
_FORGET = query("DELETE FROM aside WHERE kind = $kind AND name = $name")


def names(engine: Engine, kind: Kind) -> frozenset[str]:
    """Return the names of all items of a kind that are put aside."""
    return frozenset(name for (name,) in engine.rows(_NAMES, {"kind": kind}))


def reasons(engine: Engine, kind: Kind) -> dict[str, str]:
    """Return the reasons of all items of a kind that are put aside, by name."""
    return {name: reason for of, name, _, reason in engine.rows(ALL) if of == kind}


def put(
    engine: Engine, kind: Kind, name: str, reason: str, now: datetime, was: str | None = None
) -> None:
    """Put an item aside with its reason. `was` is the state that an order gave a journey before."""
    forget(engine, kind, name)
    row = {"kind": kind, "name": name, "reason": reason, "now": now, "was": was}
    engine.execute(_PUT, row)


def forget(engine: Engine, kind: Kind, name: str) -> None:
    """Remove an item from those that are put aside."""
    engine.execute(_FORGET, {"kind": kind, "name": name})
