"""What people who go over to another version would get twice, and what they would never get (S21).

The journeys say which steps those may be; the outbox says who has got them.
"""

from dataclasses import dataclass

from cij.compiler.ahead import Difference, difference
from cij.compiler.program import Journey
from cij.compiler.sql import query
from cij.compiler.sql.interning import number_of
from cij.compiler.sql.plan.governing import heading_for, held_by
from cij.runtime.engine import Engine

# How many of the open passages at a state have got the message of a step, or still will.
_GOT = query(
    """
SELECT COUNT(DISTINCT p.id) FROM passage_row AS p
JOIN outbox_row AS o ON o.passage = p.id
JOIN effect AS e ON e.id = o.effect AND e.journey = $named AND e.step = $step
WHERE p.journey = $journey AND p.version = $version AND p.state = $state AND p.ended_at IS NULL
  AND o.outcome IN ('queued', 'sending', 'delivered', 'uncertain')
"""
)


@dataclass(frozen=True, slots=True)
class Again:
    """The people who have got the message of a step and would come to it once more, at `to_step`."""

    step: str
    to_step: str
    people: int


def differs(old: Journey, state: str, new: Journey, target: str | None) -> Difference:
    """Return what going over from a state of the store means; `target` is None for an end."""
    held = heading_for(state) if held_by(state) else None
    to = (heading_for(target) if held_by(target) else None) or target if target else None
    return difference(old, held or state, new, to, is_held=held is not None)


def got_already(
    engine: Engine, journey: str, version: str, state: str, found: Difference
) -> tuple[Again, ...]:
    """Return the people at a state who would get something again; nothing where nobody would."""
    where = {"journey": journey, "version": version, "state": state}
    at: dict[str, object] = {key: number_of(text) for key, text in where.items()}
    counted = (
        Again(step, to, engine.rows(_GOT, {**at, "named": journey, "step": step})[0][0])
        for step, to in found.again
    )
    return tuple(each for each in counted if each.people)
