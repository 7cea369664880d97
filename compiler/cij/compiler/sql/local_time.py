"""Local times in statements: the zone of a customer, and the conversion between instants and local
times.

All conversions read the table `zone`, so that every engine gets the same results (S4).
"""

from sqlglot import exp

from cij.compiler import expression as ex
from cij.compiler.sql import moments
from cij.compiler.sql.scope import Scope
from cij.compiler.sql.template import fill


def column(alias: str | None, name: str) -> exp.Expr:
    """Return the quoted column of a row."""
    assert alias is not None, f"`{name}` is read where there is no such row"
    return exp.column(exp.to_identifier(name, quoted=True), exp.to_identifier(alias, quoted=True))


def zone_of(scope: Scope) -> exp.Expr:
    """Return the name of the customer's zone: their own, else the journey's, else the project's
    (S4).

    The column `zone` has the field `timezone` where it names a known zone, else the project's zone.
    """
    if scope.source_alias is not None and scope.journey_zone is not None:
        return exp.Literal.string(scope.journey_zone)
    zone = column(scope.customer, "zone")
    if scope.journey_zone is None:
        return zone
    journey = exp.Literal.string(scope.journey_zone)
    if not scope.has_own_zone:
        return journey
    # The two columns differ where the customer's own zone is missing or unknown.
    own = column(scope.customer, "timezone")
    return fill("CASE WHEN {own} = {z} THEN {z} ELSE {j} END", own=own, z=zone, j=journey)


def to_local(at: exp.Expr, zone: exp.Expr) -> exp.Expr:
    """Return the local date and time of an instant in a zone."""
    return fill(
        "(SELECT {at} + zone.offset_s * INTERVAL '1' SECOND FROM zone "
        "WHERE zone.name = {zone} AND {at} >= zone.utc_from AND {at} < zone.utc_to)",
        at=at,
        zone=zone,
    )


def to_instant(local: exp.Expr, zone: exp.Expr) -> exp.Expr:
    """Return the instant of a local date and time in a zone. S4 decides in gaps and overlaps."""
    return fill(
        "(SELECT GREATEST({local} - zone.offset_s * INTERVAL '1' SECOND, zone.utc_from) FROM zone "
        "WHERE zone.name = {zone} AND {local} >= zone.local_from AND {local} < zone.local_to)",
        local=local,
        zone=zone,
    )


def after(at: exp.Expr, period: ex.Period, scope: Scope) -> exp.Expr:
    """Return the instant one period after `at`, by the calendar of the customer's zone (S2)."""
    if moments.is_elapsed(period):
        return fill("{a} + {n} * INTERVAL '1' SECOND", a=at, n=exp.convert(moments.seconds(period)))
    return stepped(at, moments.of_period(period), zone_of(scope))


def stepped(at: exp.Expr, step: moments.Moment, zone: exp.Expr) -> exp.Expr:
    """Return the instant that a step of a period leads to from `at`.

    Elapsed time comes after the calendar. Backwards all is undone from its end, so it comes first.
    """
    if step.elapsed_s < 0:
        at = _later(at, step.elapsed_s)
    found = to_instant(on_calendar(to_local(at, zone), step), zone)
    return _later(found, step.elapsed_s) if step.elapsed_s > 0 else found


def _later(at: exp.Expr, seconds: int) -> exp.Expr:
    sign = "+" if seconds >= 0 else "-"
    return fill(f"{{a}} {sign} {{n}} * INTERVAL '1' SECOND", a=at, n=exp.convert(abs(seconds)))


def on_calendar(local: exp.Expr, step: moments.Moment) -> exp.Expr:
    """Return the local time, or the date, that the months and days of a step lead to."""
    parts = [("MONTH", step.months), ("DAY", step.days)]
    for unit, count in parts if step.is_forward else reversed(parts):
        if count:
            sign = "+" if count > 0 else "-"
            n = exp.convert(abs(count))
            local = fill(f"{{a}} {sign} {{n}} * INTERVAL '1' {unit}", a=local, n=n)
    return local
