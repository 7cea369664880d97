"""Reacting: goals and exits on events, before anything else is done (S8)."""

from sqlglot import exp

from cij.compiler import expression as ex, program as pg
from cij.compiler.sql import moments
from cij.compiler.sql.condition import column, condition, to_instant, to_local, zone_of
from cij.compiler.sql.plan.context import Context, all_of, text
from cij.compiler.sql.plan.waking import on_event, per_key
from cij.compiler.sql.template import Statement, fill, query

# The event that brought somebody in is not what he does after he came in.
_AFTER_ENTRY = "e.at >= p.entered_from AND COALESCE(p.trigger, -1) <> e.seq"

_CONVERSION = """
SELECT p.id AS passage, p.customer, p.trigger, e.seq, e.at
FROM fresh AS f
JOIN {events} AS e ON e.seq = f.seq
JOIN passage AS p ON p.customer = f.customer
JOIN customer AS c ON c.id = p.customer
WHERE f.event = {event} AND f.round = $round
  AND p.journey = {journey} AND p.version = {version} AND {conditions}
  AND NOT EXISTS(SELECT 1 FROM conversion AS v WHERE v.passage = p.id AND v.goal = {goal})
"""


def on_goal(goal: pg.Goal, event: pg.Event, context: Context) -> list[Statement]:
    """Return the statements that record a conversion and, unless it stays, end the passage.

    Time: with a window a conversion counts inside it even after the passage ended, without one as
    long as the passage lasts.
    """
    conditions = [fill(_AFTER_ENTRY), _window(goal, context), *_where(goal.where, context)]
    rows = fill(
        _CONVERSION,
        events=f"event_{event.name}",
        event=text(event.name),
        goal=text(goal.name),
        conditions=all_of(conditions + per_key(event, context)),
        **context.names,
    )
    rows = context.with_triggers(rows, "p", goal.where)
    record = query(
        """
INSERT INTO conversion (journey, version, goal, passage, customer, event, at)
SELECT {journey}, {version}, {goal}, r.passage, r.customer, r.seq, r.at FROM {rows} AS r
""",
        rows=rows,
        goal=text(goal.name),
        **context.names,
    )
    return [record] if goal.target is None else [record, _leave(goal, context)]


def _where(where: ex.Expression | None, context: Context) -> list[exp.Expr]:
    return [condition(where, context.scope.with_event("e"))] if where is not None else []


def _window(goal: pg.Goal, context: Context) -> exp.Expr:
    if goal.within is None:
        return fill("p.ended_at IS NULL")
    return fill("e.at <= {end}", end=_after_entry(goal.within, context))


def _after_entry(period: ex.Period, context: Context) -> exp.Expr:
    entered = column("p", "entered_from")
    if moments.is_elapsed(period):
        n = exp.convert(moments.seconds(period))
        return fill("{a} + {n} * INTERVAL '1' SECOND", a=entered, n=n)
    step = moments.of_period(period)
    zone = zone_of(context.scope)
    local = fill(
        "{a} + {m} * INTERVAL '1' MONTH + {d} * INTERVAL '1' DAY",
        a=to_local(entered, zone),
        m=exp.convert(step.months),
        d=exp.convert(step.days),
    )
    return to_instant(local, zone)


def _leave(goal: pg.Goal, context: Context) -> Statement:
    assert goal.target is not None
    return query(
        """
INSERT INTO woken (journey, version, passage, customer, trigger, turn, is_held_out,
  root, why, event, counts_from)
SELECT {journey}, {version}, p.id, p.customer, p.trigger, p.turn, p.is_held_out,
  {root}, {why}, v.event, v.at
FROM conversion AS v
JOIN fresh AS f ON f.seq = v.event AND f.round = $round
JOIN passage AS p ON p.id = v.passage
WHERE v.goal = {goal} AND v.journey = {journey} AND v.version = {version} AND p.ended_at IS NULL
  AND NOT EXISTS(SELECT 1 FROM woken AS w WHERE w.passage = p.id)
""",
        root=text(goal.target),
        goal=text(goal.name),
        why=text(goal.event or goal.name),
        **context.names,
    )


def on_exit(exit: pg.Exit, event: pg.Event, context: Context) -> Statement:
    """Return the statement that ends the passages of customers who did the event of an exit."""
    conditions = [fill("p.ended_at IS NULL"), fill(_AFTER_ENTRY), *_where(exit.where, context)]
    return on_event(event, text(exit.target), conditions, [exit.where], context)
