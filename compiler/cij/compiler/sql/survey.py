"""Statistics of the good rows of a source by column, for the catalog.

They read `parsed` of `load`.
"""

from sqlglot import exp

from cij.compiler.program import Source, SourceColumn
from cij.compiler.sql.columns import column, select
from cij.compiler.sql.template import Statement, fill, query

# `survey` has the number of rows, then so many values for each column.
WIDTH = 4
_RANGED = ("integer", "decimal", "money", "percent", "date", "datetime")


def survey(source: Source) -> Statement:
    """Return the query for the statistics of all columns.

    Shape: one row, with the number of rows; then for each column the number of known values, the
    smallest and the largest as text, and the number of different texts. Values that do not apply
    are null.
    """
    counts: list[exp.Expr] = [fill("COUNT(*)")]
    for c in source.columns:
        counts += _of_column(c)
    return Statement(select(counts, 'SELECT 1 FROM parsed AS p WHERE p."#reason" IS NULL'))


def _of_column(c: SourceColumn) -> list[exp.Expr]:
    value = column("p", c.name)
    is_ranged, is_text = c.type.kind in _RANGED, c.type.kind == "text"
    ends = [_text(f, value) if is_ranged else exp.null() for f in ("MIN", "MAX")]
    texts = fill("COUNT(DISTINCT {v})", v=value) if is_text else exp.null()
    return [fill("COUNT({v})", v=value), *ends, texts]


def _text(function: str, value: exp.Expr) -> exp.Expr:
    return fill(f"CAST({function}({{v}}) AS VARCHAR)", v=value)


def values(name: str) -> Statement:
    """Return the query for the different values of a column, in order."""
    return query(
        'SELECT DISTINCT {v} AS value FROM parsed AS p WHERE p."#reason" IS NULL '
        "AND NOT {v} IS NULL ORDER BY value",
        v=column("p", name),
    )
