"""The activity of a period: numbers by day, hour and reason, read from a store that has been through it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cij.compiler.sql.plan.governing import heading_for, held_by
from cij.runtime.engine import Row
from cij.runtime.store import activity as statements
from cij.runtime.world import World
from cij.runtime.zones import to_local


@dataclass(frozen=True, slots=True)
class DayCount:
    """`count` of one thing on one local day; `what` is entered, sent, done, converted or ended."""

    day: date
    journey: str
    what: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Standing:
    """People at a step at the end of a local day; `held` is what holds a message of the step."""

    day: date
    journey: str
    step: str
    people: int
    held: str = ""


@dataclass(frozen=True, slots=True)
class HourCount:
    """Messages of a channel in a local hour. `limit` is what the provider takes in one, if known."""

    hour: datetime
    channel: str
    messages: int
    limit: int | None = None

    @property
    def is_breach(self) -> bool:
        return self.limit is not None and self.messages > self.limit


@dataclass(frozen=True, slots=True)
class NotSent:
    """Messages that were due and did not go, by reason."""

    channel: str
    message: str
    outcome: str
    reason: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Effect:
    """How often a rule of sending held or kept back a message on a local day.

    `effect` is held, capped, expired, suppressed or no_consent; `rule` is the reason in words.
    """

    day: date
    effect: str
    rule: str
    times: int


@dataclass(frozen=True, slots=True)
class Course:
    """What happened from `start` to `end`; days and hours are those of the project's zone."""

    start: datetime
    end: datetime
    ticks: int
    days: tuple[DayCount, ...]
    standing: tuple[Standing, ...]
    hours: tuple[HourCount, ...]
    not_sent: tuple[NotSent, ...]
    effects: tuple[Effect, ...]

    @property
    def breaches(self) -> tuple[HourCount, ...]:
        """The hours with more messages than the provider takes."""
        return tuple(hour for hour in self.hours if hour.is_breach)


Limits = Mapping[str, int]


def course(world: World, start: datetime, end: datetime, ticks: int, limits: Limits) -> Course:
    """Read the numbers of a period. `limits` are messages an hour, by channel."""
    zone = world.program.timezone
    parameters = {"start": start, "end": end, "zone": zone}
    rows = world.engine.rows
    changes = rows(statements.CHANGES, parameters)
    return Course(
        start,
        end,
        ticks,
        tuple(_days(world, parameters)),
        tuple(_standing(changes, to_local(start, zone).date(), to_local(end, zone).date())),
        tuple(
            HourCount(hour, channel, count, limits.get(channel))
            for hour, channel, count in rows(statements.HOURS, parameters)
        ),
        tuple(NotSent(*r) for r in rows(statements.NOT_SENT, parameters)),
        tuple(Effect(*r) for r in rows(statements.EFFECTS, parameters)),
    )


def _days(world: World, parameters: dict[str, object]) -> list[DayCount]:
    rows = [
        DayCount(day, journey, what, name, n)
        for what, statement in statements.COUNTS.items()
        for day, journey, name, n in world.engine.rows(statement, parameters)
    ]
    order = list(statements.COUNTS)
    return sorted(rows, key=lambda r: (r.day, r.journey, order.index(r.what), r.name))


def _standing(changes: list[Row], first: date, last: date) -> Iterator[Standing]:
    """Yield people by journey, step and day; `changes` are differences in this order."""
    by_step: dict[tuple[str, str], dict[date, int]] = {}
    for journey, state, day, difference in changes:
        by_step.setdefault((journey, state), {})[day] = int(difference)
    for (journey, step), differences in by_step.items():
        people = 0
        for n in range((last - first).days + 1):
            day = first + timedelta(days=n)
            people += differences.get(day, 0)
            if people:
                yield _stands(day, journey, step, people)


def _stands(day: date, journey: str, state: str, people: int) -> Standing:
    step = heading_for(state) if held_by(state) else None
    return Standing(day, journey, step or state, people, held_by(state) or "")
