"""Local days, for reports."""

from sqlglot import exp

from cij.compiler.sql.condition import column, to_local
from cij.compiler.sql.template import fill


def local_day(row: str, at: str) -> exp.Expr:
    """Return the local date of the instant in column `at` of `row`.

    Parameter: `zone`, a zone name.
    """
    return fill("CAST({local} AS DATE)", local=to_local(column(row, at), fill("$zone")))
