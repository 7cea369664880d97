"""Tables made of queries: scratch tables, and tables of the store that are made anew.

A database without `CREATE OR REPLACE TABLE ... AS` makes them another way, so they have a form of their
own, here alone. A query may read the table that it replaces.
"""

from collections.abc import Sequence

from sqlglot import exp

from cij.compiler.sql.columns import definition
from cij.compiler.sql.template import Statement, fill, query

_NEW = "CREATE OR REPLACE TEMP TABLE {t} (x BIGINT)"
_KEPT = "CREATE TEMP TABLE IF NOT EXISTS {t} (x BIGINT)"


def make(table: str, rows: exp.Expr | str) -> Statement:
    """Return the statement that makes a scratch table of a query, in place of an older one.

    A later statement of the same transaction reads it, and nothing after that.
    """
    tree = fill(rows) if isinstance(rows, str) else rows
    return query("CREATE OR REPLACE TEMP TABLE {t} AS {rows}", t=table, rows=tree)


def scratch(table: str, columns: Sequence[tuple[str, str]], *, is_kept: bool = False) -> Statement:
    """Return the statement that makes an empty scratch table with columns (name, SQL type).

    One that is there is replaced, or kept with its rows.
    """
    tree = fill(_KEPT if is_kept else _NEW, t=table)
    tree.this.set("expressions", [definition(name, type) for name, type in columns])
    return Statement(tree)


def rebuild(table: str, rows: exp.Expr | str) -> Statement:
    """Return the statement that puts the rows of a query in the place of a table of the store."""
    tree = fill(rows) if isinstance(rows, str) else rows
    return query("CREATE OR REPLACE TABLE {t} AS {rows}", t=table, rows=tree)
