"""`do`: one row of the outbox for each passage that calls another system."""

from collections.abc import Callable

from sqlglot import exp

from cij.compiler import expression as ex, program as pg
from cij.compiler.sql.condition import value
from cij.compiler.sql.plan.context import text
from cij.compiler.sql.plan.effects.site import Site
from cij.compiler.sql.scope import Scope
from cij.compiler.sql.template import Statement, fill
from cij.compiler.types import LIST_SIGN, Type

_DO = """
INSERT INTO outbox_row (effect, passage, turn, customer, parameters, created_at, outcome, reason)
SELECT {effect}, m.passage, {turn}, m.customer, {parameters}, $now,
  CASE WHEN m.is_held_out THEN 'withheld' ELSE 'queued' END,
  CASE WHEN m.is_held_out THEN 'in the holdout group' END
FROM tick_batch AS m JOIN customer AS c ON c.id = m.customer
WHERE {leaves}
"""


def do(site: Site) -> list[Statement]:
    """Return the statement that queues the call of an action for all passages that visit the step.

    A call is not a message, so it needs no consent and has no caps.
    """
    effect, context = site.state.effect, site.context
    assert isinstance(effect, pg.DoEffect)
    action = context.action(effect.action)
    tree = fill(
        _DO,
        effect=site.effect,
        turn=site.turn,
        parameters=_parameters(effect, action, site.scope),
        leaves=site.comes_by,
    )
    rows = tree.find(exp.Select)
    assert rows is not None
    context.with_triggers(site.with_effect(rows, "m"), "m", *effect.parameters.values())
    return [Statement(tree)]


def _parameters(effect: pg.DoEffect, action: pg.Action, scope: Scope) -> exp.Expr:
    if not action.parameters:
        return text("{}")
    values = [(p, effect.parameters.get(p.name)) for p in action.parameters]
    pairs = [
        exp.JSONKeyValue(this=text(p.name), expression=_json(node, p.type, scope))
        for p, node in values
    ]
    return fill("CAST({object} AS TEXT)", object=exp.JSONObject(expressions=pairs))


# --- values as JSON ---------------------------------------------------------------------------


def _json(node: ex.Expression | None, type: Type, scope: Scope) -> exp.Expr:
    """Return the value as JSON without loss. A type that JSON does not have becomes text."""
    match node:
        case None:
            return exp.null()
        case ex.Period():
            return text(_iso(node))
        case ex.Coalesce(value=first, default=default) if type.kind == "duration":
            a, b = _json(first, type, scope), _json(default, type, scope)
            return fill("COALESCE({a}, {b})", a=a, b=b)
    tree = value(node, scope)
    if type.kind == "money":
        return _money(tree, type.currency or "")
    if type.item is not None:
        return _list(tree, type.item)
    shape = _SHAPES.get(type.kind)
    return shape(tree) if shape else tree


def _iso(period: ex.Period) -> str:
    """Return a duration by ISO 8601 in the units of the text, since a month is no number of days
    (S2)."""
    if period.rest is None:
        return f"P{_iso_part(period.count, period.unit)}"
    # ISO 8601 has no weeks beside other units.
    days = [(n * 7, "day") if unit == "week" else (n, unit) for n, unit in period.lengths]
    first, second = (_iso_part(n, unit) for n, unit in days)
    return f"P{first}{second}"


def _iso_part(count: int, unit: str) -> str:
    sign = "T" if unit in ex.ELAPSED_S else ""
    return f"{sign}{count}{unit[0].upper()}"


def _plain(tree: exp.Expr) -> exp.Expr:
    # Text, because readers of JSON often parse numbers as binary floats and lose digits.
    digits = fill("CAST(CAST({a} AS DECIMAL(38, 6)) AS TEXT)", a=tree)
    # The scale guarantees a decimal point, so only zeros after it are removed.
    return fill("RTRIM(RTRIM({a}, '0'), '.')", a=digits)


def _money(tree: exp.Expr, currency: str) -> exp.Expr:
    amount = exp.JSONKeyValue(this=text("amount"), expression=_plain(tree))
    unit = exp.JSONKeyValue(this=text("currency"), expression=text(currency))
    return fill(
        "CASE WHEN NOT {a} IS NULL THEN {object} END",
        a=tree,
        object=exp.JSONObject(expressions=[amount, unit]),
    )


def _list(tree: exp.Expr, item: Type) -> exp.Expr:
    # A list is text with a sign around each item, so splitting gives empty items at both ends.
    items = fill(
        "LIST_FILTER(STRING_SPLIT({a}, {sign}), x -> x <> '')", a=tree, sign=text(LIST_SIGN)
    )
    return fill("CAST({items} AS BIGINT[])", items=items) if item.kind == "integer" else items


def _text(tree: exp.Expr) -> exp.Expr:
    return fill("CAST({a} AS TEXT)", a=tree)


_SHAPES: dict[str, Callable[[exp.Expr], exp.Expr]] = {
    "decimal": _plain,
    "percent": _plain,
    "date": _text,
    "time": _text,
    # Instants of the store are UTC without a zone, so the `Z` is always correct.
    "datetime": lambda a: fill("REPLACE(CAST({a} AS TEXT), ' ', 'T') || 'Z'", a=a),
    "duration": lambda a: fill("'PT' || {a} || 'S'", a=_plain(a)),
}
