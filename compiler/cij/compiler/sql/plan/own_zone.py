"""A journey's own time zone, for customers who have none (S4).

The column `zone` of a customer has the project's zone where his own is not known. The statements of
a journey with a zone read instead what this module makes of the column.
"""

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from sqlglot import exp

from cij.compiler import program as pg
from cij.compiler.sql.columns import column, literal
from cij.compiler.sql.template import Statement, fill

_Plan = TypeVar("_Plan")


def in_own_zone(plan: _Plan, journey: pg.Journey, program: pg.Program) -> _Plan:
    """Return the plan, all statements in it reading the zone as the journey says."""
    if journey.timezone is None:
        return plan
    return cast(_Plan, _rebuilt(plan, _zone(journey.timezone, program)))


def _zone(name: str, program: pg.Program) -> exp.Expr:
    """Return the expression for the zone of the customer `c`; his own is what he says himself."""
    if all(f.name != "timezone" for f in program.profile.fields):
        return literal(name)
    return fill(
        "CASE WHEN {said} = {zone} THEN {zone} ELSE {name} END",
        said=column("c", "timezone"),
        zone=column("c", "zone"),
        name=literal(name),
    )


def _rebuilt(value: Any, zone: exp.Expr) -> Any:
    if isinstance(value, Statement):
        return Statement(_replaced(value.tree, zone))
    if isinstance(value, tuple):
        return tuple(_rebuilt(item, zone) for item in value)
    if isinstance(value, dict):
        return {key: _rebuilt(item, zone) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{f.name: _rebuilt(getattr(value, f.name), zone) for f in fields(value)}
        )
    return value


def _replaced(tree: exp.Expr, zone: exp.Expr) -> exp.Expr:
    # Found first and replaced then: what is put in reads the column itself.
    copy = tree.copy()
    found = [c for c in copy.find_all(exp.Column) if c.name == "zone" and c.table == "c"]
    for node in found:
        is_output = isinstance(node.parent, exp.Select) and node.arg_key == "expressions"
        node.replace(exp.alias_(zone.copy(), "zone", quoted=True) if is_output else zone.copy())
    return copy
