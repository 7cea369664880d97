"""The move: one update that writes the new state of each passage of a batch."""

from sqlglot import exp

from cij.compiler import program as pg
from cij.compiler.sql.columns import column
from cij.compiler.sql.interning import numbered
from cij.compiler.sql.plan.context import either, in_numbers
from cij.compiler.sql.plan.governing import family, heading_for
from cij.compiler.sql.plan.leaves import ending, state_of, turn_of
from cij.compiler.sql.plan.regions import Region
from cij.compiler.sql.template import Statement, fill, query

_MOVE = """
UPDATE passage_row SET state = {state}, since = m.acted_at, counts_from = m.counts_from, event = m.event,
  wake_at = m.wake_at
FROM tick_batch AS m
WHERE passage_row.id = m.passage
"""
# Nothing reads `since` and `counts_from` of a passage that has ended, so an end does not write
# them.
_LEAVE = """
UPDATE passage_row SET state = {state}, wake_at = NULL
FROM tick_batch AS m
WHERE passage_row.id = m.passage
"""


def is_held(region: Region) -> bool:
    """Tell whether a path leads to a wait for a held message. Its `since` may have to stay."""
    return any(heading_for(leaf.final.id) is not None for leaf in region.leaves)


def move(region: Region) -> Statement:
    """Return the statement that moves the passages of `tick_batch` to their leaves."""
    is_left = all(isinstance(leaf.final, pg.EndState) for leaf in region.leaves)
    found = query(_LEAVE if is_left else _MOVE, state=state_of(region))
    _stay_since(region, found.tree)
    turn = turn_of(region)
    for name, tree in (ending(region) | ({"turn": turn} if turn else {})).items():
        assert isinstance(found.tree, exp.Update)
        change = exp.EQ(this=exp.column(name, quoted=True), expression=tree)
        found.tree.append("expressions", change)
    return found


def _stay_since(region: Region, tree: exp.Expr) -> None:
    """Keep `since` for a message that is held again, because its validity counts from the first
    time."""
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
        since = fill("CASE WHEN {a} THEN passage_row.since ELSE m.acted_at END", a=either(again))
        next(e for e in tree.expressions if e.this.name == "since").set("expression", since)
