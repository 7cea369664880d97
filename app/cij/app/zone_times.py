"""The conversion between instants and local times, for commands."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def local(at: datetime | None, zone: str) -> str:
    """Return an instant as local time of a zone with minutes; empty for None."""
    if at is None:
        return ""
    try:
        found = at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    except OverflowError:
        # In its first and last hours the calendar has no room for an offset.
        found = at
    # Not `strftime`, which writes early years with fewer than four digits.
    return found.isoformat(" ", "minutes")[:16]


def local_text(at: str, zone: str) -> str:
    """Return an instant, written in ISO with `Z`, as local time of a zone; empty for an empty text."""
    return local(datetime.fromisoformat(at.removesuffix("Z")), zone) if at else ""


def instant(at: datetime, zone: str) -> datetime:
    """Return the instant of a local time.

    It is in UTC without a zone, as everywhere in the runtime.
    """
    try:
        return at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        return at
