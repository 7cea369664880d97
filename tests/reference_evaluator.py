"""The reference evaluator of conditions: S1 to S5, over plain Python values.

    World(now, people, segments, measures).members(segment)

It walks the syntax tree for one customer at a time, and shares nothing with the type checker or
the SQL; `test_conditions.py` compares the two. A missing value is None, a number of any kind an exact
Fraction, an instant a naive UTC datetime. It expects a condition that compiles.
"""

import math
import operator as op
import re
from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from cij.grammar import literal_values, syntax
from cij.grammar.span import file_start

Value = Any


@dataclass(frozen=True)
class Occurrence:
    """An event that happened; `seq` is its number in the order of arrival."""

    event: str
    at: datetime
    seq: int
    fields: Mapping[str, Value]


@dataclass(frozen=True)
class Person:
    """A customer. `consents` is keyed by topic and channel; every topic and channel is there."""

    id: str
    zone: str
    fields: Mapping[str, Value]
    consents: Mapping[tuple[str, str], bool]
    events: tuple[Occurrence, ...] = ()


@dataclass(frozen=True)
class Row:
    """What names are read from: a customer, and inside an aggregate one of their events.

    In a journey, `trigger` is the event by which they entered, `entry` the customer at that time, and
    `results` what calls returned, by step.
    """

    person: Person
    event: Occurrence | None = None
    trigger: Occurrence | None = None
    entry: Person | None = None
    results: Mapping[str, Mapping[str, Value]] | None = None


@dataclass
class World:
    """Customers and declarations at one instant. A segment is its conditions and its exceptions."""

    now: datetime
    people: Sequence[Person]
    segments: Mapping[str, tuple[Sequence[syntax.Expression], Sequence[syntax.Expression]]]
    measures: Mapping[str, syntax.Expression]
    _tops: dict[int, frozenset[str]] = field(default_factory=dict)

    def members(self, segment: str) -> set[str]:
        return {p.id for p in self.people if self.is_in(segment, Row(p))}

    def holds(self, node: syntax.Expression, row: Row) -> bool:
        """S1: a condition is true or false; a missing value is not true."""
        return self.value(node, row) is True

    def value(self, node: syntax.Expression, row: Row) -> Value:
        found = _RULES[type(node)](self, node, row)
        assert not isinstance(found, (int, float)) or isinstance(found, bool), "inexact number"
        return found

    def is_in(self, segment: str, row: Row) -> bool:
        wheres, excepts = self.segments[segment]
        person = Row(row.person)
        return all(self.holds(w, person) for w in wheres) and not any(
            self.holds(e, person) for e in excepts
        )

    def top(self, node: syntax.InTop) -> frozenset[str]:
        """The people in the top share of those whose value is known; ties to the smaller id."""
        if id(node) not in self._tops:
            known = [(p.id, self.value(node.value, Row(p))) for p in self.people]
            ranked = sorted((-x, id_) for id_, x in known if x is not None)
            places = math.ceil(len(ranked) * Fraction(node.percent.value) / 100)
            self._tops[id(node)] = frozenset(id_ for _, id_ in ranked[:places])
        return self._tops[id(node)]


# --- numbers ----------------------------------------------------------------------------------


def rounded(x: Fraction, places: int) -> Fraction:
    """The nearest number of so many decimal places; halves away from zero."""
    size = math.floor(abs(x) * 10**places + Fraction(1, 2))
    return Fraction(-size if x < 0 else size, 10**places)


# --- time -------------------------------------------------------------------------------------

_ELAPSED = {"second": 1, "minute": 60, "hour": 3600}
_FIXED = {**_ELAPSED, "day": 86400, "week": 604800}


def to_local(at: datetime, zone: str) -> datetime:
    return at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def to_instant(local: datetime, zone: str) -> datetime:
    """S4: the first of two instants; where there is none, by the offset before the gap."""
    return local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC).replace(tzinfo=None)


def length_of(text: str) -> syntax.Duration:
    """Read `3 days` or `2 days 3 hours`."""
    first, *rest = literal_values.duration(text)
    return syntax.Duration(*first, *rest, span=file_start("drawn"))


