"""Local days, for reports."""

from sqlglot import exp

from cij.compiler.sql.condition import column, to_local
from cij.compiler.sql.template import fill


def local_day(row: str, at: str) -> exp.Expr:
    """Return the date of an instant of a row in the zone that the parameter `zone` names."""
    return fill("CAST({local} AS DATE)", local=to_local(column(row, at), fill("$zone")))
