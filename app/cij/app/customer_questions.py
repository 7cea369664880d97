"""Questions about one customer.

They are answered from the store, with the program of its last run. Where a service runs, it answers.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from cij.app.known_names import require_journey
from cij.app.local_service import ask
from cij.app.project_files import find_root
from cij.app.request_error import RequestError
from cij.app.store_view import StoreView, store_view
from cij.app.zone_times import instant
from cij.runtime.clock import LiveClock
from cij.runtime.insight.timeline import (
    as_json as timeline_as_json,
    lines as timeline_lines,
    timeline,
)
from cij.runtime.insight.why import as_json as why_as_json, lines as why_lines, why

Say = Callable[[str], None]
Answer = Callable[[StoreView, Mapping[str, Any], datetime], dict[str, Any]]


def why_of(
    path: Path, person: str, journey: str | None, at: datetime | None, on_wait: Say
) -> dict[str, Any]:
    """Return why a customer did or did not enter a journey: `tree` as JSON has it, and `lines`.

    `at` is local to the zone; None is now. Raises: RequestError for an unknown customer or journey,
    or without a journey.
    """
    when = at.isoformat() if at is not None else None
    asked = {"person": person, "journey": journey, "at": when}
    return _answered(path, "why", why_answer, asked, on_wait)


def timeline_of(path: Path, person: str, journey: str | None, on_wait: Say) -> dict[str, Any]:
    """Return the timeline of a customer, in one journey or in all: `entries` as JSON has them, `lines`,
    and `asking`, the journeys that a question is worth about.

    Raises: RequestError for an unknown customer.
    """
    asked = {"person": person, "journey": journey}
    return _answered(path, "timeline", timeline_answer, asked, on_wait)


def _answered(
    path: Path, name: str, answer: Answer, asked: Mapping[str, Any], on_wait: Say
) -> dict[str, Any]:
    found = ask(find_root(path), name, asked)
    if found is None:
        # The program of the last run, because the files may have changed since.
        with store_view(path, on_wait) as view:
            found = answer(view, asked, LiveClock().now())
    answered: dict[str, Any] = found
    return answered


def why_answer(view: StoreView, asked: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Answer `why`. Raises: RequestError."""
    names = [j.name for j in view.program.journeys]
    journey = asked.get("journey")
    if journey is None:
        raise RequestError(f"name a JOURNEY; the journeys are {', '.join(names) or 'none'}")
    require_journey(str(journey), names, " in the program of the last run")
    customer, zone = view.customer(str(asked.get("person"))), view.program.timezone
    when = instant(_local(asked["at"]), zone) if asked.get("at") else now
    found = why(view.engine, view.program, customer, str(journey), when)
    return {"tree": why_as_json(found), "lines": list(why_lines(found, zone))}


def _local(text: object) -> datetime:
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=None)
    except ValueError:
        raise RequestError(f"`{text}` is no time; write for example 2026-03-02T10:00") from None


def timeline_answer(view: StoreView, asked: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Answer `timeline`. Raises: RequestError."""
    customer, zone = view.customer(str(asked.get("person"))), view.program.timezone
    whole, journey = timeline(view.engine, view.program, customer), asked.get("journey")
    found = whole if journey is None else whole.of_journey(str(journey))
    passed = [entry.journey for entry in found.entries if entry.journey]
    others = [journey] if journey else [j.name for j in view.program.journeys]
    return {
        "customer": customer,
        "zone": zone,
        "entries": timeline_as_json(found),
        "lines": list(timeline_lines(found, zone)),
        "is_empty": not found.entries,
        # The one that was named comes first, then those that the customer was in, then all others.
        "asking": [*others, *passed] if journey else [*passed, *others],
    }
