"""What a program would send in the next days: a simulation on a copy of the store (`simulate`)."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cij.compiler.program import Program
from cij.runtime.activity import Course
from cij.runtime.deploy import deploy, prepare
from cij.runtime.engine import Engine
from cij.runtime.rollout import try_share
from cij.runtime.runner import refresh_what_can_be
from cij.runtime.simulate import Progress, simulate
from cij.runtime.store import forecast as statements

# Two journeys compete where both write to one customer within this time.
WINDOW = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Sent:
    """The messages that would leave, and to how many different people."""

    journey: str
    channel: str
    message: str
    messages: int
    people: int


@dataclass(frozen=True, slots=True)
class Clash:
    """The customers who would get messages of both journeys on one channel within `WINDOW`."""

    journey: str
    other: str
    channel: str
    people: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the days bring. `course` has what rules hold or stop, and what failed."""

    sent: tuple[Sent, ...]
    clashes: tuple[Clash, ...]
    course: Course


def forecast(
    engine: Engine,
    program: Program,
    root: Path,
    now: datetime,
    days: int,
    changed: Collection[str],
    progress: Progress = lambda at: None,
    share: int = 100,
) -> Forecast:
    """Run a program for some days of virtual time. `engine` is a copy, which is changed.

    `changed` are the journeys whose competition with others is counted; `share` is that of a rollout.
    """
    prepare(engine, program)
    if share < 100:
        try_share(engine, program, share, now)
    world, until = deploy(engine, program, now), now + timedelta(days=days)
    refresh_what_can_be(world, root, now)
    course = simulate(world, now, until, progress)
    with engine.transaction():
        engine.execute(statements.SENT, {"start": now, "until": until})
        sent = tuple(Sent(*row) for row in engine.rows(statements.BY_MESSAGE))
        asked = {"changed": json.dumps(sorted(changed)), "window_s": WINDOW.total_seconds()}
        clashes = engine.rows(statements.CLASHES, asked) if changed else []
    return Forecast(sent, tuple(Clash(*row) for row in clashes), course)
