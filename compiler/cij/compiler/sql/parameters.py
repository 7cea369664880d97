"""Lists and rows as parameters: one JSON text, because a driver takes some time for each bound
value.

Only this module knows how an engine reads such a text.
"""

import json
from collections.abc import Mapping

from sqlglot import exp

from cij.compiler.sql.columns import column, literal, named, select
from cij.compiler.sql.template import fill


def list_of(name: str, type: str = "VARCHAR") -> exp.Expr:
    """Return the query for the values of the parameter `name`, a JSON list.

    Shape: one column `item`.
    """
    return fill(
        "SELECT UNNEST(FROM_JSON({list}, {shape})) AS item",
        list=exp.Placeholder(this=name),
        shape=literal(json.dumps([type])),
    )


def rows_of(name: str, shape: Mapping[str, str]) -> exp.Expr:
    """Return the query for the rows of the parameter `name`: a JSON list of objects.

    `shape` has the SQL type of each column.
    """
    rows = fill(
        "SELECT UNNEST(FROM_JSON({list}, {shape})) AS r",
        list=exp.Placeholder(this=name),
        shape=literal(json.dumps([dict(shape)])),
    )
    cells = [named(exp.Dot(this=column("j", "r"), expression=_quoted(c)), c) for c in shape]
    return select(cells, "SELECT 1 FROM {rows} AS j", rows=rows)


def _quoted(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)
