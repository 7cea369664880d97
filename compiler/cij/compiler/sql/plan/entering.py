"""Entering: which customers may enter, and their first state (S6, S7, S9).

`queue` has the customers who have to wait before they may enter.
"""

from decimal import Decimal

from sqlglot import exp

from cij.compiler import expression as ex, program as pg
from cij.compiler.sql import moments
from cij.compiler.sql.condition import column, condition, strict, value, zone_of
from cij.compiler.sql.interning import ENTERED, ENTERING, numbered
from cij.compiler.sql.local_time import after
from cij.compiler.sql.passage import kept_key
from cij.compiler.sql.passes.eliminate_join import eliminate_join
from cij.compiler.sql.plan.context import Context, text
from cij.compiler.sql.plan.plan_parts import AdmitPlan, EntryPlan
from cij.compiler.sql.plan.waking import SAID_OF_EVENT
from cij.compiler.sql.template import Statement, fill, query

_BY_EVENT = """
SELECT f.customer, e.seq AS trigger, {entry_key} AS entry_key, e.at AS counts_from,
  f.as_of, CAST(NULL AS BIGINT) AS segment
FROM tick_event AS f
JOIN {events} AS e ON e.seq = f.seq
JOIN customer AS c ON c.id = f.customer
WHERE f.event = {event} AND f.round = $round AND e.at >= $opens AND e.at < $closes
  AND f.as_of < $closes AND {condition}
"""

# Two ticks may have the same instant. Customers who joined at it are candidates unless the first
# tick admitted them. This is `NOT IN`, because DuckDB runs an outer join with conditions on both
# sides as a nested loop.
_BY_SEGMENT = """
SELECT s.customer, {rest}, s.segment
FROM segment_member AS s
WHERE s.segment = {segment} AND s.since < $closes
  AND ($entered_until IS NULL OR s.since > $entered_until OR (s.since = $now
    AND NOT s.customer IN (SELECT p.customer FROM passage_row AS p
      WHERE p.journey = {journey} AND p.entered_at >= $now)))
"""

# The columns of candidates who enter by no event, as of now.
_BY_NO_EVENT = """
SELECT CAST(NULL AS BIGINT) AS trigger, '' AS entry_key, $now AS counts_from, $now AS as_of
"""

_BY_CALENDAR = """
SELECT s.customer, {rest}, s.segment
FROM segment_member AS s WHERE s.segment = {segment}
"""


def by_event(entry: pg.EventEntry, context: Context, place: int) -> EntryPlan:
    """Return the plan of an entry by an event, the `place`-th of the journey.

    Parameters: `round`, `opens`, `closes`.
    """
    return EntryPlan(
        segment=None,
        is_once=False,
        every=None,
        candidates=Statement.later(lambda: add_candidates(_who_did(entry, context), place)),
        find=Statement.later(lambda: enter_by(_who_did(entry, context), context)),
    )


def _who_did(entry: pg.EventEntry, context: Context) -> exp.Expr:
    per = context.journey.per
    key = fill("CAST({a} AS TEXT)", a=exp.column(per, "e", quoted=True)) if per else text("")
    test: exp.Expr = exp.true()
    if entry.where is not None:
        test = condition(entry.where, context.scope.with_event("e").as_of("f"))
    rows = fill(
        _BY_EVENT,
        events=f"event_{entry.event}",
        event=text(entry.event),
        entry_key=fill("COALESCE({key}, '')", key=key),
        condition=test,
    )
    assert isinstance(rows, exp.Select)
    eliminate_join(rows, "e", SAID_OF_EVENT)
    # Each event of `tick_event` has exactly one customer, so the join keeps all rows and can go.
    eliminate_join(rows, "c", {"id": column("f", "customer")})
    return rows


def by_segment(entry: pg.SegmentEntry, context: Context, place: int) -> EntryPlan:
    """Return the plan of an entry from a segment, the `place`-th of the journey.

    Parameters: `entered_until`, `closes`.
    """
    candidates = Statement.later(lambda: add_candidates(members_who_join(entry, context), place))
    find = Statement.later(lambda: enter_by(members_who_join(entry, context), context))
    return EntryPlan(entry.segment, entry.is_once, entry.every, candidates, find)


def members_who_join(entry: pg.SegmentEntry, context: Context) -> exp.Expr:
    """Return the customers whom an entry from a segment admits now."""
    segment = numbered(entry.segment)
    # `every` admits all members at its instant, also those who joined long ago (S6).
    if entry.every is not None:
        return now_as_candidate(_BY_CALENDAR, segment=segment)
    journey = numbered(context.journey.name)
    return now_as_candidate(_BY_SEGMENT, segment=segment, journey=journey)


