"""Iterations of loops as SQL."""

from sqlglot import exp

from cij.compiler.sql.plan.regions import Turns
from cij.compiler.sql.template import fill


def turn_after(start: exp.Expr, turns: Turns) -> exp.Expr:
    """Return the iteration number of a passage after it began or left iterations of loops.

    One number holds the iterations of all nested loops, each in its own unit.
    """
    for turn in turns:
        if turn.is_next:
            start = fill("{t} + {unit}", t=start, unit=exp.convert(turn.unit))
        else:
            # The end of a loop sets its digits to zero, so that it starts from zero if it is
            # reached again.
            whole = exp.convert(turn.unit * turn.size)
            start = fill("{t} - {t} % {whole}", t=exp.paren(start), whole=whole)
    return start
