"""Values as templates and the receivers of actions know them."""

from collections.abc import Callable

from sqlglot import exp

from cij.compiler import expression as ex
from cij.compiler.sql.columns import SQL_TYPES
from cij.compiler.sql.condition import Scope, storable, to_local, zone_of
from cij.compiler.sql.plan.context import text
from cij.compiler.sql.template import fill
from cij.compiler.types import LIST_SIGN


def shown(node: ex.Expression, scope: Scope) -> exp.Expr:
    """Return the value as a template knows it: exact numbers, two places for money, local times."""
    tree = storable(node, node.type, scope)
    if node.type.kind == "datetime":
        return _as_text(to_local(tree, zone_of(scope)))
    show = _SHOWN.get(node.type.kind)
    return show(tree) if show else tree


# Numbers are numbers in the JSON too, so templates can compare them. Their scale says how one is
# printed: two places are an amount and stay, more are any number and its last zeros go.
def _decimal(tree: exp.Expr) -> exp.Expr:
    return fill(f"CAST({{a}} AS {SQL_TYPES['decimal']})", a=tree)


def _money(tree: exp.Expr) -> exp.Expr:
    return fill("CAST({a} AS DECIMAL(38, 2))", a=tree)


def _list(tree: exp.Expr) -> exp.Expr:
    sign = text(LIST_SIGN)
    return fill(
        "CASE WHEN {a} = {sign} THEN CAST([] AS TEXT[]) "
        "ELSE STRING_SPLIT(TRIM({a}, {sign}), {sign}) END",
        a=tree,
        sign=sign,
    )


def _as_text(tree: exp.Expr) -> exp.Expr:
    return fill("CAST({a} AS TEXT)", a=tree)


_SHOWN: dict[str, Callable[[exp.Expr], exp.Expr]] = {
    "decimal": _decimal,
    "percent": lambda a: _decimal(fill("{a} * 100", a=a)),
    "money": _money,
    "list": _list,
    "date": _as_text,
    "time": _as_text,
}
