"""The contact rules, S16 to S18, with Python's own calendar: quiet hours, caps, suppression list."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from cij.grammar import syntax
from tests.agreement.customer_state import Message
from tests.agreement.reading import setting
from tests.reference_evaluator import stepped, to_instant, to_local

ADDRESS = {"email": "email", "sms": "phone"}
EXEMPT = "transactional"


@dataclass(frozen=True)
class Cap:
    """`at most 3 email per 7 days`. A full cap delays messages (`waits`) or drops them."""

    policy: str
    node: syntax.AtMost
    waits: bool

    @property
    def words(self) -> str:
        per, count, channel = self.node.per, self.node.count, self.node.channel
        what = channel.text if channel else "message" if count == 1 else "messages"
        several = per.unit if per.lengths == ((1, per.unit),) else _length(per)
        return f"at most {count} {what} per {'calendar ' * self.node.is_calendar}{several}"

    def is_of(self, channel: str, topic: str) -> bool:
        return topic != EXEMPT and (self.node.channel is None or self.node.channel.text == channel)

    def inside(self, messages: Iterable[Message], now: datetime, zone: str) -> list[Message]:
        """Return the messages that count now: those sent in the rolling or in the calendar window."""
        sent = [m for m in messages if m.outcome == "delivered" and self.is_of(m.channel, m.topic)]
        if self.node.is_calendar:
            return [m for m in sent if m.at >= begin(self.node.per.unit, now, zone)]
        return [m for m in sent if m.at > stepped(now, self.node.per, -1, zone)]

    def is_full(self, messages: Iterable[Message], now: datetime, zone: str) -> bool:
        return len(self.inside(messages, now, zone)) >= self.node.count

    def frees(self, messages: Iterable[Message], now: datetime, zone: str) -> datetime:
        """Return when the cap may have room again: at the next window, or when the oldest message leaves."""
        if self.node.is_calendar:
            return following(self.node.per.unit, now, zone)
        first = min(m.at for m in self.inside(messages, now, zone))
        found = stepped(first, self.node.per, 1, zone)
        assert isinstance(found, datetime)
        return found


def begin(unit: str, now: datetime, zone: str) -> datetime:
    """Return when the calendar day, week (from Monday), month or year began."""
    return to_instant(datetime.combine(_first_day(unit, to_local(now, zone)), time()), zone)


def following(unit: str, now: datetime, zone: str) -> datetime:
    """Return when the next such period begins."""
    day = _first_day(unit, to_local(now, zone))
    length = {"day": 1, "week": 7, "month": 31, "year": 366}[unit]
    after = _first_day(unit, datetime.combine(day, time()) + timedelta(days=length))
    return to_instant(datetime.combine(after, time()), zone)


def _first_day(unit: str, local: datetime) -> Any:
    day = local.date()
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if unit == "year" else day


@dataclass
class Rules:
    """All policies in_one_store."""

    nodes: list[syntax.Policy]

    def _all(self, kind: type) -> Iterator[tuple[str, Any]]:
        return ((n.name.text, i) for n in self.nodes for i in n.rules if isinstance(i, kind))

    @cached_property
    def hours(self) -> list[syntax.TimeRange]:
        return [quiet.hours for _, quiet in self._all(syntax.Quiet)]

    @cached_property
    def caps(self) -> list[Cap]:
        waiting = {name for name, _ in self._all(syntax.OnCapWait)}
        return [Cap(name, node, name in waiting) for name, node in self._all(syntax.AtMost)]

    def never(self, channel: str) -> list[tuple[str, syntax.Expression]]:
        rules = self._all(syntax.NeverSend)
        return [
            (name, rule.condition)
            for name, rule in rules
            if rule.channel is None or rule.channel.text == channel
        ]

    def is_quiet(self, at: datetime, zone: str) -> bool:
        shown = to_local(at, zone).time()
        return any(_shows(hours, shown) for hours in self.hours)

    def quiet_until(self, now: datetime, zone: str) -> datetime:
        """Return the first instant from now on outside the quiet hours.

        That is at the end of quiet hours (S4 where the clock skips it), maybe the second time the
        clock shows it, or where the clock is put back.
        """
        today = to_local(now, zone).replace(hour=0, minute=0, second=0, microsecond=0)
        days = [today + timedelta(days=n) for n in range(4)]
        ends = [datetime.combine(day, hours.end) for day in days for hours in self.hours]
        found = {*(to_instant(end, zone) for end in ends), *_jumps(now, zone)}
        found |= {_second(end, zone) for end in ends}
        return min(at for at in found if at > now and not self.is_quiet(at, zone))


def _shows(hours: syntax.TimeRange, shown: time) -> bool:
    if hours.start < hours.end:
        return hours.start <= shown < hours.end
    return shown >= hours.start or shown < hours.end


def _second(local: datetime, zone: str) -> datetime:
    """Return the last instant at which the clock shows a time."""
    return local.replace(tzinfo=ZoneInfo(zone), fold=1).astimezone(UTC).replace(tzinfo=None)


def _jumps(now: datetime, zone: str) -> Iterator[datetime]:
    """Yield when the clock is put back in the next three days, which is at a full quarter of an hour."""
    at = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    quarter = timedelta(minutes=15)
    for _ in range(4 * 24 * 3):
        at += quarter
        before = at - timedelta(seconds=1)
        if to_local(at, zone) - to_local(before, zone) < timedelta(seconds=1):
            yield at


@dataclass
class SuppressionList:
    """The suppression list, by channel: addresses and customers."""

    addresses: set[tuple[str, str]] = field(default_factory=set)
    customers: set[tuple[str, str]] = field(default_factory=set)

    def follow(self, event: Any, customer: str, about: Message | None, own: dict[str, Any]) -> None:
        """Add what a hard bounce or a complaint is about. A complaint adds the customer too."""
        if event.name not in ("bounced", "complained") or event.fields.get("reason") == "soft":
            return
        channel = event.fields["channel"] or (about.channel if about else "email")
        address = (about.address if about else None) or own[ADDRESS[channel]]
        if address:
            self.addresses.add((channel, address.lower()))
        if event.name == "complained":
            self.customers.add((channel, customer))

    def has(self, channel: str, customer: str, address: str | None) -> bool:
        is_there = (channel, (address or "").lower()) in self.addresses
        return is_there or (channel, customer) in self.customers


@dataclass(frozen=True)
class Content:
    """The properties of a message that the rules use."""

    channel: str
    topic: str
    needs_consent: bool
    expires: syntax.Duration | None

    @property
    def validity(self) -> str:
        assert self.expires is not None
        return _length(self.expires)


def _length(written: syntax.Duration) -> str:
    return " ".join(f"{n} {unit}{'s' if n > 1 else ''}" for n, unit in written.lengths)


def contents(messages: list[Any], topics: list[Any]) -> dict[str, Content]:
    free = {t.name.text for t in topics if setting(t, "consent").text == "none"}
    return {
        m.name.text: Content(m.channel.text, topic, topic not in free, setting(m, "expires"))
        for m in messages
        for topic in [setting(m, "topic").text]
    }
