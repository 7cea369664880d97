"""Customers and events drawn at random, at instants where something is about to change.

Values meet the constants of `conditions.py`; instants meet the edges of windows and the changes
of summer time.
"""

import unicodedata
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.conditions import CUSTOMER, DURATIONS, EVENTS, MEASURES, VALUES, pick
from tests.reference_evaluator import Occurrence, Person, length_of, stepped

NOWS = (
    "2026-03-29 00:30",
    "2026-03-29 12:00",
    "2026-03-31 09:00",
    "2026-10-25 01:30",
    "2024-02-29 23:59:30",
    "2026-04-04 15:15",
)
ZONES = ("Europe/Madrid", "Asia/Kolkata", "Australia/Lord_Howe")


def value_of(kind: str, text: str) -> Any:
    """Return the plain value that a cell of a kind holds; text is NFC, empty text is missing."""
    match kind:
        case "text":
            return unicodedata.normalize("NFC", text) or None
        case "date":
            return date.fromisoformat(text)
        case "datetime":
            return datetime.fromisoformat(text)
        case "time":
            return time.fromisoformat(text)
        case "boolean":
            return text == "true"
    return Fraction(text)


@cache
def cells(kind: str) -> st.SearchStrategy[Any]:
    known = st.sampled_from(VALUES[kind]).map(lambda text: value_of(kind, text))
    return st.one_of(known, known, known, st.none())


@st.composite
def instants(draw: st.DrawFn, now: datetime, zone: str) -> datetime:
    """Return an instant at the edge of a window that ends now, or somewhere."""
    length = length_of(pick(draw, DURATIONS))
    edge = pick(draw, [now, stepped(now, length, -1, zone)])
    assert isinstance(edge, datetime)
    shift = pick(draw, [0, 1, -1, 3600, 7200, -7200, 86400 * 3])
    part = pick(draw, [0, 0, 0, 600_000])
    return edge + timedelta(seconds=shift, microseconds=part)


@st.composite
def people(draw: st.DrawFn, number: int, now: datetime) -> Person:
    """Return a customer with events."""
    zone = pick(draw, ZONES)
    fields = {n: draw(cells(k)) for k, names in CUSTOMER.items() for n in names if is_own(n)}
    if draw(st.booleans()):
        fields["seen"] = draw(instants(now, zone))
    consents = {("news", c): draw(st.booleans()) for c in ("email", "sms")}
    count = draw(st.integers(0, 4))
    happened = tuple(draw(_events(now, zone, number * 10 + i)) for i in range(count))
    return Person(f"c{number}", zone, fields, consents, happened)


def is_own(name: str) -> bool:
    """Tell whether a name is a field of the customer itself, no measure and no consent."""
    return name not in MEASURES and name != "id" and not name.startswith("consent")


@st.composite
def _events(draw: st.DrawFn, now: datetime, zone: str, seq: int) -> Occurrence:
    name = pick(draw, [*EVENTS])
    fields = {field: draw(cells(kind)) for field, kind in EVENTS[name].items() if field != "at"}
    return Occurrence(name, draw(instants(now, zone)), seq, fields)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[datetime, list[Person]]:
    """Return an instant and customers."""
    now = datetime.fromisoformat(pick(draw, NOWS))
    count = pick(draw, [1, 5, 8, 8])
    return now, [draw(people(number, now)) for number in range(count)]