def stepped(start: Value, length: syntax.Duration, sign: int, zone: str) -> Value:
    """S2: hours are elapsed time; days, weeks, months and years are steps of the calendar.

    Of two units the calendar is first. Backwards, the last step is undone first.
    """
    is_elapsed = [unit in _ELAPSED for _, unit in length.lengths]
    if is_elapsed == [False, True]:
        halves = [syntax.Duration(*part, span=length.span) for part in length.lengths]
        for half in halves[::sign]:
            start = stepped(start, half, sign, zone)
        return start
    if is_elapsed[0]:
        return start + sign * timedelta(seconds=length.count * _ELAPSED[length.unit])
    if isinstance(start, datetime):
        return to_instant(on_calendar(to_local(start, zone), length, sign), zone)
    return on_calendar(start, length, sign)


def on_calendar(start: Value, length: syntax.Duration, sign: int) -> Value:
    for count, unit in length.lengths[::sign]:
        start = _one_step(start, count, unit, sign)
    return start


def _one_step(start: Value, count: int, unit: str, sign: int) -> Value:
    if unit in ("day", "week"):
        return start + sign * timedelta(seconds=count * _FIXED[unit])
    months = count * (12 if unit == "year" else 1)
    year, month = divmod(start.year * 12 + start.month - 1 + sign * months, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    return start.replace(year=year, month=month + 1, day=day)


# --- literals and names -----------------------------------------------------------------------


def _path(world: World, node: syntax.Path, row: Row) -> Value:
    head, *rest = node.parts
    if head == "consent":
        wanted = {rest[1]} if len(rest) > 1 else None
        consents = row.person.consents.items()
        return any(v for (t, c), v in consents if t == rest[0] and (wanted is None or c in wanted))
    if rest and head == "customer":
        return _of_customer(rest[0], row.person)
    if rest and head == "trigger":
        assert row.trigger is not None
        return _of_event(rest[0], row.trigger)
    if rest and row.results and head in row.results:
        return row.results[head].get(rest[0])
    if rest and row.event is None:
        # A call of which nothing has come back.
        return None
    if rest:
        assert row.event is not None
        return _of_event(rest[0], row.event)
    if row.event is not None and (head == "at" or head in row.event.fields):
        return _of_event(head, row.event)
    if head in world.measures:
        return world.value(world.measures[head], Row(row.person))
    return _of_customer(head, row.person)


def _of_customer(name: str, person: Person) -> Value:
    return person.id if name == "id" else person.fields[name]


def _of_event(name: str, event: Occurrence) -> Value:
    return event.at if name == "at" else event.fields[name]


def _at_entry(world: World, node: syntax.AtEntry, row: Row) -> Value:
    assert row.entry is not None
    return _path(world, node.path, Row(row.entry))


# --- comparing --------------------------------------------------------------------------------

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": op.eq,
    "<": op.lt,
    "<=": op.le,
    ">": op.gt,
    ">=": op.ge,
    "contains": lambda a, b: b in a,
    "starts with": lambda a, b: a.startswith(b),
    "matches": lambda a, b: re.fullmatch(b, a, re.DOTALL) is not None,
}


def compared(operator: str, left: Value, right: Value, row: Row) -> bool:
    """S1: false where a side is missing; `!=` is what `=` is not. S3: by code point."""
    if operator == "!=":
        return not compared("=", left, right, row)
    if left is None or right is None:
        return False
    left, right = _alike(left, right, row), _alike(right, left, row)
    return _COMPARISONS[operator](left, right)


def _alike(value: Value, other: Value, row: Row) -> Value:
    """A day beside an instant is its first instant; a duration is its length."""
    if type(value) is date and isinstance(other, datetime):
        return to_instant(datetime.combine(value, time()), row.person.zone)
    if isinstance(value, syntax.Duration):
        return timedelta(seconds=sum(count * _FIXED[unit] for count, unit in value.lengths))
    return value


def _cases(world: World, node: syntax.Cases, row: Row) -> Value:
    taken = (value for condition, value in node.cases if world.holds(condition, row))
    return world.value(next(taken, node.otherwise), row)


