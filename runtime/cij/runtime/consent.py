"""Consent as interactions change it (S20).

A grant that is dated in the future waits in `consent_ahead` until its time has come. A refusal works at
once and takes back all that was said before it, also what was said for a later time.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cij.compiler.program import Program
from cij.compiler.sql import unify
from cij.runtime.engine import Engine
from cij.runtime.segments import data_changed
from cij.runtime.store import consent as stored
from cij.runtime.world import World

_COLUMNS = ("customer", "topic", "channel", "granted", "at")


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody said about one topic on one channel."""

    customer: str
    topic: str
    channel: str
    is_granted: bool
    at: datetime

    @property
    def about(self) -> tuple[str, str, str]:
        return self.customer, self.topic, self.channel


def change(engine: Engine, program: Program, said: Sequence[Change], now: datetime) -> None:
    """Write down changes in the order in which they came, and bring the customers up to date."""
    if not said:
        return
    refused = {one.about for one in said if not one.is_granted}
    if refused:
        _take_back(engine, refused)
    ahead = _ahead(said, now)
    _append(engine, "consent_ahead", ahead)
    latest = _latest_grants(engine, refused)
    counting = [one for one in said if not one.is_granted or one.at <= now]
    _append(engine, "consent_change", [_dated(one, latest, now) for one in counting])
    _update(engine, program, {one.customer for one in said})


def next_due(world: World) -> datetime | None:
    """Return when the next grant acts that is dated in the future."""
    if world.engine.is_empty("consent_ahead"):
        return None
    found: datetime | None = world.engine.rows(stored.NEXT_DUE)[0][0]
    return found


def come_due(world: World, now: datetime) -> None:
    """Let the grants act whose time has come."""
    if world.engine.is_empty("consent_ahead"):
        return
    customers = {name for (name,) in world.engine.rows(stored.DUE, {"now": now})}
    if customers:
        for statement in stored.COME_DUE:
            world.engine.execute(statement, {"now": now})
        _update(world.engine, world.program, customers)
        data_changed(world)


def _ahead(said: Sequence[Change], now: datetime) -> list[Change]:
    """Return the grants for a later time that no refusal after them has taken back."""
    found: list[Change] = []
    for one in said:
        if not one.is_granted:
            found = [other for other in found if other.about != one.about]
        elif one.at > now:
            found.append(one)
    return found


def _dated(one: Change, latest: dict[tuple[str, str, str], datetime], now: datetime) -> Change:
    """Return a change with the instant from which it counts.

    Of two changes at one instant the refusal wins, so it is dated no earlier than any grant before it.
    """
    if one.is_granted:
        return one
    at = max(min(one.at, now), latest.get(one.about, datetime.min))
    return Change(*one.about, False, at)


def _latest_grants(
    engine: Engine, refused: Iterable[tuple[str, str, str]]
) -> dict[tuple[str, str, str], datetime]:
    customers = sorted({customer for customer, _, _ in refused})
    if not customers:
        return {}
    found = engine.rows(stored.LATEST_GRANTS, {"customers": json.dumps(customers)})
    return {(customer, topic, channel): at for customer, topic, channel, at in found}


def _take_back(engine: Engine, refused: Iterable[tuple[str, str, str]]) -> None:
    rows = [dict(zip(_COLUMNS, about, strict=False)) for about in sorted(refused)]
    engine.execute(stored.TAKE_BACK, {"rows": json.dumps(rows)})


def _append(engine: Engine, table: str, changes: Sequence[Change]) -> None:
    if changes:
        rows = [(*one.about, one.is_granted, one.at) for one in changes]
        engine.append(table, dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True)))


def _update(engine: Engine, program: Program, customers: Iterable[str]) -> None:
    statement = unify.update_consents(program)
    if statement is not None:
        engine.execute(statement, {"customers": json.dumps(sorted(customers))})
