"""Turns of loops as SQL."""

from sqlglot import exp

from cij.compiler.sql.plan.regions import Turns
from cij.compiler.sql.template import fill


def turn_after(start: exp.Expr, turns: Turns) -> exp.Expr:
    """Return the turn of a passage after it began or left turns of loops."""
    for turn in turns:
        if turn.is_next:
            start = fill("{t} + {unit}", t=start, unit=exp.convert(turn.unit))
        else:
            whole = exp.convert(turn.unit * turn.size)
            start = fill("{t} - {t} % {whole}", t=exp.paren(start), whole=whole)
    return start
