"""Conditions of a send: quiet hours, caps, the suppression list, validity (S16 to S18)."""

from collections.abc import Callable, Iterable
from typing import Any

from sqlglot import exp

from cij.compiler import expression as ex
from cij.compiler.channels import ADDRESS
from cij.compiler.policy import TRANSACTIONAL
from cij.compiler.sql import canonical_addresses, moments
from cij.compiler.sql.interning import numbered
from cij.compiler.sql.local_time import after, column, zone_of
from cij.compiler.sql.scope import Scope
from cij.compiler.sql.template import fill

Emit = Callable[[Any, Scope], exp.Expr]

# What is sent leaves at the real instant of the tick, also in a late tick (S12). So all rules of a send
# count from it, and not from the own instant of a passage.
_NOW = fill("$now")

# A cap counts messages that may arrive or may have arrived, so that an uncertain one never breaks
# it.
_COUNTED = ("queued", "sending", "delivered", "uncertain")
_DAYS_MAX = {"day": 1, "week": 7, "month": 31, "year": 366}
# A held message whose end is unknown is tested again after this time, so that no passage wakes in
# each tick.
_PATIENCE = "$now + 1 * INTERVAL '1' HOUR"


# --- quiet hours ------------------------------------------------------------------------------


def in_quiet(node: ex.InQuiet, scope: Scope) -> exp.Expr:
    """Return the condition that it is a quiet hour on the customer's clock at the instant of the
    tick."""
    zone = zone_of(scope)
    return exp.or_(*(_shows(hours, zone) for hours in node.hours), copy=False)


def _shows(hours: ex.Hours, zone: exp.Expr) -> exp.Expr:
    # Quiet hours over midnight are two intervals of one day.
    join = "AND" if hours.start < hours.end else "OR"
    return fill(
        f"(CAST({{now}} AS TIME) >= CAST({{start}} AS TIME) {join} "
        "CAST({now} AS TIME) < CAST({end} AS TIME))",
        now=moments.local_now(zone, _NOW),
        start=exp.Literal.string(hours.start),
        end=exp.Literal.string(hours.end),
    )


def quiet_until(quiet: Iterable[ex.Hours], scope: Scope) -> exp.Case:
    """Return the instant at which the current quiet hours end; null outside of quiet hours."""
    zone, found = zone_of(scope), exp.Case()
    for hours in quiet:
        found = found.when(_shows(hours, zone), _over(hours, zone), copy=False)
    return found


# The next instant with this local time by S4. In the hour that occurs twice the first occurrence
# may be past, and S4 would then give the next day. The second occurrence is earlier, so it is
# taken.
_OVER = """
CASE
  WHEN {by_clock} - ($now + ({end} - {now})) > 3 * INTERVAL '1' HOUR THEN $now + ({end} - {now})
  ELSE {by_clock}
END
"""


def _over(hours: ex.Hours, zone: exp.Expr) -> exp.Expr:
    now, at = moments.local_now(zone, _NOW), exp.Literal.string(hours.end)
    end = fill(
        "CAST({now} AS DATE) + CAST({at} AS TIME) + "
        "CASE WHEN CAST({now} AS TIME) < CAST({at} AS TIME) THEN 0 ELSE 1 END * INTERVAL '1' DAY",
        now=now,
        at=at,
    )
    by_clock = moments.instant(end_of(hours), zone, _NOW)
    return fill(_OVER, by_clock=by_clock, now=now, end=exp.paren(end, copy=False))


def end_of(hours: ex.Hours) -> moments.Moment:
    """Return the calendar instant at which quiet hours end next."""
    return moments.Moment(at=hours.end)


# --- validity ---------------------------------------------------------------------------------


def expired(node: ex.Expired, scope: Scope) -> exp.Expr:
    """Return the condition that a held message has expired.

    `scope.passage` is a row of `passage_row`.
    """
    return exp.and_(_is_held(node, scope), fill("{a} <= $now", a=_ends(node, scope)), copy=False)


def _is_held(node: ex.Expired, scope: Scope) -> exp.Expr:
    states = [numbered(state) for state in node.states]
    return exp.In(this=column(scope.passage, "state"), expressions=states)


def _ends(node: ex.Expired, scope: Scope) -> exp.Expr:
    return after(column(scope.passage, "since"), node.period, scope)


def valid_until(node: ex.Expired, scope: Scope) -> exp.Expr:
    """Return the instant at which a message expires.

    For a held message it counts from when the message was first held, else from now.
    """
    return fill(
        "CASE WHEN {held} THEN {ends} ELSE {fresh} END",
        held=_is_held(node, scope),
        ends=_ends(node, scope),
        fresh=after(fill("$now"), node.period, scope),
    )


# --- the suppression list ---------------------------------------------------------------------


def listed(node: ex.Listed, scope: Scope) -> exp.Expr:
    """Return the condition that the customer or their address is on the list, as in `on_list`."""
    return on_list(node.channel, column(scope.customer, "id"), column(scope.customer, node.address))


def on_list(channel: str, customer: exp.Expr, address: exp.Expr) -> exp.Expr:
    """Return the condition that a customer or an address is on the list, for the channel or for
    all."""
    return fill(
        "({customer} IN (SELECT l.customer FROM suppression AS l "
        "WHERE COALESCE(l.channel, {channel}) = {channel} AND NOT l.customer IS NULL) "
        "OR {listed})",
        customer=customer,
        listed=canonical_addresses.listed(channel, address),
        channel=exp.Literal.string(channel),
    )


# --- caps -------------------------------------------------------------------------------------

