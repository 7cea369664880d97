"""Questions about one customer.

They are answered from the store, with the program of its last run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cij.app.known_names import require_journey
from cij.app.request_error import RequestError
from cij.app.store_view import store_view
from cij.app.zone_times import instant
from cij.runtime.clock import LiveClock
from cij.runtime.insight.timeline import Timeline, timeline
from cij.runtime.insight.why import Why, why

Say = Callable[[str], None]


def why_of(
    path: Path, person: str, journey: str | None, at: datetime | None, on_wait: Say
) -> tuple[Why, str]:
    """Return why a customer did or did not enter a journey, and the project's zone.

    `at` is local to the zone; None is now. Raises: RequestError for an unknown customer or journey,
    or without a journey.
    """
    # The program of the last run, because the files may have changed since.
    with store_view(path, on_wait) as found:
        names = [j.name for j in found.program.journeys]
        if journey is None:
            raise RequestError(f"name a JOURNEY; the journeys are {', '.join(names) or 'none'}")
        require_journey(journey, names, " in the program of the last run")
        customer = found.customer(person)
        zone = found.program.timezone
        when = instant(at, zone) if at is not None else LiveClock().now()
        return why(found.engine, found.program, customer, journey, when), zone


@dataclass(frozen=True, slots=True)
class CustomerTimeline:
    """The timeline of a customer. `journeys` are all journeys of the program."""

    customer: str
    zone: str
    timeline: Timeline
    journeys: tuple[str, ...]


def timeline_of(path: Path, person: str, journey: str | None, on_wait: Say) -> CustomerTimeline:
    """Return the timeline of a customer, in one journey or in all.

    Raises: RequestError for an unknown customer.
    """
    with store_view(path, on_wait) as found:
        customer = found.customer(person)
        whole = timeline(found.engine, found.program, customer)
        shown = whole if journey is None else whole.of_journey(journey)
        names = tuple(j.name for j in found.program.journeys)
        return CustomerTimeline(customer, found.program.timezone, shown, names)
