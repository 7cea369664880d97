"""Scratch tables: rows that a later statement of the same transaction reads, and nobody after it.

A database without `CREATE OR REPLACE TEMP TABLE` makes them another way, so they have a form of their
own, here alone.
"""

from collections.abc import Sequence

from sqlglot import exp

from cij.compiler.sql.columns import definition
from cij.compiler.sql.template import Statement, fill, query

_NEW = "CREATE OR REPLACE TEMP TABLE {t} (x BIGINT)"
_KEPT = "CREATE TEMP TABLE IF NOT EXISTS {t} (x BIGINT)"


def make(table: str, rows: exp.Expr) -> Statement:
    """Return the statement that makes a scratch table of a query, in place of an older one.

    The query may read the older one.
    """
    return query("CREATE OR REPLACE TEMP TABLE {t} AS {rows}", t=table, rows=rows)


def scratch(table: str, columns: Sequence[tuple[str, str]], *, is_kept: bool = False) -> Statement:
    """Return the statement that makes an empty scratch table with columns (name, SQL type).

    One that is there is replaced, or kept with its rows.
    """
    tree = fill(_KEPT if is_kept else _NEW, t=table)
    tree.this.set("expressions", [definition(name, type) for name, type in columns])
    return Statement(tree)
