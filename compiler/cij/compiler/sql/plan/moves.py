"""The move: passages go to where their people have come to."""

from sqlglot import exp

from cij.compiler import program as pg
from cij.compiler.sql.condition import column
from cij.compiler.sql.interning import numbered
from cij.compiler.sql.plan.context import Context, either, in_numbers
from cij.compiler.sql.plan.governing import family, heading_for
from cij.compiler.sql.plan.leaves import by_leaf, ending, state_of, turn_of
from cij.compiler.sql.plan.regions import Region
from cij.compiler.sql.plan.waking import arrivals
from cij.compiler.sql.template import Statement, fill, query

_MOVE = """
UPDATE passage_row SET state = {state}, since = $now, counts_from = m.counts_from, event = m.event,
  wake_at = m.wake_at
FROM moving AS m
WHERE passage_row.id = m.passage
"""
# Since when he is there, and from when on what counts, nobody asks of one who has left.
_LEAVE = """
UPDATE passage_row SET state = {state}, wake_at = NULL
FROM moving AS m
WHERE passage_row.id = m.passage
"""


def move(region: Region) -> Statement:
    """Return the statement that moves the passages of `moving`."""
    is_left = all(isinstance(leaf.final, pg.End) for leaf in region.leaves)
    found = query(_LEAVE if is_left else _MOVE, state=state_of(region))
    _stay_since(region, found.tree)
    turn = turn_of(region)
    for name, tree in (ending(region) | ({"turn": turn} if turn else {})).items():
        assert isinstance(found.tree, exp.Update)
        change = exp.EQ(this=exp.column(name, quoted=True), expression=tree)
        found.tree.append("expressions", change)
    return found


def _stay_since(region: Region, tree: exp.Expr) -> None:
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
        next(e for e in tree.expressions if e.this.name == "since").set("expression", since)


# --- moves of several regions at once ---------------------------------------------------------

_NOTE = """
INSERT INTO moved (passage, state, counts_from, event, wake_at, turn, outcome, cause)
SELECT m.passage, {state}, m.counts_from, m.event, m.wake_at, {turn}, {outcome}, {cause}
FROM moving AS m
"""


def note(region: Region, context: Context) -> Statement | None:
    """Return the statement that notes where people go instead of moving them; None where what
    follows in the region, or the move itself, asks for the passage."""
    if not is_noted(region) or arrivals(region, context):
        return None
    finals = {x.number: x.final for x in region.leaves}
    ends = {n: final for n, final in finals.items() if isinstance(final, pg.End)}
    assert all(end.outcome is not None for end in ends.values()), "who ends has an outcome"
    nothing = {n: fill("CAST(NULL AS BIGINT)") for n in finals}
    return query(
        _NOTE,
        state=state_of(region),
        turn=turn_of(region) or column("m", "turn"),
        outcome=by_leaf(nothing | {n: numbered(end.outcome) for n, end in ends.items()}),
        cause=by_leaf(nothing | {n: numbered(end.cause) for n, end in ends.items()}),
    )


def is_noted(region: Region) -> bool:
    """Tell whether it is known where people go without a look at their passages."""
    is_held = any(heading_for(leaf.final.id) is not None for leaf in region.leaves)
    return not is_held and not any(leaf.is_cut for leaf in region.leaves)
