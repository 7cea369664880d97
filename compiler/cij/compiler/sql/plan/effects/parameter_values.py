"""Values in the form in which templates read them."""

from collections.abc import Callable

from sqlglot import exp

from cij.compiler import expression as ex
from cij.compiler.sql.columns import SQL_TYPES
from cij.compiler.sql.condition import Scope, storable, to_local, zone_of
from cij.compiler.sql.plan.context import text
from cij.compiler.sql.template import fill
from cij.compiler.types import LIST_SIGN


def shown(node: ex.Expression, scope: Scope) -> exp.Expr:
    """Return the value for a template.

    Numbers stay exact, money has two places, and an instant is local time of the customer (S4),
    because a template has no zone to convert with.
    """
    tree = storable(node, node.type, scope)
    if node.type.kind == "datetime":
        return _as_text(to_local(tree, zone_of(scope)))
    show = _SHOWN.get(node.type.kind)
    return show(tree) if show else tree


# Numbers stay numbers in the JSON, so that templates can compare them. The scale decides how a
# number is printed: two places are an amount and are kept; more are any number, printed
# without last zeros.
def _decimal(tree: exp.Expr) -> exp.Expr:
    return fill(f"CAST({{a}} AS {SQL_TYPES['decimal']})", a=tree)


def _money(tree: exp.Expr) -> exp.Expr:
    return fill("CAST({a} AS DECIMAL(38, 2))", a=tree)


def _list(tree: exp.Expr) -> exp.Expr:
    sign = text(LIST_SIGN)
    # An empty list is one sign. Splitting it would give one empty item.
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
