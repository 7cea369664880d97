"""Waking: by timers, by events, and by interactions that happened before the wait."""

from collections.abc import Iterator
from functools import lru_cache

from sqlglot import exp

from cij.compiler import program as pg
from cij.compiler.sql.condition import column, condition
from cij.compiler.sql.control import RESUMING_NUMBERS, STANDING_NUMBERS
from cij.compiler.sql.interning import CAME_BEFORE, CONDITION, TIMER, numbered
from cij.compiler.sql.passes.eliminate_join import eliminate_join
from cij.compiler.sql.plan.context import Context, all_of, either, in_numbers, text
from cij.compiler.sql.plan.regions import Region
from cij.compiler.sql.template import Statement, fill, query

# The own instant of an event is when it happened (S12). An event that happened before the last tick,
# `$since`, is late. It acts when it arrived, because steps that were made by then stay (S25). Nothing acts
# after the tick, at `$tick`.
_OWN = """
CASE WHEN e.at >= $since THEN e.at ELSE LEAST(GREATEST(e.arrived_at, $since), $tick) END
"""


@lru_cache(maxsize=1024)
def fresh_events(event: str) -> Statement:
    """Return the statement that adds the new events of one name to `tick_event`.

    Parameters: `taken`, the number of the last event that was handled; `horizon`, the earliest
    start of a journey, before which no event moves a passage; `since`, the last tick.
    """
    return query(
        """
INSERT INTO tick_event (seq, event, customer, at, as_of, round)
SELECT e.seq, {name}, e.customer, e.at, {own}, 0
FROM {events} AS e
WHERE e.seq > $taken AND e.at <= $now AND {own} <= $now AND e.at >= $horizon
  AND NOT e.customer IS NULL
""",
        name=text(event),
        events=f"event_{event}",
        own=fill(_OWN),
    )


@lru_cache(maxsize=1024)
def due_events(event: str) -> Statement:
    """Return the statement that adds events to `tick_event` that arrived before their own time.

    Their time has come now. Parameters: as in `fresh_events`.
    """
    return query(
        """
INSERT INTO tick_event (seq, event, customer, at, as_of, round)
SELECT e.seq, {name}, e.customer, e.at, {own}, 0
FROM ahead_event AS a JOIN {events} AS e ON e.seq = a.seq
WHERE a.at <= $now AND a.event = {name} AND e.at >= $horizon AND NOT e.customer IS NULL
""",
        name=text(event),
        events=f"event_{event}",
        own=fill(_OWN),
    )


@lru_cache(maxsize=1024)
def ahead_events(event: str) -> Statement:
    """Return the statement that records new events whose time is in the future."""
    return query(
        "INSERT INTO ahead_event (seq, event, at) SELECT e.seq, {name}, {own} FROM {events} AS e "
        "WHERE e.seq > $taken AND {own} > $now",
        name=text(event),
        events=f"event_{event}",
        own=fill(_OWN),
    )


@lru_cache(maxsize=64)
def arrived_events(events: tuple[str, ...]) -> Statement:
    """Return the query for the latest time of the new events of each name, when they happened or
    arrived; null where there is none.

    One query for all names, so that a tick without events costs one round trip.
    """
    found: list[exp.Select] = []
    for event in events:
        row = fill(
            "SELECT {name} AS event, MAX(GREATEST(e.at, e.arrived_at)) AS latest FROM {events} AS e WHERE e.seq > $taken",
            name=text(event),
            events=f"event_{event}",
        )
        assert isinstance(row, exp.Select)
        found.append(row)
    return Statement(exp.union(*found, distinct=False, copy=False) if found[1:] else found[0])


@lru_cache(maxsize=1024)
def missed_events(event: str) -> Statement:
    """Return the statement that adds the events of one name that came during a pause to
    `tick_event`.

    They act now (S22). Parameters: `taken` and `ticked_at`, the last number and instant before the
    pause; `until` and `last`, those of the last tick in it.
    """
    return query(
        """
INSERT INTO tick_event (seq, event, customer, at, as_of, round)
SELECT e.seq, {name}, e.customer, e.at, $now, 0
FROM {events} AS e
WHERE e.at <= $last AND e.seq <= $until AND NOT e.customer IS NULL
  AND (e.seq > $taken OR e.at > $ticked_at)
""",
        name=text(event),
        events=f"event_{event}",
    )


