"""The statements behind expectations that have a condition: over one row, or over one customer."""

from collections.abc import Iterator

from sqlglot import exp

from cij.compiler import expression as ex, program as pg
from cij.compiler.sql import moments
from cij.compiler.sql.columns import SQL_TYPES, literal, named, select
from cij.compiler.sql.condition import Scope, condition, value
from cij.compiler.sql.scope import Catalog
from cij.compiler.sql.template import Statement, fill, query
from cij.compiler.unparse import words
from cij.compiler.walk import walk

_ROW = "m"


def holds_for_row(where: ex.Expression, fields: pg.Event, zone: str) -> Statement:
    """Return the query that has a row where the condition holds.

    Parameters: `now`, `at` (when it was sent), and `value_N` for the N-th field. Times without a zone
    are of `zone`.
    """
    values = [
        named(fill(f"CAST({{a}} AS {SQL_TYPES[f.type.kind]})", a=parameter(n)), f.name)
        for n, f in enumerate(fields.fields)
    ]
    at = fill("CAST($at AS TIMESTAMP)")
    rows = select([*values, named(at, "at"), named(literal(zone), "zone")], "SELECT 1")
    scope = Scope(customer=_ROW, event=_ROW)
    return query("SELECT 1 FROM {rows} AS m WHERE {test}", rows=rows, test=condition(where, scope))


def parameter(place: int) -> exp.Expr:
    """Return the parameter with the value of a field."""
    return exp.Placeholder(this=f"value_{place}")


def holds_for_customer(test: ex.Expression, program: pg.Program) -> Statement:
    """Return the query that has a row where the condition holds. Parameters: `now`, `customer`."""
    scope = Scope(Catalog.of(program), customer="c")
    text = "SELECT 1 FROM customer AS c WHERE c.id = $customer AND {test}"
    return query(text, test=condition(test, scope))


def read_of_customer(node: ex.Expression, program: pg.Program) -> Statement:
    """Return the query of one value of a customer, as text. Parameters as above."""
    scope = Scope(Catalog.of(program), customer="c")
    text = "SELECT CAST({x} AS VARCHAR) FROM customer AS c WHERE c.id = $customer"
    return query(text, x=value(node, scope))


def values_read(test: ex.Expression) -> Iterator[tuple[str, ex.Expression]]:
    """Yield what a condition reads of a customer, in the words of the language, each once."""
    inside = {id(p) for a in walk(test) if isinstance(a, ex.Aggregate) for p in walk(a)} - {
        id(a) for a in walk(test) if isinstance(a, ex.Aggregate)
    }
    found: dict[str, ex.Expression] = {}
    for part in walk(test):
        if isinstance(part, _READ) and id(part) not in inside:
            found.setdefault(words(part), part)
    yield from found.items()


_READ = (ex.Field, ex.MeasureValue, ex.Aggregate, ex.Consent)


def calendar_steps(test: ex.Expression) -> list[moments.Moment]:
    """Return the calendar steps that a condition reads, such as that of `within last 90 days`."""
    periods = [p.period for p in walk(test) if isinstance(p, ex.Last)]
    return [moments.of_period(p, sign=-1) for p in periods if not moments.is_elapsed(p)]
