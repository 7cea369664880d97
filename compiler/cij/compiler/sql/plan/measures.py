"""Measures as queries, for people to read and run."""

from cij.compiler import program as pg
from cij.compiler.sql.condition import value
from cij.compiler.sql.scope import Catalog, Scope
from cij.compiler.sql.template import Statement, query


def measure_query(measure: pg.Measure, program: pg.Program) -> Statement:
    """Return the query of a measure.

    Shape: columns `id` and `value`, one row for each customer; `value` is null where it is unknown.
    Parameter: `now`.
    """
    scope = Scope(Catalog.of(program), customer="c")
    return query(
        "SELECT c.id, {value} AS value FROM customer AS c", value=value(measure.value, scope)
    )