# The own instant of a timer is when it was due (S12). It is never before the last tick, `$since`,
# because steps that were made by then stay. What fell due in a pause happens when the journey goes on
# (S22): in the tick at `$tick`.
_OWN_OF_TIMER = f"""
CASE WHEN {{t}}.journey IN ({RESUMING_NUMBERS}) THEN $tick ELSE GREATEST({{p}}.wake_at, $since) END
"""

# Passages whose timer is due up to `$now`, in all journeys at once. The engine skips blocks of rows by
# their smallest instant, so passages that wait cost little.
_WAKE_DUE = f"""
INSERT INTO tick_ready (journey, version, passage, customer, trigger, turn, is_held_out,
  root, why, event, counts_from, as_of)
SELECT t.journey, p.version, p.id, p.customer, p.trigger, p.turn, p.is_held_out,
  t.root, {{timer}}, CAST(NULL AS BIGINT), {{own}}, {{own}}
FROM passage_row AS p
JOIN timeout AS t ON t.version = p.version AND t.state = p.state
WHERE p.wake_at <= $now AND {{own}} <= $now AND {{which}}
  AND NOT t.journey IN ({STANDING_NUMBERS})
"""
# Of several timers of a customer the earliest goes first (S12).
_NONE_EARLIER = f"""
NOT EXISTS(
  SELECT 1 FROM passage_row AS q
  JOIN timeout AS u ON u.version = q.version AND u.state = q.state
  WHERE q.customer = p.customer AND q.wake_at <= $now AND {{other}} < {{own}}
    AND NOT u.journey IN ({STANDING_NUMBERS})
)
"""
# A customer with an event of this round, which comes after the timer. At the same instant the event
# goes first (S13).
_BEFORE_EVENT = """
EXISTS(
  SELECT 1 FROM tick_event AS f
  WHERE f.customer = p.customer AND f.round = $round AND f.as_of > {own}
)
"""


def _wake_due(*which: str) -> Statement:
    own, other = (fill(_OWN_OF_TIMER, t=t, p=p) for t, p in (("t", "p"), ("u", "q")))
    tests = [fill(test, own=own, other=other) for test in which]
    return query(_WAKE_DUE, timer=numbered(TIMER), own=own, which=all_of(tests))


# Where all timers that are due are due at one instant, nobody has an earlier one.
WAKE_DUE = _wake_due()
# The first timers of each customer, where timers are due at different instants.
WAKE_FIRST = _wake_due(_NONE_EARLIER)
# The first timers of customers with an event of a round, before that event.
WAKE_BEFORE_EVENTS = _wake_due(_BEFORE_EVENT, _NONE_EARLIER)


# The event is `e`, the passage `p`, the customer `c`. A round has at most one event for each
# customer, so a passage is at one wait and is woken there once. A passage that a goal or an exit
# has woken is skipped.
_ON_EVENT = """
SELECT p.id AS passage, p.customer, p.trigger, p.turn, p.is_held_out,
  e.seq, {root} AS root, GREATEST(p.counts_from, e.at) AS counts_from,
  GREATEST(p.since, f.as_of) AS as_of
FROM tick_event AS f
JOIN {events} AS e ON e.seq = f.seq
JOIN passage_row AS p ON p.customer = f.customer
JOIN customer AS c ON c.id = p.customer
WHERE f.event = {event} AND f.round = $round
  AND {here} AND {conditions}
"""
NOT_WOKEN = "NOT EXISTS(SELECT 1 FROM tick_ready AS w WHERE w.passage = p.id)"

# `tick_event` has the same values as the row of the event, and every passage has a customer. So
# both joins can be eliminated where nothing else is read.
SAID_OF_EVENT = {name: column("f", name) for name in ("seq", "at", "customer")}
_SAID_OF_CUSTOMER = {"id": column("p", "customer")}

