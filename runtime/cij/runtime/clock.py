"""Clocks: the one place where the time is read. Everything else is given an instant."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the instant, UTC without a zone."""

    def now(self) -> datetime: ...


class LiveClock:
    """The system's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC).replace(tzinfo=None)


class SimulatedClock:
    """A clock that stands still until it is moved."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance_to(self, instant: datetime) -> None:
        """Move the clock forward. Asserts that it never goes back."""
        assert instant >= self._now, "time does not go back"
        self._now = instant
