"""Shows, retries and drops events that were put aside."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cij.runtime.anonymous import with_customers
from cij.runtime.intake import QUARANTINE, Refused
from cij.runtime.outside_json import read_json
from cij.runtime.refresh import take_in
from cij.runtime.segments import data_changed
from cij.runtime.store import quarantine as stored
from cij.runtime.world import World

_SOURCE: dict[str, object] = {"source": QUARANTINE}


@dataclass(frozen=True, slots=True)
class Aside:
    """Equal events that were put aside for the same reason: `count` of them, the last one at `at`."""

    id: str
    reason: str
    content: str
    count: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Retried:
    """`accepted` events were taken in, `known` had been before, and `refused` are still aside."""

    accepted: int
    known: int
    refused: tuple[Refused, ...]


def put_aside(world: World, limit: int) -> list[Aside]:
    """Return the events that are put aside, the newest first."""
    return [Aside(*row) for row in world.engine.rows(stored.GROUPS, {**_SOURCE, "limit": limit})]


def count(world: World) -> int:
    """Return how many events are put aside."""
    return int(world.engine.rows(stored.COUNT, _SOURCE)[0][0])


def one_aside(world: World, id: str) -> Aside | None:
    """Return the events with an id; None where there is none."""
    found = world.engine.rows(stored.ONE, {**_SOURCE, "id": id})
    return Aside(*found[0]) if found else None


def all_ids(world: World) -> list[str]:
    """Return the ids of all events that are put aside."""
    return [id for (id,) in world.engine.rows(stored.ALL_IDS, _SOURCE)]


def drop(world: World, ids: Sequence[str]) -> int:
    """Forget events, and return their number."""
    return world.engine.execute(stored.DROP, {**_SOURCE, "ids": json.dumps([*ids])})


def retry(world: World, ids: Sequence[str], now: datetime) -> Retried:
    """Take events in with the program of now. What still does not fit is put aside again."""
    named: dict[str, object] = {**_SOURCE, "ids": json.dumps([*ids])}
    with world.engine.transaction():
        rows = [_row(content) for (content,) in world.engine.rows(stored.CONTENTS, named)]
        world.engine.execute(stored.DROP, named)
        events = with_customers(world.engine, rows, now)
        taken = take_in(world.engine, world.program, events, now)
        if taken.created:
            data_changed(world)
    return Retried(taken.accepted, taken.known, taken.refused)


def _row(content: str | None) -> dict[str, Any]:
    try:
        found = read_json(content or "", is_exact=True)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"event": None, "raw": content}