_WAKE = """
INSERT INTO tick_ready (journey, version, passage, customer, trigger, turn, is_held_out,
  root, why, event, counts_from, as_of)
SELECT {journey}, {version}, r.passage, r.customer, r.trigger, r.turn, r.is_held_out,
  r.root, {why}, r.seq, r.counts_from, r.as_of
FROM {rows} AS r
"""


def on_event(
    event: pg.Event,
    root: exp.Expr,
    conditions: list[exp.Expr],
    reads: list[object],
    context: Context,
    *,
    is_first: bool,
) -> Statement:
    """Return the statement that wakes passages whose customer did `event`, where `conditions` hold.

    `reads` are the expressions in `root` and `conditions`, which may read the entering event.
    `is_first` tells that no statement before it can have woken a passage by the same event.
    """
    others = [] if is_first else [fill(NOT_WOKEN)]
    rows = fill(
        _ON_EVENT,
        root=root,
        events=f"event_{event.name}",
        event=text(event.name),
        conditions=all_of(conditions + per_key(event, context) + others),
        here=context.inside("p"),
    )
    rows = context.with_triggers(context.naming(rows, "p"), "p", *reads)
    assert isinstance(rows, exp.Select)
    eliminate_join(rows, "e", SAID_OF_EVENT)
    eliminate_join(rows, "c", _SAID_OF_CUSTOMER)
    return query(_WAKE, rows=rows, why=numbered(event.name), **context.numbers_of("r"))


def per_key(event: pg.Event, context: Context, row: str = "e") -> list[exp.Expr]:
    """Return the condition that an event reaches only the passage of its own key (S7).

    There is none where the journey has no key, or the event does not have the field.
    """
    per = context.journey.per
    if per is None or per not in {f.name for f in event.fields}:
        return []
    return [fill("CAST({a} AS TEXT) = p.entry_key", a=exp.column(per, row, quoted=True))]


def at_rest(rest: pg.WaitState, event: pg.Event, context: Context, *, is_first: bool) -> Statement:
    """Return the statement that wakes the passages at `rest` by `event` (S13).

    An event at exactly the deadline wins over the deadline. Of several arms the one that is written
    first wins. `is_first` as in `on_event`.
    """
    root, tests = exp.Case(), []
    for arm in _arms(rest, event):
        test = _holds(arm, rest, event, context)
        tests.append(test)
        root = root.when(test.copy(), numbered(arm.target), copy=False)
    conditions = [
        fill("p.state = {rest}", rest=numbered(rest.id)),
        fill("e.at <= p.wake_at"),
        either(tests),
    ]
    reads: list[object] = [*(a.where for a in rest.awaits), *(c.condition for c in rest.conditions)]
    return on_event(event, root, conditions, reads, context, is_first=is_first)


def _arms(rest: pg.WaitState, event: pg.Event) -> list[pg.Await | pg.Condition]:
    """Return the arms by which an event can end a wait: arms for this event, and all conditions."""
    awaits = (a for a in rest.awaits if a.event == event.name)
    return sorted([*awaits, *rest.conditions], key=lambda arm: arm.order)


def _holds(
    arm: pg.Await | pg.Condition, rest: pg.WaitState, event: pg.Event, context: Context
) -> exp.Expr:
    if isinstance(arm, pg.Condition):
        return condition(arm.condition, context.scope_of("p", column("p", "turn")).as_of("f"))
    rivals = [a for a in rest.awaits if a.order < arm.order]
    return all_of(
        [
            _test(arm, "e", "f", context),
            *(_none_to_come(r, "r.at = e.at", "f", context) for r in rivals),
        ]
    )


_WATCH = """
SELECT p.id AS passage, p.customer, p.trigger, p.turn, p.is_held_out, {root} AS root
FROM passage_row AS p JOIN customer AS c ON c.id = p.customer
WHERE p.journey = {journey} AND p.version = {version} AND p.state = {rest}
  AND p.wake_at >= $now AND {test}
"""


