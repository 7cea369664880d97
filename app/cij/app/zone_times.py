"""Instants and the local times of a zone, as front doors read and show them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def local(at: datetime | None, zone: str) -> str:
    """Return an instant as local time of a zone, to the minute."""
    if at is None:
        return ""
    return at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def instant(at: datetime, zone: str) -> datetime:
    """Return the instant of a local time, UTC without a zone as everywhere in the runtime."""
    return at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)
