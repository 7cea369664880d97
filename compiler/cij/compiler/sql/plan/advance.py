"""A region as statements: pick, effects, history, move."""

from dataclasses import replace

from pydantic import BaseModel
from sqlglot import exp

from cij.compiler import program as pg
from cij.compiler.expression import EnteredAt, Expired, Result
from cij.compiler.parts import parts
from cij.compiler.sql import moments
from cij.compiler.sql.condition import column, condition, to_instant, to_local, value, zone_of
from cij.compiler.sql.names import JOINED, numbered
from cij.compiler.sql.plan.context import Context, either, in_numbers, text
from cij.compiler.sql.plan.effects import Site, effect
from cij.compiler.sql.plan.effects.counting import choose_winner
from cij.compiler.sql.plan.entering import entry_key, newly_woken
from cij.compiler.sql.plan.governing import family, heading_for
from cij.compiler.sql.plan.loops import turn_after
from cij.compiler.sql.plan.parts import EnteringPlan, RegionPlan
from cij.compiler.sql.plan.reacting import at_waking
from cij.compiler.sql.plan.regions import Fork, Leaf, Region, Tree
from cij.compiler.sql.plan.waking import arrivals
from cij.compiler.sql.template import Statement, fill, query


def advance(region: Region, context: Context) -> RegionPlan:
    """Return the statements that take all who are woken at the root to their leaves."""
    plan = RegionPlan(
        root=region.root,
        prepare=tuple(_winners(region, context)),
        pick=_pick(region, context),
        effects=tuple(_effects(region, context)),
        history=_history(region),
        move=_move(region),
        clear=query(
            "DELETE FROM woken WHERE {here} AND woken.root = {root}",
            here=context.inside("woken"),
            root=numbered(region.root),
        ),
        wake_again=(*_cuts(region, context), *arrivals(region, context)),
        note=_note(region, context),
        sets_fields=any(isinstance(s.effect, pg.SetEffect) for s in _acts(region, context)),
    )
    return replace(plan, entering=_entering(region, plan, context))


def _acts(region: Region, context: Context) -> list[pg.Act]:
    """Return the acts that a region comes to."""
    acts = [s for s in context.journey.states if isinstance(s, pg.Act)]
    return [act for act in acts if region.through(act.id)]


def _winners(region: Region, context: Context) -> list[Statement]:
    """Return the statements that look for winners of the splits that a region comes to."""
    acts = _acts(region, context)
    effects = [s.effect for s in acts if isinstance(s.effect, pg.ArmEffect)]
    by_split = {effect.split: effect for effect in effects}
    return [choose_winner(effect, context.journey.name) for effect in by_split.values()]


# --- pick -------------------------------------------------------------------------------------

# One row for each who moves. `counts_from` is the instant from which later events count.
_WOKEN = """
SELECT w.passage, w.why, w.event, w.counts_from, w.customer, w.trigger, w.turn, w.is_held_out,
  {zone} AS zone, {leaf} AS leaf
FROM woken AS w
JOIN customer AS c ON c.id = w.customer
WHERE {here} AND w.root = {root}
"""


def _pick(region: Region, context: Context) -> Statement:
    rests = [x for x in region.leaves if isinstance(x.final, pg.Rest) and not x.is_cut]
    leaf = _case(region.tree, context)
    zone = zone_of(context.scope)
    here, root = context.inside("w"), numbered(region.root)
    rows = fill(_WOKEN, leaf=leaf, zone=zone, root=root, here=here)
    assert isinstance(rows, exp.Select)
    context.naming(rows, "w")
    read = [*_guards(region.tree), *(_moment_of(x) for x in rests)]
    if context.journey.kept or _asks_for_passage(read):
        kept = fill("SELECT 1 FROM x JOIN passage_row AS p ON p.id = w.passage")
        rows.append("joins", kept.args["joins"][0].copy())
    context.with_triggers(rows, "w", *read)
    for leaf_ in rests:
        until = _until(leaf_, context)
        if until is not None:
            rows.append("expressions", exp.alias_(until, f"until_{leaf_.number}", quoted=True))
    pick = query(
        """
CREATE OR REPLACE TEMPORARY TABLE moving AS
SELECT q.passage, q.why, q.event, q.counts_from, q.customer, q.trigger, q.turn, q.is_held_out,
  q.leaf, {wake} AS wake_at
FROM {rows} AS q
""",
        rows=_keeping(rows, "p", context),
        wake=_wake(rests),
    )
    select = pick.tree.expression
    assert isinstance(select, exp.Select)
    context.naming(_keeping(select, "q", context), "q")
    return pick


