"""New customers go through the first region, and their passages are written at its end.

The canonical plan writes a passage at the entry and updates it at the end of the first region. Here
it is written once. No event can have come before a wait, because a new passage has sent no message
yet.
"""

from dataclasses import dataclass
from functools import cache

from sqlglot import exp

from cij.compiler.sql.columns import column
from cij.compiler.sql.interning import numbered
from cij.compiler.sql.plan.plan_parts import Destination, JourneyPlan, RegionPlan, Steps
from cij.compiler.sql.template import Statement, fill, query

# The columns of `tick_entered` that a passage needs and `tick_ready` does not have.
_OF_ENTRY = ("entry_key", "at_entry", "customer_row")

_WRITE = """
INSERT INTO passage_row (id, journey, version, customer, entry_key, trigger, turn, is_held_out,
  entered_at, entered_from, state, since, counts_from, event, wake_at, ended_at, outcome, cause,
  at_entry, customer_row)
SELECT m.passage, {journey}, {version}, m.customer, {entry_key}, m.trigger, {turn}, m.is_held_out,
  m.as_of, m.counts_from, {state}, m.acted_at, m.counts_from, m.event, m.wake_at, {ended_at}, {outcome},
  {cause}, m.at_entry, m.customer_row
FROM tick_batch AS m
"""


@dataclass(frozen=True, slots=True)
class EntryForm:
    """The first region of a journey for new customers.

    `steps` pick the rows of `tick_entered` and write the passages. Where all take the same path,
    `at_once` does the same without `tick_batch`. It is valid only while no other passage has moved
    since the entry.
    """

    steps: Steps
    at_once: Steps = ()


def noting_rows(find: Statement) -> Statement:
    """Return the statement that finds the customers who enter, with the row id of each."""
    found = find.variant("noting_rows", lambda tree: tree.transform(_noted))
    assert found is not None, "it does what the statement does"
    return found


_NO_ROW, _ROW = fill("CAST(NULL AS BIGINT)"), fill("c.rowid")


def _noted(node: exp.Expr) -> exp.Expr:
    is_hint = isinstance(node, exp.Alias) and node.alias == "customer_row" and node.this == _NO_ROW
    return exp.alias_(_ROW.copy(), "customer_row", quoted=True) if is_hint else node


def entry_form(plan: JourneyPlan, region: RegionPlan) -> EntryForm | None:
    """Return the form of the first region for new customers.

    None where a statement of the region reads their passages, which are not written yet.
    """
    if region.has_cuts or region.keeps_since or region.may_be_past:
        return None
    steps = [(name, s) for name, s in region.statements if name not in ("clear", "wake again")]
    if any("passage_row" in s.tables for name, s in steps if name != "move"):
        return None
    write = Statement.later(lambda: _write(plan, region.destination))
    written = tuple((name, write if name == "move" else s) for name, s in steps)
    pick = Statement.later(lambda: _pick(plan, region))
    return EntryForm(
        steps=tuple((name, pick if name == "pick" else s) for name, s in written),
        at_once=_at_once(plan, region, written) if region.destination.leaf is not None else (),
    )


def _pick(plan: JourneyPlan, region: RegionPlan) -> Statement:
    rows = plan.admit.as_ready(_OF_ENTRY)
    return region.pick_with(_OF_ENTRY).from_rows("tick_ready", rows)


# The rows of `tick_batch` for new customers who all reach the same leaf.
_REACHED = "SELECT q.*, {acted_at} AS acted_at, {wake_at} AS wake_at FROM {rows} AS q"


def _at_once(plan: JourneyPlan, region: RegionPlan, steps: Steps) -> Steps:
    rows = cache(lambda: _reached(plan, region.destination))

    def of_those(statement: Statement) -> Statement:
        # A row id changes when the row is updated, so it is not used where a field is set before.
        found = statement if region.sets_fields else _by_row(statement)
        return Statement.later(lambda: found.from_rows("tick_batch", rows()))

    return tuple((name, of_those(s)) for name, s in steps if name != "pick")


def _reached(plan: JourneyPlan, destination: Destination) -> exp.Expr:
    assert destination.leaf is not None, "everybody goes the same way"
    assert destination.wake_at is not None, "everybody goes the same way"
    assert destination.acted_at is not None, "everybody goes the same way"
    rows = plan.admit.as_ready((*_OF_ENTRY, "zone"))
    leaf = exp.Literal.number(destination.leaf)
    rows.append("expressions", exp.alias_(leaf, "leaf", quoted=True))
    return fill(_REACHED, acted_at=destination.acted_at, wake_at=destination.wake_at, rows=rows)


_BY_ID, _BY_ROW = fill("c.id = m.customer"), fill("c.rowid = m.customer_row")


def _by_row(statement: Statement) -> Statement:
    """Return the statement that joins customers by the row ids in `tick_entered`."""
    return Statement.later(lambda: Statement(statement.tree.transform(_found_by_row)))


def _found_by_row(node: exp.Expr) -> exp.Expr:
    return _BY_ROW.copy() if node == _BY_ID and isinstance(node.parent, exp.Join) else node


def _write(plan: JourneyPlan, destination: Destination) -> Statement:
    return query(
        _WRITE,
        journey=numbered(plan.name),
        version=numbered(plan.version),
        entry_key=column("m", "entry_key") if plan.is_keyed else exp.null(),
        turn=destination.turn or column("m", "turn"),
        state=destination.state,
        ended_at=destination.ended_at or exp.null(),
        outcome=destination.outcome or exp.null(),
        cause=destination.cause or exp.null(),
    )
