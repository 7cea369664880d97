"""Journeys that start each other by events, over time: one customer may go round for ever.

Those that do it at one instant are mistakes that `cij check` reports (S15). With a wait between them they may
be meant, so a reviewer sees them.
"""

from collections.abc import Collection

from cij.compiler import program as pg
from cij.compiler.effect import raised_by
from cij.compiler.program import Program

# The most loops that are named; one is enough to look.
_LOOPS_MAX = 5


def trigger_loops(program: Program, changed: Collection[str]) -> tuple[tuple[str, ...], ...]:
    """Return loops of journeys in which a changed one is, each as the journeys in their order."""
    starts = _starts(program)
    found: dict[frozenset[str], tuple[str, ...]] = {}
    for name in sorted(changed):
        way = _way_back(name, starts)
        if way is not None and len(found) < _LOOPS_MAX:
            found.setdefault(frozenset(way), way)
    return tuple(found.values())


def _starts(program: Program) -> dict[str, list[str]]:
    """Return which journeys each journey starts by an event that it raises."""
    entered: dict[str, list[str]] = {}
    for journey in program.journeys:
        for entry in journey.entries:
            if isinstance(entry, pg.EventEntry):
                entered.setdefault(entry.event, []).append(journey.name)
    return {
        j.name: [name for event in _raised(j) for name in entered.get(event, [])]
        for j in program.journeys
    }


def _raised(journey: pg.Journey) -> list[str]:
    acts = (s.effect for s in journey.states if isinstance(s, pg.ActState))
    return [event for effect in acts if (event := raised_by(effect)) is not None]


def _way_back(start: str, starts: dict[str, list[str]]) -> tuple[str, ...] | None:
    """Return the shortest way from a journey back to itself; None where there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = set[str]()
    for way in ways:
        for name in starts.get(way[-1], []):
            if name == start:
                return way
            if name not in seen:
                seen.add(name)
                ways.append((*way, name))
    return None
