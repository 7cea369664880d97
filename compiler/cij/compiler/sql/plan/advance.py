"""The statements of a region: pick the batch, write effects and history, move the passages."""

from collections.abc import Sequence

from pydantic import BaseModel
from sqlglot import exp

from cij.compiler import program as pg
from cij.compiler.effect import changes_customer
from cij.compiler.expression import EnteredAt, Expired, Noted, OfMessage, Result, SendOutcome
from cij.compiler.sql.condition import column, condition, zone_of
from cij.compiler.sql.interning import JOINED, numbered
from cij.compiler.sql.plan.context import Context, in_numbers, text
from cij.compiler.sql.plan.effects import Site, effect
from cij.compiler.sql.plan.effects.counting import choose_winner
from cij.compiler.sql.plan.leaves import (
    acted_at,
    by_leaf,
    ending,
    moment_of,
    needs_zone,
    rests_of,
    state_of,
    turn_of,
    until,
    wake_at,
)
from cij.compiler.sql.plan.loops import turn_after
from cij.compiler.sql.plan.moves import is_held, move
from cij.compiler.sql.plan.plan_parts import Destination, RegionPlan
from cij.compiler.sql.plan.reacting import at_waking
from cij.compiler.sql.plan.regions import Fork, Region, Tree
from cij.compiler.sql.plan.series import add_days, kept_series, series_of
from cij.compiler.sql.plan.waking import arrivals, may_be_past
from cij.compiler.sql.template import Statement, fill, query
from cij.compiler.walk import walk


def advance(region: Region, context: Context) -> RegionPlan:
    """Return the statements that move all passages that are ready at the root to their leaves."""
    return RegionPlan(
        root=region.root,
        prepare=tuple(_winners(region, context)),
        pick=_pick(region, context),
        effects=tuple(_effects(region, context)),
        history=_history(region),
        move=move(region),
        clear=query(
            "DELETE FROM tick_ready WHERE {here} AND tick_ready.root = {root}",
            here=context.inside("tick_ready"),
            root=numbered(region.root),
        ),
        wake_again=(*_cuts(region, context), *arrivals(region, context)),
        destination=_destination(region, context),
        pick_with=lambda columns: _pick(region, context, columns),
        has_cuts=any(leaf.is_cut for leaf in region.leaves),
        keeps_since=is_held(region),
        may_be_past=may_be_past(region),
        sets_fields=any(changes_customer(s.effect) for s in _acts(region, context)),
    )


def _destination(region: Region, context: Context) -> Destination:
    rests = rests_of(region)
    is_one_way = not isinstance(region.tree, Fork)
    # A wait until a moment reads the customer. Only `pick` joins the customer, so it has to run.
    is_one_way = is_one_way and all(until(rest, context) is None for rest in rests)
    # So does a wait in a series, which reads the date that it goes on from.
    is_one_way = is_one_way and not any(
        rest.final.id in series_of(context.journey) for rest in rests
    )
    acted = acted_at(region.leaves)
    return Destination(
        state=state_of(region),
        turn=turn_of(region),
        leaf=region.leaves[0].number if is_one_way else None,
        acted_at=None if isinstance(acted, exp.Case) else acted,
        wake_at=wake_at(rests) if is_one_way else None,
        **ending(region),
    )


def _acts(region: Region, context: Context) -> list[pg.ActState]:
    """Return the acting states on the paths of a region."""
    acts = [s for s in context.journey.states if isinstance(s, pg.ActState)]
    return [act for act in acts if region.through(act.id)]


def _winners(region: Region, context: Context) -> list[Statement]:
    """Return the statements that choose winners of the splits on the paths of a region."""
    acts = _acts(region, context)
    effects = [s.effect for s in acts if isinstance(s.effect, pg.ArmEffect)]
    # All arms of a split lead to the same statement, so one of them is enough.
    by_split = {effect.split: effect for effect in effects}
    return [choose_winner(effect, context.journey.name) for effect in by_split.values()]


# --- pick -------------------------------------------------------------------------------------

