"""Reactions to events: goals and exits. They come before anything else (S8)."""

from sqlglot import exp

from cij.compiler import expression as ex, program as pg
from cij.compiler.sql.condition import column, condition, value
from cij.compiler.sql.interning import JOINED, numbered
from cij.compiler.sql.plan.context import Context, all_of, text
from cij.compiler.sql.plan.waking import NOT_WOKEN, on_event, per_key
from cij.compiler.sql.scope import Scope
from cij.compiler.sql.template import Statement, fill, query
from cij.compiler.types import DATETIME

# The entering event itself is not an event inside the passage, so it meets no goal and no exit.
_AFTER_ENTRY = "e.at >= p.entered_from AND COALESCE(p.trigger, -1) <> e.seq"

_CONVERSION = """
SELECT p.id AS passage, p.customer, p.trigger, e.seq, e.at
FROM tick_event AS f
JOIN {events} AS e ON e.seq = f.seq
JOIN passage_row AS p ON p.customer = f.customer
JOIN customer AS c ON c.id = p.customer
WHERE f.event = {event} AND f.round = $round
  AND {here} AND {conditions}
  AND NOT EXISTS(SELECT 1 FROM conversion AS v WHERE v.passage = p.id AND v.goal = {goal})
"""


# Any event of a customer tests the conditions of goals and exits.
_MET = """
SELECT p.id AS passage, p.customer, p.trigger, p.turn, p.is_held_out, f.seq, f.at,
  GREATEST(p.since, f.as_of) AS as_of
FROM tick_event AS f
JOIN passage_row AS p ON p.customer = f.customer
JOIN customer AS c ON c.id = p.customer
WHERE f.event = $event AND f.round = $round AND f.at >= p.entered_from
  AND {here} AND {conditions}
"""

_IS_NEW = "NOT EXISTS(SELECT 1 FROM conversion AS v WHERE v.passage = p.id AND v.goal = {goal})"

_RECORD = """
INSERT INTO conversion (journey, version, goal, passage, customer, event, at)
SELECT {journey}, {version}, {goal}, r.passage, r.customer, r.seq, r.at FROM {rows} AS r
"""


def on_goal(goal: pg.Goal, event: pg.Event, context: Context) -> list[Statement]:
    """Return the statements that record a conversion and, unless the goal says `and stay`, end the
    passage.

    Time: with a window a conversion counts until the window ends, also after the passage has ended.
    Without one it counts while the passage lasts.
    """
    conditions = [fill(_AFTER_ENTRY), _window(goal, "e", context), *_where(goal.where, context)]
    rows = fill(
        _CONVERSION,
        events=f"event_{event.name}",
        event=text(event.name),
        goal=text(goal.name),
        conditions=all_of(conditions + per_key(event, context)),
        here=context.inside("p"),
    )
    return _recorded(goal, context.with_triggers(rows, "p", goal.where), context)


def on_goal_met(goal: pg.Goal, context: Context) -> list[Statement]:
    """Return the statements of a goal by condition, which any event may meet.

    Parameter: `event`.
    """
    assert goal.condition is not None, "a goal has an event or a condition"
    conditions = [
        condition(goal.condition, context.scope.as_of("f")),
        _window(goal, "f", context),
        fill(_IS_NEW, goal=text(goal.name)),
    ]
    rows = fill(_MET, conditions=all_of(conditions), here=context.inside("p"))
    return _recorded(goal, context.with_triggers(rows, "p", goal.condition), context)


def _recorded(goal: pg.Goal, rows: exp.Expr, context: Context) -> list[Statement]:
    rows = context.naming(rows, "p")
    record = query(_RECORD, rows=rows, goal=text(goal.name), **context.names_of("r"))
    return [record] if goal.target is None else [record, _leave(goal, context)]


def _where(where: ex.Expression | None, context: Context) -> list[exp.Expr]:
    return [condition(where, context.scope.with_event("e").as_of("f"))] if where is not None else []


def _window(goal: pg.Goal, row: str, context: Context) -> exp.Expr:
    if goal.within is None:
        return fill("p.ended_at IS NULL")
    return fill("{at} <= {end}", at=column(row, "at"), end=_end_of_window(goal.within, context))


def _end_of_window(period: ex.Period, context: Context) -> exp.Expr:
    end = ex.Arithmetic(type=DATETIME, operator="+", left=ex.EnteredAt(), right=period)
    return value(end, context.scope)


def _leave(goal: pg.Goal, context: Context) -> Statement:
    assert goal.target is not None
    return query(
        """
INSERT INTO tick_ready (journey, version, passage, customer, trigger, turn, is_held_out,
  root, why, event, counts_from, as_of)
SELECT p.journey, p.version, p.id, p.customer, p.trigger, p.turn, p.is_held_out,
  {root}, {why}, v.event, v.at, GREATEST(p.since, f.as_of)
FROM conversion AS v
JOIN tick_event AS f ON f.seq = v.event AND f.round = $round
JOIN passage_row AS p ON p.id = v.passage
WHERE v.goal = {goal} AND {here} AND p.ended_at IS NULL
  AND {others}
""",
        root=numbered(goal.target),
        goal=text(goal.name),
        why=numbered(goal.event or goal.name),
        here=context.inside("p"),
        others=fill(NOT_WOKEN),
    )