def _keeping(rows: exp.Select, row: str, context: Context) -> exp.Select:
    """Add what passages kept at entry, where the journey reads it."""
    if context.journey.kept:
        rows.append("expressions", column(row, "at_entry"))
    return rows


def _asks_for_passage(read: list[object]) -> bool:
    nodes = [p for r in read if isinstance(r, BaseModel) for p in parts(r)]
    return any(isinstance(node, (EnteredAt, Expired, Result)) for node in nodes)


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
    scope = context.scope_of("p", turn_after(column("w", "turn"), tree.turns))
    for guard, inner in tree.branches:
        case = case.when(condition(guard, scope), _case(inner, context), copy=False)
    return case.else_(_case(tree.otherwise, context), copy=False)


def _wake(rests: list[Leaf]) -> exp.Expr:
    if not rests:
        return fill("CAST(NULL AS TIMESTAMP)")
    case = exp.Case(this=exp.column("leaf", "q", quoted=True))
    for leaf in rests:
        assert isinstance(leaf.final, pg.Rest)
        due = _due(leaf.number, leaf.final.timer)
        case = case.when(exp.Literal.number(leaf.number), due, copy=False)
    return fill("CAST({case} AS TIMESTAMP)", case=case)


def _due(number: int, timer: pg.Timer) -> exp.Expr:
    moment = moments.of_timer(timer)
    if moment is not None:
        return moments.instant(moment, exp.column("zone", "q", quoted=True))
    if isinstance(timer, pg.AfterPeriod):
        seconds = exp.convert(moments.seconds(timer.period))
        return fill("$now + {n} * INTERVAL '1' SECOND", n=seconds)
    # A moment that is not known is as good as past: the passage goes on at once.
    return fill("COALESCE({u}, $now)", u=exp.column(f"until_{number}", "q", quoted=True))


def _moment_of(leaf: Leaf) -> object:
    timer = leaf.final.timer if isinstance(leaf.final, pg.Rest) else None
    return timer.moment if isinstance(timer, pg.UntilMoment) else None


def _until(leaf: Leaf, context: Context) -> exp.Expr | None:
    assert isinstance(leaf.final, pg.Rest)
    timer = leaf.final.timer
    if not isinstance(timer, pg.UntilMoment):
        return None
    zone = zone_of(context.scope)
    moment = value(timer.moment, context.scope)
    if timer.moment.type.kind == "datetime" and timer.at is None:
        return moment
    day = moment if timer.moment.type.kind == "date" else to_local(moment, zone)
    at = text(timer.at or "00:00:00")
    return to_instant(fill("CAST({day} AS DATE) + CAST({at} AS TIME)", day=day, at=at), zone)


# --- effects, history, move -------------------------------------------------------------------


def _effects(region: Region, context: Context) -> list[Statement]:
    found = []
    for state in context.journey.states:
        if isinstance(state, pg.Act):
            for turns, leaves in region.through(state.id).items():
                found += effect(Site(state, leaves, turns, context))
    return _met_on_the_way(region, context) + found + _conversions(region, context)


def _met_on_the_way(region: Region, context: Context) -> list[Statement]:
    """Return the statements that record goals `when … and stay`, before anything else is done."""
    root = context.journey.state(region.root)
    if isinstance(root, pg.End) and root.cause != "end":
        # The event that leads there has had them looked at.
        return []
    return [s for goal in context.journey.goals for s in at_waking(goal, context)]