# One row for each passage of the batch. Events count from the instant `counts_from` (S12).
_WOKEN = """
SELECT w.passage, w.why, w.event, w.counts_from, w.as_of, w.customer, w.trigger, w.turn, w.is_held_out,
  {leaf} AS leaf
FROM tick_ready AS w
JOIN customer AS c ON c.id = w.customer
WHERE {here} AND w.root = {root}
"""


def _pick(region: Region, context: Context, more: Sequence[str] = ()) -> Statement:
    rests = rests_of(region)
    leaf = _case(region.tree, context)
    # One root is one region, so a batch never mixes regions.
    here, root = context.inside("w"), numbered(region.root)
    rows = fill(_WOKEN, leaf=leaf, root=root, here=here)
    assert isinstance(rows, exp.Select)
    if needs_zone(rests):
        rows.append("expressions", exp.alias_(zone_of(context.scope), "zone", quoted=True))
    context.naming(rows, "w")
    read = [*_guards(region.tree), *(moment_of(x) for x in rests)]
    # The passage is joined only where something reads it, because the table is large.
    if context.journey.kept or _asks_for_passage(read):
        kept = fill("SELECT 1 FROM x JOIN passage_row AS p ON p.id = w.passage")
        rows.append("joins", kept.args["joins"][0].copy())
    context.with_triggers(rows, "w", *read)
    for leaf_ in rests:
        at = until(leaf_, context)
        if at is not None:
            # The inner query computes it, because only there is the customer in scope.
            rows.append("expressions", exp.alias_(at, f"until_{leaf_.number}", quoted=True))
    add_days(rows, rests, context)
    pick = query(
        """
CREATE OR REPLACE TEMPORARY TABLE tick_batch AS
SELECT q.passage, q.why, q.event, q.counts_from, q.as_of, q.customer, q.trigger, q.turn,
  q.is_held_out, q.leaf, {acted} AS acted_at, {wake} AS wake_at
FROM {rows} AS q
""",
        rows=_with(_keeping(rows, "p", context), "w", more),
        acted=acted_at(region.leaves),
        wake=wake_at(rests, series_of(context.journey)),
    )
    select = pick.tree.expression
    assert isinstance(select, exp.Select)
    context.naming(_with(_keeping(select, "q", context), "q", more), "q")
    return pick


def _with(rows: exp.Select, row: str, columns: Sequence[str]) -> exp.Select:
    for name in columns:
        rows.append("expressions", column(row, name))
    return rows


def _keeping(rows: exp.Select, row: str, context: Context) -> exp.Select:
    """Add the column of the values that were kept at entry, where the journey reads them."""
    # JSON text in all rows costs memory, so other journeys do not carry it.
    if context.journey.kept:
        rows.append("expressions", column(row, "at_entry"))
    return rows


# What is read from the row of the passage.
_OF_PASSAGE = (EnteredAt, Expired, Noted, OfMessage, Result, SendOutcome)


def _asks_for_passage(read: list[object]) -> bool:
    nodes = [p for r in read if isinstance(r, BaseModel) for p in walk(r)]
    return any(isinstance(node, _OF_PASSAGE) for node in nodes)


def _guards(tree: Tree) -> list[object]:
    if isinstance(tree, int):
        return []
    found: list[object] = []
    for guard, inner in tree.branches:
        found += [guard, *_guards(inner)]
    return found + _guards(tree.otherwise)


def _case(tree: Tree, context: Context) -> exp.Expr:
    if not isinstance(tree, Fork):
        return exp.Literal.number(tree)
    case = exp.Case()
    # A guard reads the iteration as it is at the fork, not as it was when the passage woke.
    scope = context.scope_of("p", turn_after(column("w", "turn"), tree.turns))
    scope = scope if tree.is_real else scope.as_of("w")
    for guard, inner in tree.branches:
        case = case.when(condition(guard, scope), _case(inner, context), copy=False)
    return case.else_(_case(tree.otherwise, context), copy=False)


# --- effects, history, move -------------------------------------------------------------------


