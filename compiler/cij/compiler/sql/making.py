"""Tables made from queries: scratch tables, and tables of the store that are rebuilt.

Not every database has `CREATE OR REPLACE TABLE ... AS`. Only this module writes it, so an engine
without it has one form to replace. A query may read the table that it replaces.
"""

from collections.abc import Sequence

from sqlglot import exp

from cij.compiler.sql.columns import definition
from cij.compiler.sql.template import Statement, fill, query

_NEW = "CREATE OR REPLACE TEMP TABLE {t} (x BIGINT)"
_KEPT = "CREATE TEMP TABLE IF NOT EXISTS {t} (x BIGINT)"


def make(table: str, rows: exp.Expr | str) -> Statement:
    """Return the statement that makes a scratch table from a query and replaces an older one.

    Only later statements of the same transaction may read it.
    """
    tree = fill(rows) if isinstance(rows, str) else rows
    return query("CREATE OR REPLACE TEMP TABLE {t} AS {rows}", t=table, rows=tree)


def scratch(table: str, columns: Sequence[tuple[str, str]], *, is_kept: bool = False) -> Statement:
    """Return the statement that makes an empty scratch table with columns (name, SQL type).

    An existing table is replaced; with `is_kept` it stays, with its rows.
    """
    tree = fill(_KEPT if is_kept else _NEW, t=table)
    tree.this.set("expressions", [definition(name, type) for name, type in columns])
    return Statement(tree)


def rebuild(table: str, rows: exp.Expr | str) -> Statement:
    """Return the statement that replaces a table of the store by the rows of a query."""
    tree = fill(rows) if isinstance(rows, str) else rows
    return query("CREATE OR REPLACE TABLE {t} AS {rows}", t=table, rows=tree)
