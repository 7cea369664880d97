"""The table `aside`: journeys, segments, sources and orders that failed, until they are retried
(S28)."""

from datetime import datetime
from typing import Literal

from cij.compiler.sql import query
from cij.runtime.engine import Engine

Kind = Literal["journey", "segment", "source", "inbox file", "channel", "clock"]

# Rows of this kind are nothing that failed: see `note_missed`.
_MISSED = "missed in a pause"
ALL = query(
    "SELECT a.kind, a.name, a.since, a.reason FROM aside AS a "
    f"WHERE a.kind <> '{_MISSED}' ORDER BY a.kind, a.name"
)
WAS = query("SELECT a.was FROM aside AS a WHERE a.kind = 'journey' AND a.name = $name")
_NAMES = query("SELECT a.name FROM aside AS a WHERE a.kind = $kind ORDER BY a.name")
_OF_KIND = query(
    "SELECT a.name, a.since, a.reason, a.was FROM aside AS a WHERE a.kind = $kind ORDER BY a.name"
)
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


def of_kind(engine: Engine, kind: Kind) -> list[tuple[str, datetime, str, str]]:
    """Return (name, since, reason, what it was) of all items of a kind."""
    return [
        (name, since, reason, was or "")
        for name, since, reason, was in engine.rows(_OF_KIND, {"kind": kind})
    ]


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


# --- failures in a pause ----------------------------------------------------------------------

# The row of `journey_control` says when the pause began, and it goes on. So this one says from which
# event and tick on nothing ran of the journey.
_MISSING = query(
    f"SELECT a.name, a.was, a.since FROM aside AS a WHERE a.kind = '{_MISSED}' ORDER BY a.name"
)
_NOTE_MISSED = query(
    """
INSERT INTO aside (kind, name, reason, since, was)
SELECT $kind, $name, '', COALESCE(
  (SELECT CAST(m.value AS TIMESTAMP) FROM meta AS m WHERE m.name = 'last_tick'), $now),
  CAST(k.value AS VARCHAR)
FROM counter AS k WHERE k.name = 'taken'
"""
)
_FORGET_MISSED = query("DELETE FROM aside WHERE kind = $kind AND name = $name")


def note_missed(engine: Engine, journey: str, now: datetime) -> None:
    """Note from where on nothing runs of a journey that fails in a pause; an earlier note stays."""
    if journey not in {name for name, _, _ in missed(engine)}:
        engine.execute(_NOTE_MISSED, {"kind": _MISSED, "name": journey, "now": now})


def missed(engine: Engine) -> list[tuple[str, int, datetime]]:
    """Return (journey, last event, last tick) of each note."""
    return [(name, int(taken), at) for name, taken, at in engine.rows(_MISSING)]


def forget_missed(engine: Engine, journey: str) -> None:
    """Note that what fell into the failure has been made up, or never will be."""
    engine.execute(_FORGET_MISSED, {"kind": _MISSED, "name": journey})