def now_as_candidate(text: str, **holes: exp.Expr) -> exp.Select:
    """Return the query with the columns of candidates who enter by no event in the place of
    `{rest}`."""
    rows, rest = fill(text, rest="rest", **holes), fill(_BY_NO_EVENT)
    assert isinstance(rows, exp.Select) and isinstance(rest, exp.Select)
    first, _, *last = rows.expressions
    rows.set("expressions", [first, *rest.expressions, *last])
    return rows


def add_candidates(rows: exp.Expr, place: int) -> Statement:
    """Return the statement that adds rows to `tick_candidate`, by the `place`-th entry of the journey."""
    return query(
        "INSERT INTO tick_candidate "
        "(customer, trigger, entry_key, counts_from, as_of, segment, entry) "
        "SELECT r.customer, r.trigger, r.entry_key, r.counts_from, r.as_of, r.segment, {place} "
        "FROM {r} AS r",
        r=rows,
        place=exp.convert(place),
    )


# The row id of the customer is a hint for engines that have row ids. The canonical plan has null.
_NEW = """
SELECT x.customer AS customer, x.entry_key AS entry_key, x.trigger AS trigger,
  x.counts_from AS counts_from, x.as_of AS as_of, {held_out} AS is_held_out, {kept} AS at_entry,
  CAST(NULL AS BIGINT) AS customer_row, {zone} AS zone
FROM {candidates} AS x JOIN customer AS c ON c.id = x.customer
"""
_SORTED = """
INSERT INTO tick_entered (customer, entry_key, trigger, counts_from, as_of, is_held_out, at_entry,
  customer_row, zone)
SELECT n.customer, n.entry_key, n.trigger, n.counts_from, n.as_of, n.is_held_out, n.at_entry, n.customer_row,
  n.zone
FROM {rows} AS n ORDER BY n.customer ASC
"""
CLEAR_ENTERED = query("DELETE FROM tick_entered")
# Numbers are dense, begin with `first` and follow the order of customers, so that two runs give the
# same numbers to the same customers.
NUMBER = "$first - 1 + ROW_NUMBER() OVER (ORDER BY n.customer ASC, n.entry_key ASC)"
_WRITE = """
INSERT INTO passage_row (id, journey, version, customer, entry_key, trigger, turn, is_held_out,
  entered_at, entered_from, state, since, counts_from, event, at_entry, customer_row)
SELECT {id}, {journey}, {version}, n.customer, {entry_key}, n.trigger, 0, n.is_held_out,
  n.as_of, n.counts_from, {entering}, n.as_of, n.counts_from, n.trigger, n.at_entry, n.customer_row
FROM tick_entered AS n
"""

# The columns are those of `tick_ready`.
_AS_READY = f"""
SELECT {{journey}} AS journey, {{version}} AS version, {NUMBER} AS passage, n.customer, n.trigger,
  0 AS turn, n.is_held_out, {{root}} AS root, {{entered}} AS why, n.trigger AS event, n.counts_from,
  n.as_of
FROM tick_entered AS n
"""

# An anti-join, not NOT EXISTS: where `passage_row` is empty DuckDB evaluates NOT EXISTS for each
# candidate.
_FREE = """
LEFT JOIN passage_row AS p ON p.journey = {journey} AND p.customer = x.customer AND {blocks}
WHERE NOT {suppress} AND p.id IS NULL
"""

# The condition of `again after` has subqueries over zones, which a join condition cannot hold.
_FREE_AFTER = """
WHERE NOT {suppress} AND NOT EXISTS(
  SELECT 1 FROM passage_row AS p
  WHERE p.journey = {journey} AND p.customer = x.customer AND {blocks}
)
"""


_WAKE_ENTERED = """
INSERT INTO tick_ready (journey, version, passage, customer, trigger, turn, is_held_out,
  root, why, event, counts_from, as_of)
SELECT w.journey, w.version, w.passage, w.customer, w.trigger, w.turn, w.is_held_out, w.root, w.why,
  w.event, w.counts_from, w.as_of
FROM {rows} AS w
"""

_COUNT_ENTERED = query("UPDATE counter SET value = value + $entered WHERE name = 'passage'")


def admit(context: Context) -> AdmitPlan:
    """Return the statements that admit `tick_candidate`: they number new passages and make them
    ready."""
    return AdmitPlan(
        find=Statement.later(lambda: _sorted(_new(context), context)),
        count=_COUNT_ENTERED,
        write=Statement.later(lambda: _writing(context)),
        wake=Statement.later(lambda: _waking(context)),
        as_ready=lambda columns: as_ready(context, *columns),
    )