_CONVERSION = """
INSERT INTO conversion (journey, version, goal, passage, customer, event, at)
SELECT {journey}, {version}, {goal}, m.passage, m.customer, CAST(NULL AS BIGINT), $now
FROM moving AS m
WHERE {leaves}
  AND NOT EXISTS(SELECT 1 FROM conversion AS v WHERE v.passage = m.passage AND v.goal = {goal})
"""


def _conversions(region: Region, context: Context) -> list[Statement]:
    """Return the statements that record the goals by condition; those by event are recorded as
    the event comes."""
    found = []
    for goal in context.journey.goals:
        numbers = [x.number for x in region.leaves if x.final.id == goal.target]
        if goal.condition is not None and numbers and region.root != goal.target:
            leaves = in_numbers(exp.column("leaf", "m", quoted=True), numbers)
            names = context.names_of("m")
            found.append(query(_CONVERSION, goal=text(goal.name), leaves=leaves, **names))
    return found


def _history(region: Region) -> Statement:
    """Return the statement that writes one row for each who moves; `visit` says what is on a path."""
    return query(
        "INSERT INTO move (passage, at, path, why, event) "
        "SELECT m.passage, $now, {path}, m.why, m.event FROM moving AS m",
        path=_by_leaf({leaf.number: exp.convert(leaf.path) for leaf in region.leaves}),
    )


def visits(region: Region) -> dict[int, list[tuple[int, str, str | None]]]:
    """Return what is on the paths of a region: (place, state, why) by the number of the path.

    The first has no reason of its own: it is that of the waking, also behind a gate.
    """
    return {
        leaf.path: [
            (n, visit.state, visit.why if n else None)
            for n, visit in enumerate(v for v in leaf.visits if not v.is_hidden)
        ]
        for leaf in region.leaves
    }


# What depends on the leaf is chosen by CASE. Joined as a table of constants it would be the other
# side of the join where the planner takes `moving` for empty, and rows would come in no order: an
# update of scattered rows takes DuckDB fifty times as long.
_MOVE = """
UPDATE passage_row SET state = {state}, since = $now, counts_from = m.counts_from, event = m.event,
  wake_at = m.wake_at
FROM moving AS m
WHERE passage_row.id = m.passage
"""


def _move(region: Region) -> Statement:
    states = {x.number: numbered(x.final.id) for x in region.leaves}
    move = query(_MOVE, state=_by_leaf(states))
    _stay_since(region, move.tree)
    turn = _turn(region)
    for name, tree in (_ending(region) | ({"turn": turn} if turn else {})).items():
        assert isinstance(move.tree, exp.Update)
        move.tree.append("expressions", exp.EQ(this=exp.column(name, quoted=True), expression=tree))
    return move


def _ending(region: Region) -> dict[str, exp.Expr]:
    """Return what is noted of an end, by column; nothing where no path ends."""
    ends = {x.number: x.final for x in region.leaves if isinstance(x.final, pg.End)}
    inside = {x.number: exp.null() for x in region.leaves if x.number not in ends}
    if not ends:
        return {}
    return {
        "ended_at": _by_leaf(inside | {n: fill("$now") for n in ends}),
        "outcome": _by_leaf(inside | {n: numbered(end.outcome) for n, end in ends.items()}),
        "cause": _by_leaf(inside | {n: numbered(end.cause) for n, end in ends.items()}),
    }


# --- moves of several regions at once ---------------------------------------------------------

_NOTE = """
INSERT INTO moved (passage, state, counts_from, event, wake_at, turn, outcome, cause)
SELECT m.passage, {state}, m.counts_from, m.event, m.wake_at, {turn}, {outcome}, {cause}
FROM moving AS m
"""