def _effects(region: Region, context: Context) -> list[Statement]:
    found = []
    for state in context.journey.states:
        if isinstance(state, pg.ActState):
            for turns, leaves in region.through(state.id).items():
                real = region.real(state.id, leaves)
                found += effect(Site(state, leaves, turns, context, real))
    # Goals `and stay` come first (S8). Goals that end the passage are recorded with its leaf.
    found = _met_on_the_way(region, context) + found + _conversions(region, context)
    ends = [x.number for x in region.leaves if isinstance(x.final, pg.EndState)]
    return found + kept_series(rests_of(region), ends, context)


def _met_on_the_way(region: Region, context: Context) -> list[Statement]:
    """Return the statements that record goals `when … and stay`.

    They run before other effects (S8).
    """
    root = context.journey.state(region.root)
    if isinstance(root, pg.EndState) and root.cause != "end":
        # A goal or exit leads to this root. Its event has already tested all goals.
        return []
    return [s for goal in context.journey.goals for s in at_waking(goal, context)]


_CONVERSION = """
INSERT INTO conversion (journey, version, goal, passage, customer, event, at)
SELECT {journey}, {version}, {goal}, m.passage, m.customer, CAST(NULL AS BIGINT), m.acted_at
FROM tick_batch AS m
WHERE {leaves}
  AND NOT EXISTS(SELECT 1 FROM conversion AS v WHERE v.passage = m.passage AND v.goal = {goal})
"""


def _conversions(region: Region, context: Context) -> list[Statement]:
    """Return the statements that record the goals by condition.

    Goals by event are recorded when the event is handled (`reacting`).
    """
    found = []
    for goal in context.journey.goals:
        numbers = [x.number for x in region.leaves if x.final.id == goal.target]
        if goal.condition is not None and numbers and region.root != goal.target:
            leaves = in_numbers(exp.column("leaf", "m", quoted=True), numbers)
            names = context.names_of("m")
            found.append(query(_CONVERSION, goal=text(goal.name), leaves=leaves, **names))
    return found


def _history(region: Region) -> Statement:
    """Return the statement that writes one row of `move` for each passage of the batch.

    The row holds the number of the path. The table `visit` holds the states of each path once,
    because many passages take the same path.
    """
    return query(
        "INSERT INTO move (passage, at, path, why, event) "
        "SELECT m.passage, m.acted_at, {path}, m.why, m.event FROM tick_batch AS m",
        path=by_leaf({leaf.number: exp.convert(leaf.path) for leaf in region.leaves}),
    )


def visits(region: Region) -> dict[int, list[tuple[int, str, str | None]]]:
    """Return the rows of the table `visit` for a region: (place, state, why) by the number of the
    path.

    The first visit of a path has no reason, because its reason is in the row of `move`. This holds
    also where a hidden state comes before it.
    """
    return {
        leaf.path: [
            (n, visit.state, visit.why if n else None)
            for n, visit in enumerate(v for v in leaf.visits if not v.is_hidden)
        ]
        for leaf in region.leaves
    }


def _cuts(region: Region, context: Context) -> list[Statement]:
    found = []
    for target in dict.fromkeys(x.final.id for x in region.leaves if x.is_cut):
        leaves = [x for x in region.leaves if x.is_cut and x.final.id == target]
        # A path of hidden states only leaves no history, so its passages keep the reason of the
        # waking.
        silent = [x.number for x in leaves if all(v.is_hidden for v in x.visits)]
        why = fill(
            "CASE WHEN {silent} THEN m.why ELSE {joined} END",
            joined=numbered(JOINED),
            silent=in_numbers(exp.column("leaf", "m", quoted=True), silent or [0]),
        )
        statement = query(
            """
INSERT INTO tick_ready (journey, version, passage, customer, trigger, turn, is_held_out,
  root, why, event, counts_from, as_of)
SELECT {journey}, {version}, m.passage, m.customer, m.trigger, {turn}, m.is_held_out,
  {root}, {why}, m.event, m.counts_from, m.acted_at
FROM tick_batch AS m WHERE {leaves}
""",
            root=numbered(target),
            turn=turn_of(region) or column("m", "turn"),
            why=why if silent else numbered(JOINED),
            leaves=in_numbers(exp.column("leaf", "m", quoted=True), [x.number for x in leaves]),
            **context.numbers_of("m"),
        )
        found.append(statement)
    return found
