"""Rates: how many messages may go to a provider, spread evenly over a time.

A rate is kept by one instant, `until`: it moves forward by one step for each message. While it is at most
some steps ahead of now, messages may go. So nothing has to be counted, and a restart needs one instant.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

_UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
_WRITTEN = re.compile(r"([1-9]\d{0,8}) per (second|minute|hour|day)")
# So many parts of its time a rate is spread over.
_PARTS = 60
# Waking up for each message alone takes more than sending it.
_TOGETHER = timedelta(seconds=1)
_WARM_DAYS_MAX = 3_660


@dataclass(frozen=True, slots=True)
class Rate:
    """So many messages in each `unit`, such as 500 per hour.

    In no hour, minute or day go more than `count`. A rate per second is kept on average.
    """

    count: int
    unit: str

    @property
    def at_once(self) -> int:
        """How many may go together after a time without any."""
        return self.count if self.unit == "second" else max(1, self.count // _PARTS)

    @property
    def step(self) -> timedelta:
        """The time between two messages where many wait."""
        # What goes at once is part of the count, so the rest has to be that much slower.
        steps = self.count if self.unit == "second" else self.count - self.at_once + 1
        # Rounded up: a rate is kept and not nearly kept.
        return -(-_UNITS[self.unit] // steps)

    @property
    def per_hour(self) -> int:
        """How many go in an hour, at least one."""
        return max(1, int(self.count * (timedelta(hours=1) / _UNITS[self.unit])))

    def free(self, until: datetime | None, now: datetime) -> int:
        """Return how many may go now."""
        return (self._span - (self._ahead(until, now))) // self.step

    def after(self, until: datetime | None, now: datetime, count: int) -> datetime:
        """Return `until` after `count` messages more."""
        return now + self._ahead(until, now) + count * self.step

    def free_at(self, until: datetime | None, now: datetime) -> datetime:
        """Return when the next may go: some together, where they come faster than each second."""
        together = max(1, min(self.at_once, _TOGETHER // self.step))
        wait = self._ahead(until, now) - (self.at_once - together) * self.step
        return now + max(wait, timedelta())

    @property
    def _span(self) -> timedelta:
        return self.at_once * self.step

    def _ahead(self, until: datetime | None, now: datetime) -> timedelta:
        # Never more than was taken at once: the clock or the rate may have changed.
        return min(max((until or now) - now, timedelta()), self._span)

    def __str__(self) -> str:
        return f"{self.count} per {self.unit}"


def rate_of(text: str) -> Rate:
    """Return the rate of a text such as `500 per hour`. Raises: ValueError."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError(
            'write a rate such as "500 per hour"; the times are second, minute, hour and day'
        )
    return Rate(int(found[1]), found[2])


@dataclass(frozen=True, slots=True)
class WarmUp:
    """A rate per day that grows: `first` on the day `since`, then each day `growth` times as many, up to `to`.

    Days are those of UTC.
    """

    since: date
    first: int
    growth: float
    to: int

    def rate(self, now: datetime) -> Rate | None:
        """Return the rate of the day; None when the warm-up is over."""
        days = max(0, (now.date() - self.since).days)
        if days > _WARM_DAYS_MAX:
            return None
        try:
            count = int(self.first * self.growth**days)
        except OverflowError:
            return None
        return Rate(count, "day") if count < self.to else None


# The rate of each domain that has none of its own.
EACH_OTHER = "*"


@dataclass(frozen=True)
class Limits:
    """The rates of one way: of all messages, of those to a domain, and while it is warmed up.

    `domains` may have `*`, a rate that each domain without its own has for itself.
    """

    rate: Rate | None = None
    domains: Mapping[str, Rate] = field(default_factory=dict)
    warm_up: WarmUp | None = None

    def of_all(self, now: datetime) -> dict[str, Rate]:
        """Return the rates that count each message, by what they are called."""
        warm = self.warm_up.rate(now) if self.warm_up is not None else None
        found = {"all": self.rate, "warm-up": warm}
        return {name: rate for name, rate in found.items() if rate is not None}

    def of_domain(self, domain: str) -> Rate | None:
        """Return the rate of a domain; None where it has none."""
        # Only a name with a dot is a domain: the rates of all messages have names without one.
        other = self.domains.get(EACH_OTHER) if "." in domain else None
        return self.domains.get(domain, other)