def _binary(world: World, node: syntax.Binary, row: Row) -> Value:
    if node.operator in ("and", "or"):
        both = (world.holds(side, row) for side in (node.left, node.right))
        return all(both) if node.operator == "and" else any(both)
    left, right = world.value(node.left, row), world.value(node.right, row)
    if node.operator == "??":
        return right if left is None else left
    if node.operator in "+-*/":
        return _calculated(node.operator, left, right, row)
    return compared(node.operator, left, right, row)


def _calculated(operator: str, left: Value, right: Value, row: Row) -> Value:
    if left is None or right is None:
        return None
    if isinstance(right, syntax.Duration):
        return stepped(left, right, 1 if operator == "+" else -1, row.person.zone)
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return rounded(left * right, 6)
    return rounded(left / right, 6) if right else None


def _unary(world: World, node: syntax.Unary, row: Row) -> Value:
    if node.operator == "not":
        return not world.holds(node.operand, row)
    value = world.value(node.operand, row)
    return None if value is None else -value


def _in_list(world: World, node: syntax.InList, row: Row) -> bool:
    value = world.value(node.value, row)
    items = [world.value(item, row) for item in node.items.items]
    return any(compared("=", value, item, row) for item in items) != node.is_negated


def _between(world: World, node: syntax.Between, row: Row) -> bool:
    value, low, high = (world.value(n, row) for n in (node.value, node.low, node.high))
    inside = compared(">=", value, low, row) and compared("<=", value, high, row)
    return inside != node.is_negated


# --- aggregates -------------------------------------------------------------------------------


def _counts(world: World, argument: syntax.Argument, event: Occurrence, row: Row) -> bool:
    """S5: whether an event is in the window, by the time it happened, and passes the filter."""
    start: Value = datetime.min
    end: Value = world.now
    match argument.window:
        case syntax.WithinLast(duration=duration):
            start = stepped(world.now, duration, -1, row.person.zone)
        case syntax.Since(moment=moment):
            start = world.value(moment, row)
        case syntax.WindowBetween(start=first, end=last):
            start, end = world.value(first, row), world.value(last, row)
    is_inside = compared(_AFTER[type(argument.window)], event.at, start, row)
    if type(end) is date:
        next_day = to_instant(datetime.combine(end + timedelta(days=1), time()), row.person.zone)
        is_inside = is_inside and event.at < next_day
    else:
        is_inside = is_inside and compared("<=", event.at, end, row)
    test = argument.where
    passes = test is None or world.holds(test, Row(row.person, event, row.trigger, row.entry))
    return is_inside and event.at <= world.now and passes


# `within last` leaves its first instant out, the others take it in.
_AFTER = {syntax.WithinLast: ">", syntax.Since: ">=", syntax.WindowBetween: ">=", type(None): ">="}


def _aggregate(world: World, node: syntax.Call, row: Row) -> Value:
    argument = node.arguments[0]
    assert isinstance(argument.value, syntax.Path)
    name, *fields = argument.value.parts
    happened = sorted(row.person.events, key=lambda e: (e.at, e.seq))
    events = [e for e in happened if e.event == name and _counts(world, argument, e, row)]
    function = node.function.text
    if function == "any":
        return bool(events)
    if not fields:
        return Fraction(len(events))
    if function == "last known":
        known = [x for e in events if (x := _of_event(fields[0], e)) is not None]
        return known[-1] if known else None
    if function in ("first", "last"):
        ends = [_of_event(fields[0], e) for e in events]
        return ends[0 if function == "first" else -1] if ends else None
    found = [x for x in (_of_event(fields[0], e) for e in events) if x is not None]
    if function == "count":
        return Fraction(len(set(found) if argument.is_distinct else found))
    if function == "sum":
        return sum(found, Fraction(0))
    return _AGGREGATES[function](found) if found else None


_AGGREGATES: dict[str, Callable[[list[Any]], Any]] = {
    "avg": lambda found: rounded(sum(found) / Fraction(len(found)), 6),
    "min": min,
    "max": max,
}


# --- functions --------------------------------------------------------------------------------