def _writing(context: Context) -> Statement:
    key = entry_key("n", context)
    holes = {"id": fill(NUMBER), "entry_key": key, "entering": numbered(ENTERING)}
    return query(_WRITE, **holes, **context.numbers)


def entry_key(row: str, context: Context) -> exp.Expr:
    """Return the key of an entry.

    It is null where a journey has none, since text in all rows is slow.
    """
    return column(row, "entry_key") if context.journey.per else exp.null()


def _waking(context: Context) -> Statement:
    return query(_WAKE_ENTERED, rows=as_ready(context))


def as_ready(context: Context, *more: str) -> exp.Select:
    """Return the rows of `tick_entered` in the shape of `tick_ready`.

    `more` names columns of `tick_entered` to add.
    """
    holes = {"root": numbered(context.journey.start), "entered": numbered(ENTERED)}
    rows = fill(_AS_READY, **holes, **context.numbers_of("n"))
    assert isinstance(rows, exp.Select)
    for name in more:
        rows.append("expressions", column("n", name))
    return rows


def enter_by(candidates: exp.Expr, context: Context) -> Statement:
    """Return the statement that adds those of `candidates` who may enter to `tick_entered`."""
    return _sorted(_new(context, candidates), context)


def _new(context: Context, candidates: exp.Expr | str = "tick_candidate") -> exp.Expr:
    journey = context.journey
    rows = fill(
        _NEW + (_FREE_AFTER if journey.again == "after" else _FREE),
        held_out=_held_out(journey, context),
        suppress=suppresses(journey, context),
        blocks=blocks(journey, context),
        candidates=candidates,
        kept=_kept(journey, context),
        zone=zone_of(context.scope),
        journey=numbered(journey.name),
    )
    return context.with_triggers(rows, "x", journey.suppress)


def suppresses(journey: pg.Journey, context: Context) -> exp.Expr:
    """Return the condition that the candidate `x` may not enter now, whoever has been inside."""
    if not journey.suppress:
        return exp.false()
    return strict(journey.suppress, context.scope.as_of("x"))


def _sorted(rows: exp.Expr, context: Context) -> Statement:
    found = query(_SORTED, rows=rows)
    # With `per` a customer may enter several times at once. The key makes their order definite.
    if context.journey.per:
        order = found.tree.expression.args["order"]
        order.append("expressions", exp.Ordered(this=column("n", "entry_key")))
    return found


def _kept(journey: pg.Journey, context: Context) -> exp.Expr:
    """Return the fields that passages keep of their customer, as JSON text; null where there are
    none."""
    if not journey.kept:
        return fill("CAST(NULL AS VARCHAR)")
    pairs = [
        exp.JSONKeyValue(
            this=text(kept_key(field.name)),
            expression=fill("CAST({a} AS VARCHAR)", a=_field(field, context)),
        )
        for field in journey.kept
    ]
    return fill("CAST({object} AS VARCHAR)", object=exp.JSONObject(expressions=pairs))


def _field(field: pg.KeptField, context: Context) -> exp.Expr:
    return value(ex.Field(type=field.type, is_nullable=True, name=field.name), context.scope)


def _held_out(journey: pg.Journey, context: Context) -> exp.Expr:
    if journey.holdout is None or Decimal(journey.holdout) == 0:
        return exp.false()
    # The salt has the name and not the version, so that a customer stays held out in a new version.
    share = ex.HashShare(salt=f"holdout {journey.name}", low="0", high=journey.holdout)
    return strict(share, context.scope)


def blocks(journey: pg.Journey, context: Context) -> exp.Expr:
    """Return the condition that an earlier passage `p` prevents the candidate `x` from entering
    (S7).

    Passages of all versions count. A passage that sent something late ended at the real instant, which
    may be after the own instant of the candidate (S12): they were still inside.
    """
    same_key = " AND p.entry_key = x.entry_key" if journey.per else ""
    if journey.again == "never":
        return fill("TRUE" + same_key)
    if journey.again == "always":
        return fill("(p.ended_at IS NULL OR p.ended_at > x.as_of)" + same_key)
    assert journey.again_after is not None, "`again after` has a period"
    # The plain bound comes first. It leaves few rows for which the calendar is computed.
    return fill(
        "(p.ended_at IS NULL "
        "OR (p.ended_at > x.as_of - {most} * INTERVAL '1' SECOND AND {end} > x.as_of))" + same_key,
        most=exp.convert(moments.most_seconds(journey.again_after)),
        end=after(column("p", "ended_at"), journey.again_after, context.scope),
    )
