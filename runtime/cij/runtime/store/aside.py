"""The table `aside`: what failed as a whole, with its reason, until it is tried again (S28)."""

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
    """Return the names of everything of a kind that is put aside."""
    return frozenset(name for (name,) in engine.rows(_NAMES, {"kind": kind}))


def reasons(engine: Engine, kind: Kind) -> dict[str, str]:
    """Return why something of a kind is put aside, by name."""
    return {name: reason for of, name, _, reason in engine.rows(ALL) if of == kind}


def put(
    engine: Engine, kind: Kind, name: str, reason: str, now: datetime, was: str | None = None
) -> None:
    """Put something aside, with its reason; `was` is the order that held a journey before."""
    forget(engine, kind, name)
    row = {"kind": kind, "name": name, "reason": reason, "now": now, "was": was}
    engine.execute(_PUT, row)


def forget(engine: Engine, kind: Kind, name: str) -> None:
    """Note that something is put aside no more."""
    engine.execute(_FORGET, {"kind": kind, "name": name})