def watch(rest: pg.WaitState, context: Context) -> Statement:
    """Return the statement that wakes the passages at `rest` for which one of its conditions holds
    now."""
    scope = context.scope_of("p", column("p", "turn"))
    root, tests = exp.Case(), []
    for arm in rest.conditions:
        tests.append(condition(arm.condition, scope))
        root = root.when(tests[-1].copy(), numbered(arm.target), copy=False)
    here = {"rest": numbered(rest.id), **context.numbers}
    rows = fill(_WATCH, root=root, test=either(tests), **here)
    rows = context.with_triggers(rows, "p", *(c.condition for c in rest.conditions))
    return query(
        """
INSERT INTO tick_ready (journey, version, passage, customer, trigger, turn, is_held_out,
  root, why, event, counts_from, as_of)
SELECT {journey}, {version}, r.passage, r.customer, r.trigger, r.turn, r.is_held_out,
  r.root, {condition}, CAST(NULL AS BIGINT), $now, $now
FROM {rows} AS r
""",
        rows=rows,
        condition=numbered(CONDITION),
        **context.numbers_of("p"),
    )


def somebody_at(rest: pg.WaitState, context: Context) -> Statement:
    """Return the query that tells whether any passage is at `rest`. Shape: one row, one boolean."""
    return query(
        "SELECT EXISTS(SELECT 1 FROM passage_row AS p WHERE p.journey = {journey} "
        "AND p.version = {version} AND p.state = {rest})",
        rest=numbered(rest.id),
        **context.numbers,
    )


def _keys(step: str, row: str, id: str, turn: exp.Expr, context: Context) -> list[exp.Expr]:
    """Return the keys that the message of a step can have.

    A step may have been renamed after the message was sent, so old names count too. `row` is the
    passage; its number is in the column `id`.
    """
    names = [step, *(r.old for r in context.journey.renamed if r.new == step)]
    return [context.key(name, column(row, id), turn, row) for name in names]


def _turn_of(arm: pg.Await) -> exp.Expr:
    """Return the iteration of the send that an arm refers to: that of the loops around both."""
    turn = column("p", "turn")
    if arm.unit == 1:
        return turn
    return fill("{t} - {t} % {unit}", t=turn, unit=exp.convert(arm.unit))


# An event of the same customer that is in a later round of this tick.
_RIVAL = """
NOT EXISTS(
  SELECT 1 FROM tick_event AS g JOIN {events} AS r ON r.seq = g.seq
  WHERE g.customer = p.customer AND g.event = {event} AND g.round > $round AND {when} AND {test}
)
"""


def _none_to_come(arm: pg.Await, when: str, row: str, context: Context) -> exp.Expr:
    """Return the condition that no later round has an event of another arm that wins (S13).

    `row` has the own instant of what happens now.
    """
    event = context.event(arm.event)
    test = all_of([_test(arm, "r", row, context), *per_key(event, context, "r")])
    events = f"event_{arm.event}"
    return fill(_RIVAL, events=events, event=text(arm.event), when=fill(when), test=test)


def _test(arm: pg.Await, row: str, as_of: str, context: Context) -> exp.Expr:
    found = [_belongs(arm, row, context)]
    if arm.where is not None:
        found.append(condition(arm.where, context.scope.with_event(row).as_of(as_of)))
    return all_of(found)


def _belongs(arm: pg.Await, row: str, context: Context) -> exp.Expr:
    if arm.of is None:
        # The event that led the passage to this wait does not end it too.
        return fill("{row}.at >= p.counts_from AND COALESCE(p.event, -1) <> {row}.seq", row=row)
    return either(
        [
            fill("{row}.message_key = {key}", row=row, key=sent)
            for sent in _keys(arm.of, "p", "id", _turn_of(arm), context)
        ]
    )


# --- interactions before the wait -------------------------------------------------------------

_BEFORE = """
SELECT m.passage, m.customer, m.trigger, p.turn, m.is_held_out,
  e.seq, e.at, {n} AS n, {root} AS root, GREATEST(m.counts_from, e.at) AS counts_from, m.acted_at
FROM tick_batch AS m
JOIN passage_row AS p ON p.id = m.passage
JOIN {events} AS e ON {belongs}
JOIN customer AS c ON c.id = p.customer
WHERE {leaves} AND e.at <= m.acted_at AND {test}
  AND NOT EXISTS(SELECT 1 FROM tick_event AS f WHERE f.seq = e.seq AND f.round > $round)
"""

