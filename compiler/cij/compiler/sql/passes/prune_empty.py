"""Prunes statements by empty tables: the result of a subquery over a table without rows is known.

    x IN (SELECT l.customer FROM suppression AS l)      FALSE
    EXISTS(SELECT 1 FROM event_opened AS e WHERE ...)   FALSE
    INSERT INTO tick_ready SELECT ... JOIN event_opened nothing to do

Many tables of a store have no rows yet, and the engine plans each use of them in every statement.
"""

from collections.abc import Iterable
from functools import lru_cache

from sqlglot import exp

from cij.compiler.sql.passes.facts import Facts
from cij.compiler.sql.template import Statement

# These tables have no rows in many stores, so the test is worth its cost.
_OFTEN_EMPTY = frozenset({"absent", "ahead_event", "journey_control", "suppression"})
_EVENTS = "event_"


def prune_empty(statement: Statement, facts: Facts) -> Statement | None:
    """Return a statement with the same effect while its tables are empty; None where it has
    none."""
    asked = (table for table in asked_of(statement) if is_often_empty(table))
    return without(statement, frozenset(filter(facts.is_empty, asked)))


def is_often_empty(table: str) -> bool:
    """Tell whether a table is so often empty that the test is worth its cost."""
    return table in _OFTEN_EMPTY or table.startswith(_EVENTS)


@lru_cache(maxsize=4096)
def asked_of(statement: Statement) -> frozenset[str]:
    """Return the names of the tables by which a statement can be pruned, if they have no rows."""
    tree = statement.tree
    asking = [node.args["query"] for node in tree.find_all(exp.In) if node.args.get("query")]
    asking += [node.this for node in tree.find_all(exp.Exists)]
    if isinstance(tree, exp.Insert):
        asking.append(tree.expression)
    tables = (table for node in asking for table in node.find_all(exp.Table))
    return frozenset(table.name for table in tables)


def without(statement: Statement, empty: frozenset[str]) -> Statement | None:
    """Return a statement with the same effect while the tables `empty` have no rows.

    None where the statement has no effect then.
    """
    if not empty:
        return statement
    return statement.variant(("without", empty), lambda tree: _without(tree, empty))


def _without(tree: exp.Expr, empty: frozenset[str]) -> exp.Expr | None:
    if isinstance(tree, exp.Insert) and _has_no_rows(tree.expression, empty):
        return None
    return tree.transform(_known, empty)


def _known(node: exp.Expr, empty: frozenset[str]) -> exp.Expr:
    asked = node.args.get("query") if isinstance(node, exp.In) else None
    if isinstance(node, exp.Exists):
        asked = node.this
    return exp.false() if asked is not None and _has_no_rows(asked, empty) else node


def _has_no_rows(tree: exp.Expr, empty: frozenset[str]) -> bool:
    """Tell whether a query has no rows because its tables have none, whatever its
    conditions say."""
    if isinstance(tree, exp.Subquery):
        return _has_no_rows(tree.this, empty)
    if isinstance(tree, exp.Table):
        return isinstance(tree.this, exp.Identifier) and tree.name in empty
    if isinstance(tree, exp.Union):
        return _has_no_rows(tree.this, empty) and _has_no_rows(tree.expression, empty)
    if not isinstance(tree, exp.Select) or _makes_a_row_of_none(tree):
        return False
    return any(_has_no_rows(table, empty) for table in _needed(tree))


def _needed(select: exp.Select) -> Iterable[exp.Expr]:
    """Yield the tables from which each row of the query needs a row."""
    joins = select.args.get("joins") or []
    source = select.args.get("from_")
    if source is None or any(join.side in ("RIGHT", "FULL") for join in joins):
        return
    yield source.this
    yield from (join.this for join in joins if not join.side and join.kind != "ANTI")


def _makes_a_row_of_none(select: exp.Select) -> bool:
    """Tell whether a query aggregates all rows into one, which gives one row also for no rows."""
    if select.args.get("group"):
        return False
    return any(
        node.find_ancestor(exp.Select) is select and not node.find_ancestor(exp.Window)
        for node in select.find_all(exp.AggFunc)
    )