def on_exit(exit: pg.Exit, event: pg.Event, context: Context, *, is_first: bool) -> Statement:
    """Return the statement that wakes passages at the end of an exit, for customers who did its
    event.

    `is_first` tells that no statement before it can have woken a passage by the same event.
    """
    target = numbered(exit.target)
    conditions = [fill("p.ended_at IS NULL"), fill(_AFTER_ENTRY), *_where(exit.where, context)]
    return on_event(event, target, conditions, [exit.where], context, is_first=is_first)


_EXIT_MET = """
INSERT INTO tick_ready (journey, version, passage, customer, trigger, turn, is_held_out,
  root, why, event, counts_from, as_of)
SELECT {journey}, {version}, r.passage, r.customer, r.trigger, r.turn, r.is_held_out,
  {root}, $why, r.seq, r.at, r.as_of
FROM {rows} AS r
"""


def on_exit_met(exit: pg.Exit, context: Context) -> Statement:
    """Return the statement of an exit by condition, which any event may meet.

    Parameters: `event`, and `why`, the number of its name.
    """
    assert exit.condition is not None, "an exit has an event or a condition"
    conditions = [
        fill("p.ended_at IS NULL"),
        condition(exit.condition, context.scope.as_of("f")),
        fill(NOT_WOKEN),
    ]
    rows = fill(_MET, conditions=all_of(conditions), here=context.inside("p"))
    rows = context.with_triggers(context.naming(rows, "p"), "p", exit.condition)
    return query(_EXIT_MET, rows=rows, root=numbered(exit.target), **context.numbers_of("r"))


# --- goals by condition, where no event comes --------------------------------------------------

_MET_NOW = """
INSERT INTO conversion (journey, version, goal, passage, customer, event, at)
SELECT {journey}, {version}, {goal}, r.passage, r.customer, CAST(NULL AS BIGINT), r.as_of
FROM {rows} AS r
"""

_BY_NEW_DATA = """
SELECT p.id AS passage, p.customer, $now AS as_of
FROM passage_row AS p JOIN customer AS c ON c.id = p.customer
WHERE {here} AND {who} AND {conditions}
  AND NOT EXISTS(SELECT 1 FROM conversion AS v WHERE v.passage = p.id AND v.goal = {goal})
"""

_AT_WAKING = """
SELECT m.passage, m.customer, m.as_of
FROM tick_batch AS m
JOIN passage_row AS p ON p.id = m.passage
JOIN customer AS c ON c.id = m.customer
WHERE m.why <> {joined} AND {conditions}
  AND NOT EXISTS(SELECT 1 FROM conversion AS v WHERE v.passage = p.id AND v.goal = {goal})
"""


def on_new_data(goal: pg.Goal, context: Context) -> list[Statement]:
    """Return the statement that records conversions after a refresh; none where it can record none.

    A goal that ends the passage is tested at its next waking or event (S8). For a passage that has
    ended neither comes, so the refresh records it.
    """
    if goal.condition is None or (goal.target is not None and goal.within is None):
        return []
    who = "NOT p.ended_at IS NULL" if goal.target else "TRUE"
    rows = fill(
        _BY_NEW_DATA,
        goal=text(goal.name),
        who=fill(who if goal.within else "p.ended_at IS NULL"),
        conditions=_met_now(goal, context, context.scope),
        here=context.inside("p"),
    )
    return [_record_now(goal, rows, context)]


def at_waking(goal: pg.Goal, context: Context) -> list[Statement]:
    """Return the statement that records a goal `and stay` for `tick_batch`; none for other goals.

    Passages that come from a cut in the same instant are left out: they were tested when they woke.
    """
    if goal.condition is None or goal.target is not None:
        return []
    holes = {"goal": text(goal.name), "joined": numbered(JOINED)}
    conditions = _met_now(goal, context, context.scope.as_of("m"))
    rows = fill(_AT_WAKING, conditions=conditions, **holes)
    return [_record_now(goal, rows, context)]


def _met_now(goal: pg.Goal, context: Context, scope: Scope) -> exp.Expr:
    assert goal.condition is not None, "a goal has an event or a condition"
    found = [condition(goal.condition, scope)]
    if goal.within is not None:
        end = _end_of_window(goal.within, context)
        found.append(fill("{now} <= {end}", now=scope.instant, end=end))
    return all_of(found)


def _record_now(goal: pg.Goal, rows: exp.Expr, context: Context) -> Statement:
    rows = context.with_triggers(context.naming(rows, "p"), "p", goal.condition)
    return query(_MET_NOW, rows=rows, goal=text(goal.name), **context.names_of("r"))