def _note(region: Region, context: Context) -> Statement | None:
    """Return the statement that notes where people go instead of moving them; None where what
    follows in the region, or the move itself, asks for the passage."""
    finals = {x.number: x.final for x in region.leaves}
    is_held = any(heading_for(final.id) is not None for final in finals.values())
    if is_held or any(x.is_cut for x in region.leaves) or arrivals(region, context):
        return None
    ends = {n: final for n, final in finals.items() if isinstance(final, pg.End)}
    assert all(end.outcome is not None for end in ends.values()), "who ends has an outcome"
    nothing = {n: fill("CAST(NULL AS BIGINT)") for n in finals}
    return query(
        _NOTE,
        state=_by_leaf({n: numbered(final.id) for n, final in finals.items()}),
        turn=_turn(region) or column("m", "turn"),
        outcome=_by_leaf(nothing | {n: numbered(end.outcome) for n, end in ends.items()}),
        cause=_by_leaf(nothing | {n: numbered(end.cause) for n, end in ends.items()}),
    )


# What a passage has of its entry, besides that of `woken`.
_OF_ENTRY = ("entry_key", "at_entry", "customer_row")

_SETTLE = """
INSERT INTO passage_row (id, journey, version, customer, entry_key, trigger, turn, is_held_out,
  entered_at, entered_from, state, since, counts_from, event, wake_at, ended_at, outcome, cause,
  at_entry, customer_row)
SELECT m.passage, {journey}, {version}, m.customer, {entry_key}, m.trigger, {turn}, m.is_held_out,
  $now, m.counts_from, {state}, $now, m.counts_from, m.event, m.wake_at, {ended_at}, {outcome},
  {cause}, m.at_entry, m.customer_row
FROM moving AS m
"""


def _entering(region: Region, plan: RegionPlan, context: Context) -> EnteringPlan | None:
    """Return how those who are newly inside go through the region; None where their passages have to
    be there before."""
    before = (s for name, s in plan.statements if name != "move")
    is_asked = any("passage_row" in s.tables for s in before)
    if plan.note is None or is_asked or context.is_shared or region.root != context.journey.start:
        return None
    write = _settle(region, context)
    steps = [(name, write if name == "move" else s) for name, s in plan.statements]
    if not plan.sets_fields:
        steps = [(name, _by_row(s)) for name, s in steps]
    return EnteringPlan(_pick_new(plan.pick, context), write, _at_once(region, steps, context))


def _pick_new(pick: Statement, context: Context) -> Statement:
    tree = pick.tree.copy()
    woken = next(table for table in tree.find_all(exp.Table) if table.name == "woken")
    rows = exp.Subquery(this=newly_woken(context, *_OF_ENTRY), alias=woken.args["alias"].copy())
    woken.replace(rows)
    outer = tree.expression
    inner = outer.args["from_"].this.this
    for name in _OF_ENTRY:
        outer.append("expressions", column("q", name))
        inner.append("expressions", column("w", name))
    return Statement(tree)


# Rows of `moving`, of those who are newly inside and all come to one leaf.
_COME = "SELECT q.*, {wake} AS wake_at FROM {rows} AS q"


def _at_once(
    region: Region, steps: list[tuple[str, Statement]], context: Context
) -> tuple[tuple[str, Statement], ...]:
    leaf = region.leaves[0]
    rests = [leaf] if isinstance(leaf.final, pg.Rest) else []
    if isinstance(region.tree, Fork) or any(_until(rest, context) is not None for rest in rests):
        return ()
    new = newly_woken(context, *_OF_ENTRY, "zone")
    new.append("expressions", exp.alias_(exp.Literal.number(leaf.number), "leaf", quoted=True))
    rows = fill(_COME, wake=_wake(rests), rows=new)
    return tuple((name, _over(s, rows)) for name, s in steps if name not in ("pick", "clear"))


def _over(statement: Statement, rows: exp.Expr) -> Statement:
    """Return the statement that reads `rows` in the place of `moving`."""
    tree = statement.tree.copy()
    for table in list(tree.find_all(exp.Table)):
        if table.name == "moving":
            table.replace(exp.Subquery(this=rows.copy(), alias=table.args["alias"].copy()))
    return Statement(tree)


