"""Keys of effects: unique without an index, for the move and its effect commit together (S19)."""

from sqlglot import exp

from cij.compiler.sql.plan.context import text
from cij.compiler.sql.template import fill


def key(journey: str, step: str, passage: exp.Expr, turn: exp.Expr) -> exp.Expr:
    """Return the key of an effect: journey, passage, step and turn (S19)."""
    return fill(
        "CONCAT({head}, CAST({passage} AS TEXT), {middle}, CAST({turn} AS TEXT))",
        head=text(f"{journey}:"),
        middle=text(f":{step}:"),
        passage=passage,
        turn=turn,
    )