# The moment is past, so the passage goes on at once (S12), before events of the same tick.
_PAST = """
INSERT INTO tick_ready (journey, version, passage, customer, trigger, turn, is_held_out,
  root, why, event, counts_from, as_of)
SELECT {journey}, {version}, m.passage, m.customer, m.trigger, p.turn, m.is_held_out,
  {root}, {timer}, CAST(NULL AS BIGINT), m.counts_from, m.acted_at
FROM tick_batch AS m
JOIN passage_row AS p ON p.id = m.passage
WHERE {leaves} AND m.wake_at <= m.acted_at
"""


def arrivals(region: Region, context: Context) -> list[Statement]:
    """Return the statements that wake passages at once whose wait is over already.

    Their interaction happened before the wait (S13), or the moment of the wait is past (S12).
    """
    found = []
    for rest, here in _rests(region):
        if any(a.of is not None for a in rest.awaits):
            found.append(_arrival(rest, here, context))
        if isinstance(rest.timer, pg.UntilMoment):
            ways = {"root": numbered(rest.timeout), "timer": numbered(TIMER)}
            found.append(query(_PAST, leaves=here, **ways, **context.numbers_of("m")))
    return found


def may_be_past(region: Region) -> bool:
    """Tell whether a passage may reach a wait for a moment that is past."""
    return any(isinstance(rest.timer, pg.UntilMoment) for rest, _ in _rests(region))


def _rests(region: Region) -> Iterator[tuple[pg.WaitState, exp.Expr]]:
    """Yield the waits of a region, each with the condition that a row of `tick_batch`
    reaches it."""
    leaves = [x for x in region.leaves if not x.is_cut]
    rests = {x.final.id: x.final for x in leaves if isinstance(x.final, pg.WaitState)}
    for rest in rests.values():
        numbers = [x.number for x in leaves if x.final.id == rest.id]
        yield rest, in_numbers(exp.column("leaf", "m", quoted=True), numbers)


def _arrival(rest: pg.WaitState, here: exp.Expr, context: Context) -> Statement:
    selects = [_before(arm, rest, here.copy(), context) for arm in rest.awaits if arm.of]
    rows = selects[0]
    for other in selects[1:]:
        rows = exp.union(rows, other, distinct=False, copy=False)
    arrived = query(
        """
INSERT INTO tick_ready (journey, version, passage, customer, trigger, turn, is_held_out,
  root, why, event, counts_from, as_of)
SELECT {journey}, {version}, r.passage, r.customer, r.trigger, r.turn, r.is_held_out,
  r.root, {before}, r.seq, r.counts_from, r.acted_at
FROM (
  SELECT q.passage, q.customer, q.trigger, q.turn, q.is_held_out, q.root, q.seq, q.counts_from,
    q.acted_at,
    ROW_NUMBER() OVER (PARTITION BY q.passage ORDER BY q.at ASC, q.n ASC, q.seq ASC) AS place
  FROM {rows} AS q
) AS r
WHERE r.place = 1
""",
        rows=rows,
        before=numbered(CAME_BEFORE),
        **context.numbers_of("r"),
    )
    places = arrived.tree.expression.find(exp.Subquery)
    assert places is not None
    context.naming(places.this, "q")
    return arrived


def _before(arm: pg.Await, rest: pg.WaitState, here: exp.Expr, context: Context) -> exp.Expr:
    assert arm.of is not None
    tests = [
        _none_to_come(a, "r.at <= e.at" if a.order < arm.order else "r.at < e.at", "m", context)
        for a in rest.awaits
        if len(rest.awaits) > 1
    ]
    if arm.where is not None:
        tests.append(condition(arm.where, context.scope.with_event("e").as_of("m")))
    rows = fill(
        _BEFORE,
        n=exp.Literal.number(arm.order),
        root=numbered(arm.target),
        events=f"event_{arm.event}",
        belongs=either(
            [
                fill("e.message_key = {key}", key=sent)
                for sent in _keys(arm.of, "m", "passage", _turn_of(arm), context)
            ]
        ),
        leaves=here,
        test=all_of(tests),
    )
    return context.with_triggers(context.naming(rows, "m"), "p", *(a.where for a in rest.awaits))
