"""Join elimination: drop an inner join whose columns another row already has.

    SELECT e.seq, p.id FROM tick_event AS f JOIN event_x AS e ON e.seq = f.seq JOIN passage_row AS p ...
    SELECT f.seq, p.id FROM tick_event AS f JOIN passage_row AS p ...

The plan and other passes use it. The caller guarantees that each row has exactly one partner, so
that the join neither drops nor repeats rows. That is a fact of the schema and cannot be seen in the
statement.
"""

from collections.abc import Iterator, Mapping

from sqlglot import exp


def eliminate_join(select: exp.Select, row: str, known: Mapping[str, exp.Expr]) -> bool:
    """Drop the inner join with `row` if all columns that are read from it are in `known`.

    `known` has the expression that replaces each column. Return whether the join was dropped.
    """
    joins = select.args.get("joins") or []
    mine = [join for join in joins if join.this.alias == row and not join.side]
    if len(mine) != 1:
        return False
    place = joins.index(mine[0])
    # The join is removed first, because its own condition reads columns of the row too.
    mine[0].pop()
    asked = list(_columns_of(row, select))
    is_known = all(column.name in known for column in asked)
    for column in asked if is_known else ():
        column.replace(known[column.name].copy())
    if not is_known:
        joins.insert(place, mine[0])
        select.set("joins", joins)
    return is_known


def _columns_of(row: str, tree: exp.Expr) -> Iterator[exp.Column]:
    """Yield the columns of a row, without those of another row of the same name in a subquery."""
    for child in tree.iter_expressions():
        if isinstance(child, exp.Column) and child.table == row:
            yield child
        elif not (isinstance(child, exp.Select) and _has_row(row, child)):
            yield from _columns_of(row, child)


def _has_row(row: str, select: exp.Select) -> bool:
    sources = [select.args.get("from_"), *(select.args.get("joins") or [])]
    return any(source.this.alias == row for source in sources if source is not None)
