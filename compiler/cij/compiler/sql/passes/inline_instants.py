"""Binds the calendar instants of few zones as parameters, instead of lookups in the table `moment`.

    (SELECT moment.at FROM moment
      WHERE moment.zone = c.zone AND moment.name = '-30 days' AND moment.as_of = $now)
    CASE c.zone WHEN 'Europe/Madrid' THEN $moment_now_0__30_days END

Without it the engine plans the lookup in every statement. Where all customers are in one zone, the
CASE is dropped too, and no column of the customer is read.
"""

import re

from sqlglot import exp

from cij.compiler.sql.moments import MOMENT
from cij.compiler.sql.passes.facts import Facts
from cij.compiler.sql.template import Statement

_PARAMETER = "moment_"


def inline_instants(statement: Statement, facts: Facts) -> Statement:
    """Return the statement with a parameter instead of each lookup, where the zones are known.

    The instants of other zones are null, as they are in the table.
    """
    if facts.zones is None or MOMENT not in statement.tables or statement.writes == MOMENT:
        return statement
    zones, is_one_zone = facts.zones, facts.is_one_zone
    key = ("inline_instants", zones, is_one_zone)
    found = statement.variant(key, lambda tree: tree.transform(_bound, zones, is_one_zone))
    assert found is not None, "the rewritten statement does what the statement does"
    return found


def parameter(as_of: str, zone: int, name: str) -> str:
    """Return the name of the parameter for an instant in a zone, given by its place in the list.

    `as_of` is the parameter from which the instant counts: `now` or `as_of`.
    """
    return f"{_PARAMETER}{as_of}_{zone}_" + re.sub(r"\W", "_", name)


def is_instant(parameter: str) -> bool:
    """Tell whether a parameter is a calendar instant.

    One without a value is null, as in the table.
    """
    return parameter.startswith(_PARAMETER)


def _bound(node: exp.Expr, zones: tuple[str, ...], is_one_zone: bool) -> exp.Expr:
    if not (isinstance(node, exp.Subquery) and _is_lookup(node.this)):
        return node
    asked = {test.left.name: test.right for test in node.this.find_all(exp.EQ)}
    if not isinstance(asked["as_of"], exp.Placeholder):
        # Each row has an instant of its own, so only the table has the answers.
        return node
    as_of = str(asked["as_of"].this)
    if is_one_zone and isinstance(asked["zone"], exp.Column):
        return exp.Placeholder(this=parameter(as_of, 0, asked["name"].name))
    case = exp.Case(this=asked["zone"])
    for n, zone in enumerate(zones):
        value = exp.Placeholder(this=parameter(as_of, n, asked["name"].name))
        case = case.when(exp.Literal.string(zone), value, copy=False)
    return case if zones else exp.null()


def _is_lookup(tree: exp.Expr) -> bool:
    source = tree.args.get("from_")
    return source is not None and isinstance(source.this, exp.Table) and source.this.name == MOMENT