_BY_ID, _BY_ROW = fill("c.id = m.customer"), fill("c.rowid = m.customer_row")


def _by_row(statement: Statement) -> Statement:
    """Return the statement that finds customers by their rows, which is known of who came in in this
    tick. Not where a field is set before: a row that is changed may be another one then."""
    tree = statement.tree.copy()
    for join in tree.find_all(exp.Join):
        if join.args.get("on") == _BY_ID:
            join.set("on", _BY_ROW.copy())
    return Statement(tree)


def _settle(region: Region, context: Context) -> Statement:
    at_end = {"ended_at": exp.null(), "outcome": exp.null(), "cause": exp.null()}
    return query(
        _SETTLE,
        turn=_turn(region) or column("m", "turn"),
        state=_by_leaf({x.number: numbered(x.final.id) for x in region.leaves}),
        entry_key=entry_key("m", context),
        **at_end | _ending(region),
        **context.numbers,
    )


def _stay_since(region: Region, move: exp.Expr) -> None:
    """Have a message that is held again be held since it was the first time."""
    sends: dict[str, list[int]] = {}
    for leaf in region.leaves:
        send = heading_for(leaf.final.id)
        if send is not None:
            sends.setdefault(send, []).append(leaf.number)
    again = [
        fill(
            "{after} AND {before}",
            after=in_numbers(exp.column("leaf", "m", quoted=True), numbers),
            before=exp.In(
                this=column("passage_row", "state"),
                expressions=[numbered(state) for state in family(send)],
            ),
        )
        for send, numbers in sends.items()
    ]
    if again:
        since = fill("CASE WHEN {a} THEN passage_row.since ELSE $now END", a=either(again))
        next(e for e in move.expressions if e.this.name == "since").set("expression", since)


def _turn(region: Region) -> exp.Expr | None:
    """Return the turn in which a passage is at its leaf; None where no loop is touched."""
    if not any(leaf.turns for leaf in region.leaves):
        return None
    case = exp.Case(this=exp.column("leaf", "m", quoted=True))
    for leaf in region.leaves:
        if leaf.turns:
            turn = turn_after(column("m", "turn"), leaf.turns)
            case = case.when(exp.Literal.number(leaf.number), turn, copy=False)
    return case.else_(column("m", "turn"), copy=False)


def _by_leaf(values: dict[int, exp.Expr]) -> exp.Expr:
    """Return what belongs to the leaf that `m` has come to; no CASE where it is the same for all."""
    found = list(values.values())
    if all(tree == found[0] for tree in found):
        return found[0]
    case = exp.Case(this=exp.column("leaf", "m", quoted=True))
    for number, tree in sorted(values.items()):
        case = case.when(exp.Literal.number(number), tree, copy=False)
    return case


def _cuts(region: Region, context: Context) -> list[Statement]:
    found = []
    for target in dict.fromkeys(x.final.id for x in region.leaves if x.is_cut):
        leaves = [x for x in region.leaves if x.is_cut and x.final.id == target]
        # Who has come by nothing that is told of is still here for the reason of the waking.
        silent = [x.number for x in leaves if all(v.is_hidden for v in x.visits)]
        why = fill(
            "CASE WHEN {silent} THEN m.why ELSE {joined} END",
            joined=numbered(JOINED),
            silent=in_numbers(exp.column("leaf", "m", quoted=True), silent or [0]),
        )
        statement = query(
            """
INSERT INTO woken (journey, version, passage, customer, trigger, turn, is_held_out,
  root, why, event, counts_from)
SELECT {journey}, {version}, m.passage, m.customer, m.trigger, {turn}, m.is_held_out,
  {root}, {why}, m.event, m.counts_from
FROM moving AS m WHERE {leaves}
""",
            root=numbered(target),
            turn=_turn(region) or column("m", "turn"),
            why=why if silent else numbered(JOINED),
            leaves=in_numbers(exp.column("leaf", "m", quoted=True), [x.number for x in leaves]),
            **context.waking_of("m"),
        )
        found.append(statement)
    return found