def _call(world: World, node: syntax.Call, row: Row) -> Value:
    name = node.function.text
    if name in _AGGREGATES or name in ("any", "count", "sum", "first", "last", "last known"):
        return _aggregate(world, node, row)
    if name == "now":
        return world.now
    if name == "today":
        return to_local(world.now, row.person.zone).date()
    if name in _OF_SEVERAL:
        values = [world.value(argument.value, row) for argument in node.arguments]
        return None if None in values else _OF_SEVERAL[name](*values)
    value = world.value(node.arguments[0].value, row)
    if value is None:
        return None
    return _FUNCTIONS[name](value, row.person.zone)


def _replaced(text: Any, old: Any, new: Any) -> str:
    # Nothing to look for is found nowhere.
    return str(text).replace(old, new) if old else str(text)


def _left_over(a: Any, b: Any) -> Fraction | None:
    # Of -7 and 3 that is -1: the sign is that of the first number.
    return (abs(a) % abs(b)) * (-1 if a < 0 else 1) if b else None


def _clock(at: Any, zone: str) -> Any:
    return to_local(at, zone) if isinstance(at, datetime) else at


_OF_SEVERAL: dict[str, Callable[..., Any]] = {
    "replace": _replaced,
    "concat": lambda *texts: "".join(texts),
    "mod": _left_over,
}


def _lower(text: str) -> str:
    return "".join("i" if c == "İ" else c.lower() for c in text)


def _upper(text: str) -> str:
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in text)


_SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f\u0020\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000"
_SPACES += "".join(map(chr, range(0x2000, 0x200B)))
_NUMBER = re.compile(r" *([+-]?[0-9]{1,18}(?:\.[0-9]+)?) *")


def _number(value: Value) -> Fraction | None:
    if isinstance(value, Fraction):
        return value
    found = _NUMBER.fullmatch(value)
    return rounded(Fraction(Decimal(found.group(1))), 6) if found else None


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(int(value))


_FUNCTIONS: dict[str, Callable[[Any, str], Any]] = {
    "lower": lambda x, zone: _lower(x),
    "upper": lambda x, zone: _upper(x),
    "trim": lambda x, zone: x.strip(_SPACES),
    "length": lambda x, zone: Fraction(len(x)),
    "round": lambda x, zone: rounded(x, 0),
    "abs": lambda x, zone: abs(x),
    "year": lambda x, zone: Fraction(x.year),
    "month": lambda x, zone: Fraction(x.month),
    "day": lambda x, zone: Fraction(x.day),
    "date": lambda x, zone: to_local(x, zone).date(),
    "hour": lambda x, zone: Fraction(_clock(x, zone).hour),
    "minute": lambda x, zone: Fraction(_clock(x, zone).minute),
    "number": lambda x, zone: _number(x),
    "text": lambda x, zone: _text(x),
    "money": lambda x, zone: x,
}

_RULES: dict[type, Callable[[World, Any, Row], Value]] = {
    syntax.Text: lambda world, node, row: node.value,
    syntax.Number: lambda world, node, row: Fraction(node.value),
    syntax.Boolean: lambda world, node, row: node.value,
    syntax.Duration: lambda world, node, row: node,
    syntax.Money: lambda world, node, row: Fraction(node.amount),
    syntax.Percent: lambda world, node, row: Fraction(node.value) / 100,
    syntax.Date: lambda world, node, row: node.value,
    syntax.DateTime: lambda world, node, row: to_instant(node.value, row.person.zone),
    syntax.Time: lambda world, node, row: node.value,
    syntax.Path: _path,
    syntax.AtEntry: _at_entry,
    syntax.Call: _call,
    syntax.Unary: _unary,
    syntax.Binary: _binary,
    syntax.Cases: _cases,
    syntax.AnyOf: lambda world, node, row: any(
        compared(node.operator, world.value(node.value, row), world.value(item, row), row)
        for item in node.items.items
    ),
    syntax.InList: _in_list,
    syntax.InSegment: lambda world, node, row: (
        world.is_in(node.segment.text, row) != node.is_negated
    ),
    syntax.InTop: lambda world, node, row: (row.person.id in world.top(node)) != node.is_negated,
    syntax.Between: _between,
    syntax.Known: lambda world, node, row: (
        (world.value(node.value, row) is not None) != node.is_negated
    ),
}
