"""What a report of a store consists of. Apart from the queries, so that showing one loads no engine."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from cij.runtime.version_reads import VersionReads


@dataclass(frozen=True, slots=True)
class UnknownZone:
    """A name that is no zone, how many customers have it as theirs, and one of them."""

    zone: str
    count: int
    customer: str


@dataclass(frozen=True, slots=True)
class JourneyState:
    """`state` is draft, scheduled, live, paused, failed, ended or stopped; `waiting` counts its queue."""

    journey: str
    state: str
    waiting: int


@dataclass(frozen=True, slots=True)
class Entries:
    journey: str
    entered: int
    inside: int


@dataclass(frozen=True, slots=True)
class Messages:
    journey: str
    channel: str
    message: str
    outcome: str
    count: int


@dataclass(frozen=True, slots=True)
class Actions:
    journey: str
    action: str
    outcome: str
    count: int


@dataclass(frozen=True, slots=True)
class Standing:
    """People at one step. `next_at` is the first of their timers.

    `held` says what holds them in front of a send, as quiet hours do; otherwise it is empty.
    """

    journey: str
    step: str
    count: int
    next_at: datetime | None
    held: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """A number of people by journey and name: an outcome or a goal."""

    journey: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class SourceRows:
    """`waiting` rows of events have no known customer or no time yet."""

    source: str
    rows: int
    bad: int
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class PutAside:
    """Handed-in events that could not be taken in, by reason; the latest reasons first."""

    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A journey, segment, source or order that failed as a whole and was put aside, and why (S28)."""

    kind: str
    name: str
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """Rows of a source that are left out for one reason, with the place and the words of the first."""

    source: str
    file: str | None
    line: int | None
    reason: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Uncomputed:
    """A calculation without a result for some customers, for whom it is unknown (S30).

    `kind` and `name` say where it is written; `one` is the id or the key of one of them.
    """

    kind: str
    name: str
    calculation: str
    count: int
    one: str


@dataclass(frozen=True, slots=True)
class Away:
    """Customers who are in no source any more, and their passages, which stand still (S24).

    `first_end` is when the next of these end.
    """

    people: int = 0
    inside: int = 0
    first_end: datetime | None = None


@dataclass(frozen=True, slots=True)
class RateNow:
    """A rate of a way to a provider. `of` is `all`, `warm-up` or a domain; `next_at` is when the next may go."""

    way: str
    of: str
    rate: str
    next_at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """The state at `at`, UTC; counts are over all time."""

    at: datetime
    sources: tuple[SourceRows, ...]
    profiles: int
    segments: tuple[tuple[str, int | None], ...]
    entries: tuple[Entries, ...]
    messages: tuple[Messages, ...]
    standing: tuple[Standing, ...]
    ended: tuple[Counted, ...]
    conversions: tuple[Counted, ...]
    next_timer: datetime | None
    states: tuple[JourneyState, ...] = ()
    actions: tuple[Actions, ...] = ()
    put_aside: tuple[PutAside, ...] = ()
    unknown_zones: tuple[UnknownZone, ...] = ()
    bad_rows: tuple[BadRow, ...] = ()
    failed: tuple[Failed, ...] = ()
    reads: tuple[VersionReads, ...] = ()
    away: Away = Away()
    uncomputed: tuple[Uncomputed, ...] = ()
    rates: tuple[RateNow, ...] = ()


def as_json(found: Report) -> dict[str, Any]:
    """Return the report as plain values: instants as ISO text with `Z`."""
    plain = _plain(asdict(found))
    assert isinstance(plain, dict)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(inner) for inner in value]
    return value
