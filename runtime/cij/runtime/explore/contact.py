"""The contact rules that must always hold: quiet hours, caps, validity, suppression.

They are checked on the messages in the store with plain arithmetic of local times. This is
independent of the SQL that decides a send, so one mistake cannot hide in both. Where the zone of a
customer changed and the result depends on it, a rule is not judged.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import groupby

from cij.compiler import program as pg
from cij.compiler.expression import Cap, Hours, Period
from cij.compiler.policy import TRANSACTIONAL
from cij.compiler.sql import query
from cij.runtime import zones
from cij.runtime.explore.lived import Lived, Violation

_SENT = query(
    "SELECT o.customer, o.journey, o.channel, o.topic, o.message, o.created_at FROM outbox AS o "
    "WHERE o.outcome IN ('queued', 'delivered') AND o.channel <> 'action' "
    "ORDER BY o.customer, o.created_at, o.key"
)
_VALID = query(
    "SELECT o.customer, o.journey, o.channel, o.message, o.created_at, o.expires_at FROM outbox AS o "
    "WHERE o.outcome IN ('queued', 'delivered') AND NOT o.expires_at IS NULL "
    "ORDER BY o.created_at, o.key"
)
# The shortest length of each unit in any calendar. A check with the shortest length reports no
# message that a longer window would allow.
_SHORTEST = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=28),
    "year": timedelta(days=365),
}
_ELAPSED = ("second", "minute", "hour")
# More than a change of the clock in summer and winter.
_CLOCKS_CHANGE = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class _Sent:
    customer: str
    journey: str
    channel: str
    topic: str
    message: str
    at: datetime


def _sent(lived: Lived) -> list[_Sent]:
    return [_Sent(*row) for row in lived.rows(_SENT)]


# --- quiet hours ------------------------------------------------------------------------------


def quiet_hours_hold(lived: Lived) -> Iterator[Violation]:
    """Yield the messages that were sent in quiet hours of the customer (S17)."""
    quiet = [hours for policy in lived.stage.program.policies for hours in policy.quiet]
    for sent in _sent(lived) if quiet else ():
        if sent.topic == TRANSACTIONAL:
            continue
        clocks = [zones.to_local(sent.at, zone).time() for zone in _zones(lived, sent)]
        # It is a violation only if it is one in every zone that the customer may have had.
        if all(any(_is_quiet(hours, clock) for hours in quiet) for clock in clocks):
            text = f"{sent.channel} {sent.message} at {clocks[0]:%H:%M} by their clock"
            yield Violation("nothing is sent in quiet hours", sent.journey, sent.customer, text)


def _is_quiet(hours: Hours, clock: time) -> bool:
    start, end = time.fromisoformat(hours.start), time.fromisoformat(hours.end)
    return start <= clock < end if start < end else clock >= start or clock < end


def _zones(lived: Lived, sent: _Sent) -> list[str]:
    """Return the zones that a customer may have had at the instant of a message.

    A change at the same instant may have come before or after the message, so both zones count.
    """
    program = lived.stage.program
    journey = next(j for j in program.journeys if j.name == sent.journey)
    found = [journey.timezone or program.timezone]
    for zoned in lived.zoned:
        if zoned.customer == sent.customer and zoned.at <= sent.at:
            own = zoned.zone if zones.is_zone(zoned.zone) else found[0]
            found = [own] if zoned.at < sent.at else [*found, own]
    return found


# --- caps -------------------------------------------------------------------------------------


def caps_hold(lived: Lived) -> Iterator[Violation]:
    """Yield the messages that exceeded a cap (S18)."""
    caps = [cap for policy in lived.stage.program.policies for cap in policy.caps]
    for customer, rows in groupby(_sent(lived), key=lambda sent: sent.customer) if caps else ():
        counted = [sent for sent in rows if sent.topic != TRANSACTIONAL]
        for cap in caps:
            of = [sent for sent in counted if cap.channel in (None, sent.channel)]
            yield from _too_many(lived, customer, cap, of)


def _too_many(lived: Lived, customer: str, cap: Cap, of: list[_Sent]) -> Iterator[Violation]:
    own = {z.zone for z in lived.zoned if z.customer == customer}
    if cap.is_calendar and len(own) > 1:
        # The calendar day of a message depends on the zone, so nothing is certain.
        return
    for n, last in enumerate(of):
        inside = [sent for sent in of[: n + 1] if _is_in_window(lived, cap, sent, last)]
        if len(inside) > cap.count:
            text = f"{last.channel} {last.message} is number {len(inside)} of {cap.count}"
            yield Violation("caps hold", last.journey, customer, text)


def _is_in_window(lived: Lived, cap: Cap, sent: _Sent, last: _Sent) -> bool:
    if cap.is_calendar:
        zone = _zones(lived, last)[-1]
        days = (zones.to_local(s.at, zone) for s in (sent, last))
        return len({_unit(day, cap.period) for day in days}) == 1
    return last.at - sent.at < shortest(cap.period)


def shortest(period: Period) -> timedelta:
    """Return the shortest length of a period in any zone at any time of the year."""
    found = sum((_SHORTEST[unit] * count for count, unit in period.lengths), timedelta())
    return found if period.unit in _ELAPSED else found - _CLOCKS_CHANGE


def _unit(day: datetime, period: Period) -> tuple[int, ...]:
    """Return the calendar day, week, month or year of a local time. Equal results are one unit."""
    week = day.isocalendar()
    units = {
        "day": (day.year, day.month, day.day),
        "week": (week.year, week.week),
        "month": (day.year, day.month),
        "year": (day.year,),
    }
    return units[period.unit]


# --- validity ---------------------------------------------------------------------------------


def validity_holds(lived: Lived) -> Iterator[Violation]:
    """Yield the messages that were sent after they had expired."""
    for customer, journey, channel, message, at, expires_at in lived.rows(_VALID):
        if at >= expires_at:
            shown = lived.stage.shown
            text = f"{channel} {message} at {shown(at)}, though it was valid to {shown(expires_at)}"
            yield Violation("nothing is sent too late", journey, customer, text)


# --- the suppression list ---------------------------------------------------------------------


def suppression_holds(lived: Lived) -> Iterator[Violation]:
    """Yield the messages on a channel after a hard bounce or a complaint of the customer."""
    for sent in _sent(lived):
        for barred in lived.barred:
            is_same = (barred.customer, barred.channel) == (sent.customer, sent.channel)
            # At the same instant the message may have come first.
            if is_same and barred.at < sent.at:
                shown = lived.stage.shown(barred.at)
                text = f"{sent.channel} {sent.message}, though they {barred.event} at {shown}"
                yield Violation(
                    "nothing is sent to the suppression list", sent.journey, sent.customer, text
                )


def channels_of(program: pg.Program, step: str) -> set[str]:
    """Return the channels on which steps with this name send, in all journeys."""
    acts = [s for j in program.journeys for s in j.states if isinstance(s, pg.ActState)]
    sends = [a.effect for a in acts if a.step == step and isinstance(a.effect, pg.SendEffect)]
    return {effect.channel for effect in sends}
