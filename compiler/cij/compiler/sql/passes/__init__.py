"""Passes: rewrites of a statement that keep its meaning and make it cheaper to run.

    statement --one_instant--> --semi_join--> --prune_empty--> --inline_instants--> --number_rows--> run

A pass is a function of the statement and of `Facts`, which is all that the engine tells about the
store. No pass is needed for a correct result: without passes the statements of the plan run as they
are written. `docs/performance.md` says for each pass when it applies, what it saves and when it may
be deleted.
"""

from cij.compiler.sql.passes.facts import Facts, Pass
from cij.compiler.sql.passes.inline_instants import inline_instants
from cij.compiler.sql.passes.number_rows import number_rows
from cij.compiler.sql.passes.one_instant import one_instant
from cij.compiler.sql.passes.prune_empty import prune_empty
from cij.compiler.sql.passes.semi_join import semi_join
from cij.compiler.sql.template import Statement

# In the order in which they run: `semi_join` needs conditions that read no instant of a row, which
# `one_instant` makes of those that do.
PASSES: tuple[Pass, ...] = (
    Pass("one_instant", one_instant),
    Pass("semi_join", semi_join),
    Pass("prune_empty", prune_empty),
    Pass("inline_instants", inline_instants),
    Pass("number_rows", number_rows),
)

__all__ = ["PASSES", "Facts", "Pass", "rewrite"]


def rewrite(statement: Statement, facts: Facts, passes: tuple[Pass, ...]) -> Statement | None:
    """Return the statement after all passes; None where a pass finds that it would change
    nothing."""
    found: Statement | None = statement
    for each in passes:
        found = each.run(found, facts) if found is not None else None
    return found
