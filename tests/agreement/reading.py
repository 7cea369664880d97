"""Small readers of declarations and values, in Python alone."""

import hashlib
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cij.grammar import syntax
from tests.agreement.customer_state import Journey
from tests.agreement.scenario import Arrival
from tests.reference_evaluator import Occurrence, to_local

Arm = tuple[syntax.Pattern | None, syntax.Expression | None, syntax.Steps]


def arms(step: Any) -> list[Arm]:
    """Return the events and conditions that end a wait, as they are written."""
    if isinstance(step, syntax.WaitEvent):
        return [(step.pattern, None, step.then)]
    if isinstance(step, syntax.WaitFirst):
        return [(a.pattern, a.condition, a.steps) for a in step.arms]
    return []


def exit_state(journey: Journey, n: int) -> str:
    """Return the state of an exit as the history names it; a second exit of one name gets a number."""
    leave = journey.exits[n]
    name = f"exit:{leave.name.text if leave.name else 'exited'}"
    earlier = [e.name.text if e.name else "exited" for e in journey.exits[:n]]
    if name.removeprefix("exit:") not in earlier:
        return name
    return f"{name} #{n + 1}"


def split_arm(step: syntax.Split, id: str) -> syntax.SplitArm | None:
    """S14: return the arm of a customer; None for those beyond the last."""
    low = Fraction(0)
    for arm in step.arms:
        high = low + Fraction(arm.share.value) / 100
        if is_within(step.name.text, id, low, high):
            return arm
        low = high
    return None


def is_within(salt: str, id: str, low: Fraction, high: Fraction) -> bool:
    """S14: whether the first 32 bits of a salted hash fall into a share of all values."""
    place = int(hashlib.md5(f"{salt}:{id}".encode()).hexdigest()[:8], 16)
    return int(low * 2**32) <= place and (high >= 1 or place < int(high * 2**32))


def occurrence_of(arrival: Arrival) -> Occurrence:
    return Occurrence(arrival.name, arrival.at, arrival.seq, arrival.fields)


def as_text(value: Any) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, Fraction) else str(value)


def as_shown(value: Any, zone: str) -> object:
    if isinstance(value, Fraction):
        return int(value)
    if isinstance(value, datetime):
        return str(to_local(value, zone))
    return value if value is None or isinstance(value, bool) else str(value)


def clauses(node: syntax.Declaration) -> tuple[list[syntax.Expression], list[syntax.Expression]]:
    wheres = [i.condition for i in node.items if isinstance(i, syntax.Where)]
    return wheres, [i.condition for i in node.items if isinstance(i, syntax.Except)]


def setting(node: syntax.Declaration, name: str) -> Any:
    found = [i for i in node.items if isinstance(i, syntax.Setting) and i.key.text == name]
    return found[0].value if found else None


def refresh(node: syntax.Declaration) -> timedelta:
    length = setting(node, "refresh")
    units = {"minute": 60, "hour": 3600, "day": 86400}
    return timedelta(seconds=length.count * units[length.unit]) if length else timedelta(hours=1)


def zone_exists(name: object) -> bool:
    try:
        return isinstance(name, str) and ZoneInfo(name) is not None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def events_in(node: Any, segments: dict[str, Any]) -> set[str]:
    """Return the names of the events that can change whether a condition holds."""
    if isinstance(node, tuple):
        return set().union(*(events_in(part, segments) for part in node))
    if isinstance(node, syntax.InSegment):
        wheres, excepts = segments[node.segment.text]
        return events_in((*wheres, *excepts), segments)
    if not is_dataclass(node) or isinstance(node, type):
        return set()
    found = events_in(tuple(getattr(node, f.name) for f in fields(node)), segments)
    if isinstance(node, syntax.Call) and node.function.text in _AGGREGATES:
        value = node.arguments[0].value
        assert isinstance(value, syntax.Path)
        found.add(value.parts[0])
    return found


_AGGREGATES = {"any", "count", "sum", "avg", "min", "max", "first", "last", "last known"}
