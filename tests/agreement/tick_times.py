"""When the runtime ticks: whenever something is due, or by a schedule that is late."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from tests.agreement.scenario import Scenario

# The gaps between the ticks of a schedule, in minutes: a cron, an outage of hours, one of days.
_GAPS: dict[str, tuple[int, ...]] = {
    "cron": (360,),
    "hours": (5, 60, 60, 300, 1000, 2000),
    "days": (60, 1440, 5000, 10000, 30000),
}


@dataclass(frozen=True)
class Spacing:
    """How ticks are spaced.

    `extra` is a number of additional ticks at instants when nothing is due. `is_early` hands in at
    the start all events that do not depend on a message: before the instant at which they happen.
    `late` names a schedule of ticks (`tick_times`) that does not follow what is due.
    """

    extra: int = 0
    is_early: bool = False
    late: str | None = None


def tick_times(scenarios: Sequence[Scenario], spacing: Spacing) -> list[datetime] | None:
    """Return the instants of all ticks of the scenarios of a store; None where they follow what is due.

    A refresh and an order come with a tick of their own: they are what somebody does.
    """
    if spacing.late is None:
        return None
    start, end = scenarios[0].start, scenarios[0].end
    found = {start, end} | {order.at for scenario in scenarios for order in scenario.orders}
    for scenario in scenarios:
        for customer in scenario.customers:
            found |= {change.at for change in customer.changes}
            if spacing.late == "events":
                found |= {arrival.arrives for arrival in customer.arrivals}
    if spacing.late != "events":
        found |= set(_drawn(Random(scenarios[0].seed), _GAPS[spacing.late], start, end))
    return sorted(at for at in found if start <= at <= end)


def _drawn(
    random: Random, gaps: Sequence[int], start: datetime, end: datetime
) -> Iterator[datetime]:
    at = start
    while at < end:
        at += timedelta(minutes=random.choice(gaps))
        yield at
