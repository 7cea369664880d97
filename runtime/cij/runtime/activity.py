"""The activity of a period: numbers by day, hour and reason, read from the store after the
period."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cij.compiler.sql.plan.governing import heading_for, held_by
from cij.runtime.engine import Row
from cij.runtime.store import activity as statements, aside
from cij.runtime.world import World
from cij.runtime.zones import to_local


@dataclass(frozen=True, slots=True)
class DayCount:
    """A count for one local day. `what` is entered, sent, done, converted or ended."""

    day: date
    journey: str
    what: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The people at a step at the end of a local day.

    `held` is the reason why a message is held.
    """

    day: date
    journey: str
    step: str
    people: int
    held: str = ""


@dataclass(frozen=True, slots=True)
class HourCount:
    """The messages of a channel in a local hour.

    `limit` is the most that the provider takes, if known.
    """

    hour: datetime
    channel: str
    messages: int
    limit: int | None = None

    @property
    def is_breach(self) -> bool:
        return self.limit is not None and self.messages > self.limit


@dataclass(frozen=True, slots=True)
class NotSent:
    """The number of messages that were due and not sent, for one reason."""

    channel: str
    message: str
    outcome: str
    reason: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Effect:
    """How often a rule of sending held or stopped a message on a local day.

    `effect` is held, capped, expired, suppressed or no_consent. `rule` is the reason in words.
    """

    day: date
    effect: str
    rule: str
    times: int


@dataclass(frozen=True, slots=True)
class People:
    """How many different people entered a journey; without a name, any of them."""

    journey: str
    people: int


@dataclass(frozen=True, slots=True)
class Left:
    """How many passages ended, by the step where they stood before; at once has no step."""

    journey: str
    step: str
    outcome: str
    passages: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A journey, segment or source that failed in the period: nothing of it was done since."""

    kind: str
    name: str
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Course:
    """The activity from `start` to `end`. Days and hours are those of the project's zone.

    `failed` is what was put aside; all else went on (S28).
    """

    start: datetime
    end: datetime
    ticks: int
    days: tuple[DayCount, ...]
    standing: tuple[Standing, ...]
    hours: tuple[HourCount, ...]
    not_sent: tuple[NotSent, ...]
    effects: tuple[Effect, ...]
    failed: tuple[Failed, ...] = ()
    people: tuple[People, ...] = ()
    left: tuple[Left, ...] = ()

    @property
    def unwritten(self) -> tuple[NotSent, ...]:
        """The messages that could not be written."""
        return tuple(one for one in self.not_sent if one.outcome == "failed")

    @property
    def breaches(self) -> tuple[HourCount, ...]:
        """The hours with more messages than the provider takes in one."""
        return tuple(hour for hour in self.hours if hour.is_breach)


Limits = Mapping[str, int]
_ASIDE = ("journey", "segment", "source")


def course(world: World, start: datetime, end: datetime, ticks: int, limits: Limits) -> Course:
    """Return the activity of a period. `limits` are messages per hour, by channel."""
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
        tuple(Failed(*r) for r in rows(aside.ALL) if r[0] in _ASIDE and r[2] >= start),
        tuple(People(*r) for r in rows(statements.PEOPLE, parameters)),
        tuple(_left(*r) for r in rows(statements.LEFT, parameters)),
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
    """Yield the people at each step at the end of each day.

    `changes` are the differences of each day, ordered by journey, state and day.
    """
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


def _left(journey: str, state: str, outcome: str, passages: int) -> Left:
    step = heading_for(state) if state and held_by(state) else None
    return Left(journey, step or state, outcome, passages)


def _stands(day: date, journey: str, state: str, people: int) -> Standing:
    step = heading_for(state) if held_by(state) else None
    return Standing(day, journey, step or state, people, held_by(state) or "")