_SENT = """
SELECT {what} FROM outbox_row AS o JOIN effect AS e ON e.id = o.effect
WHERE o.customer = {customer} AND o.created_at > {earliest} AND {inside}
  AND {channels} AND e.topic <> {exempt} AND {outcomes}
"""


def over_cap(node: ex.OverCap, scope: Scope) -> exp.Expr:
    """Return the condition that a message of a passage that is ready, row `w`, would exceed a cap.

    All passages of this tick at the step are ready, so `place` numbers the messages of each
    customer. Expired messages come last, since they take no place.
    """
    last = expired(node.expired, scope) if node.expired else exp.false()
    place = fill(
        "ROW_NUMBER() OVER (PARTITION BY w.customer ORDER BY {last} ASC, w.passage ASC)",
        last=fill("CASE WHEN {a} THEN 1 ELSE 0 END", a=last),
    )
    wait = exp.or_(*(_exceeds(cap, place, scope) for cap in node.caps), copy=False)
    never = [exp.not_(_exceeds(cap, place, scope)) for cap in node.unless]
    return exp.and_(exp.paren(wait, copy=False), *never, copy=False)


def _exceeds(cap: ex.Cap, place: exp.Expr, scope: Scope) -> exp.Expr:
    return fill("{place} > {room}", place=place.copy(), room=room(cap, scope))


def room(cap: ex.Cap, scope: Scope) -> exp.Expr:
    """Return the number of further messages that a cap allows the customer now."""
    count = _sent("COUNT(*)", cap, scope)
    return fill("{n} - ({sent})", n=exp.convert(cap.count), sent=exp.paren(count, copy=False))


def _sent(what: str, cap: ex.Cap, scope: Scope) -> exp.Expr:
    """Return the query over the customer's messages that a cap counts now. It selects `what`."""
    channels = [cap.channel] if cap.channel else list(ADDRESS)
    return fill(
        _SENT,
        what=fill(what),
        customer=column(scope.customer, "id"),
        earliest=_earliest(cap),
        inside=_inside(cap, scope),
        channels=_one_of("e", "channel", channels),
        outcomes=_one_of("o", "outcome", _COUNTED),
        exempt=exp.Literal.string(TRANSACTIONAL),
    )


def _one_of(row: str, name: str, values: Iterable[str]) -> exp.Expr:
    return exp.In(this=column(row, name), expressions=[exp.Literal.string(v) for v in values])


def _earliest(cap: ex.Cap) -> exp.Expr:
    """Return an instant before which no message counts in any zone, so that most rows are
    skipped."""
    if moments.is_elapsed(cap.period):
        return fill("$now - {n} * INTERVAL '1' SECOND", n=exp.convert(moments.seconds(cap.period)))
    days = sum(n * _DAYS_MAX[unit] for n, unit in cap.period.lengths if unit in _DAYS_MAX) + 2
    if cap.period.rest is not None:
        days += moments.elapsed_s(cap.period) // 86400 + 1
    return fill("$now - {n} * INTERVAL '1' DAY", n=exp.convert(days))


def _inside(cap: ex.Cap, scope: Scope) -> exp.Expr:
    if not cap.is_calendar and moments.is_elapsed(cap.period):
        return exp.true()
    # A calendar window includes its first instant, a rolling one excludes it (S5).
    sign = ">=" if cap.is_calendar else ">"
    start = moments.instant(_start(cap), zone_of(scope), _NOW)
    return fill(f"o.created_at {sign} {{start}}", start=start)


def _start(cap: ex.Cap) -> moments.Moment:
    if cap.is_calendar:
        return moments.of_calendar(cap.period, is_next=False)
    return moments.of_period(cap.period, sign=-1)


def moments_of(cap: ex.Cap) -> tuple[moments.Moment, ...]:
    """Return the calendar instants that the statements of a cap read."""
    if cap.is_calendar:
        return (_start(cap), moments.of_calendar(cap.period, is_next=True))
    return () if moments.is_elapsed(cap.period) else (_start(cap),)


def _frees(cap: ex.Cap, scope: Scope) -> exp.Expr:
    """Return the instant at which a full window may have room. The caps are tested again then."""
    if cap.is_calendar:
        return moments.instant(moments.of_calendar(cap.period, is_next=True), zone_of(scope), _NOW)
    first = exp.paren(_sent("MIN(o.created_at)", cap, scope), copy=False)
    return after(fill("COALESCE({a}, $now)", a=first), cap.period, scope)


# --- how long a passage is held ---------------------------------------------------------------


def held_until(node: ex.HeldUntil, scope: Scope) -> exp.Expr:
    """Return the instant at which a held message is tested again. It is always later than now.

    An instant that is not later would wake the passage again in the same tick without end.
    """
    ends = quiet_until(node.hours, scope)
    for cap in node.caps:
        is_full = fill("{room} <= 0", room=room(cap, scope))
        ends = ends.when(is_full, _frees(cap, scope), copy=False)
    found = _patient(ends if node.hours or node.caps else fill("$now"))
    if node.expired is None:
        return found
    return fill("LEAST({a}, {b})", a=found, b=valid_until(node.expired, scope))


def _patient(at: exp.Expr) -> exp.Expr:
    """Return the instant `at`; some time after now where `at` is unknown or not later than now."""
    return fill(f"CASE WHEN {{a}} > $now THEN {{a}} ELSE {_PATIENCE} END", a=at)


ATOMS: dict[type, Emit] = {
    ex.Expired: expired,
    ex.Listed: listed,
    ex.InQuiet: in_quiet,
    ex.OverCap: over_cap,
}
VALUES: dict[type, Emit] = {ex.HeldUntil: held_until}
