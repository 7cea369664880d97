"""Joins with rows of which nothing is asked but what other rows say as well.

    SELECT e.seq, p.id FROM tick_event AS f JOIN event_x AS e ON e.seq = f.seq JOIN passage_row AS p ...
    SELECT f.seq, p.id FROM tick_event AS f JOIN passage_row AS p ...

Leaving one out must neither leave out nor add anybody: the caller knows that each has his row.
"""

from collections.abc import Iterator, Mapping

from sqlglot import exp


def spare(select: exp.Select, row: str, said: Mapping[str, exp.Expr]) -> bool:
    """Leave out the inner join with `row`, if all that is asked of it are columns in `said`, which
    has what says the same. Tells whether it did."""
    joins = select.args.get("joins") or []
    mine = [join for join in joins if join.this.alias == row and not join.side]
    if len(mine) != 1:
        return False
    place = joins.index(mine[0])
    mine[0].pop()
    asked = list(_columns_of(row, select))
    is_spared = all(column.name in said for column in asked)
    for column in asked if is_spared else ():
        column.replace(said[column.name].copy())
    if not is_spared:
        joins.insert(place, mine[0])
        select.set("joins", joins)
    return is_spared


def _columns_of(row: str, tree: exp.Expr) -> Iterator[exp.Column]:
    """Yield the columns of a row, without those of another of the same name in a query inside."""
    for child in tree.iter_expressions():
        if isinstance(child, exp.Column) and child.table == row:
            yield child
        elif not (isinstance(child, exp.Select) and _has_row(row, child)):
            yield from _columns_of(row, child)


def _has_row(row: str, select: exp.Select) -> bool:
    sources = [select.args.get("from_"), *(select.args.get("joins") or [])]
    return any(source.this.alias == row for source in sources if source is not None)
