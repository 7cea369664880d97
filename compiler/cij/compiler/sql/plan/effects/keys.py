"""Keys of effects: unique without an index, for the move and its effect commit together (S19)."""

from sqlglot import exp

from cij.compiler.sql.condition import column
from cij.compiler.sql.plan.context import text
from cij.compiler.sql.template import fill


def key(journey: str, step: str, row: str, passage: str) -> exp.Expr:
    """Return the key of an effect: journey, passage, step and turn (S19).

    `row` is the alias of a row with the number of the passage in the column `passage`, and `turn`.
    """
    return fill(
        "CONCAT({head}, CAST({passage} AS TEXT), {middle}, CAST({turn} AS TEXT))",
        head=text(f"{journey}:"),
        middle=text(f":{step}:"),
        passage=column(row, passage),
        turn=column(row, "turn"),
    )
