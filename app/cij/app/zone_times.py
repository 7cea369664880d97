"""The conversion between instants and local times, for commands."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def local(at: datetime | None, zone: str) -> str:
    """Return an instant as local time of a zone with minutes; empty for None."""
    if at is None:
        return ""
    return at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def instant(at: datetime, zone: str) -> datetime:
    """Return the instant of a local time.

    It is in UTC without a zone, as everywhere in the runtime.
    """
    return at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)
