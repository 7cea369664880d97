"""Changes of records as events: a source is compared with its records at the last refresh.

    record_<source>   the records at the last refresh, in the columns of the source
    bad_<source>      keys of rows that are bad now (a scratch table): their new values are unknown
    arriving          as for events from rows, see `intake`

A row that becomes bad keeps its last good record. So it is not reported as deleted, and not as
created when it is good again.
"""

from sqlglot import exp

from cij.compiler.program import Event, Source
from cij.compiler.sql.columns import cast, column, literal, named, select
from cij.compiler.sql.condition import Scope, storable, to_instant, value
from cij.compiler.sql.intake import wanted
from cij.compiler.sql.load import key_column, table_of
from cij.compiler.sql.making import make, rebuild, scratch
from cij.compiler.sql.template import Statement, fill, query


def kept_table(source: str) -> str:
    """Return the name of the table of records at the last refresh."""
    return f"record_{source}"


def bad_table(source: str) -> str:
    """Return the name of the table of keys of bad rows."""
    return f"bad_{source}"


def bad_keys(source: Source) -> Statement:
    """Return the statement that makes an empty table of bad keys and replaces an older one."""
    return scratch(bad_table(source.name), [key_column(source)])


def no_bad_keys(source: Source) -> Statement:
    """Return the statement that makes an empty table of bad keys unless it exists."""
    return scratch(bad_table(source.name), [key_column(source)], is_kept=True)


def no_records(source: Source) -> Statement:
    """Return the statement that makes an empty table of records at the last refresh."""
    rows = fill("SELECT * FROM {t} AS s WHERE FALSE", t=table_of(source.name))
    return rebuild(kept_table(source.name), rows)


def keep(source: Source) -> tuple[Statement, ...]:
    """Return the statements that store the current records for the next refresh and drop the bad
    keys."""
    columns = [column("k", c.name) for c in source.columns]
    lost = select(
        columns,
        "SELECT 1 FROM {kept} AS k WHERE {key} IN (SELECT b.key FROM {bad} AS b) "
        "AND NOT EXISTS(SELECT 1 FROM {t} AS s WHERE {same})",
        kept=kept_table(source.name),
        bad=bad_table(source.name),
        t=table_of(source.name),
        key=column("k", source.key),
        same=fill("{a} = {b}", a=column("s", source.key), b=column("k", source.key)),
    )
    now = select(
        [column("n", c.name) for c in source.columns], "SELECT 1 FROM {t} AS n",
        t=table_of(source.name),
    )  # fmt: skip
    return (
        rebuild(kept_table(source.name), exp.union(now, lost, distinct=False, copy=False)),
        query("DROP TABLE {bad}", bad=bad_table(source.name)),
    )


# --- what changed -----------------------------------------------------------------------------

# `s` is the record that the fields read, `b` the one it is compared with.
_CREATED = """
SELECT 1 FROM {t} AS s
WHERE {wanted} AND NOT EXISTS(SELECT 1 FROM {kept} AS b WHERE {same})
"""
_UPDATED = "SELECT 1 FROM {t} AS s JOIN {kept} AS b ON {same} WHERE ({differs}) AND {wanted}"
_DELETED = """
SELECT 1 FROM {kept} AS s
WHERE {wanted} AND NOT EXISTS(SELECT 1 FROM {t} AS b WHERE {same})
  AND NOT {key} IN (SELECT x.key FROM {bad} AS x)
"""
_TEXTS = {"created": _CREATED, "updated": _UPDATED, "deleted": _DELETED}


def arriving(event: Event, source: Source) -> Statement:
    """Return the statement that makes `arriving` of the changes that an event reports.

    Parameter: `now`, the instant of the refresh. It is part of the id, because a record may change
    many times, and it is the time of the event where the event declares none. `customer` is null
    where the reference identifies no customer.
    """
    assert event.record is not None and event.customer is not None
    key = column("s", source.key)
    columns = [
        named(fill("CONCAT(CAST({k} AS VARCHAR), '@', CAST($now AS VARCHAR))", k=key), "id"),
        named(fill("CAST({c} AS VARCHAR)", c=column("s", event.customer.column)), "reference"),
        named(_at(event, source), "at"),
        *(named(tree, name) for name, tree in _fields(event, source)),
    ]
    holes: dict[str, exp.Expr | str] = {
        "t": table_of(source.name),
        "kept": kept_table(source.name),
        "bad": bad_table(source.name),
        "key": key,
        "same": fill("{a} = {b}", a=key, b=column("b", source.key)),
        "differs": _differs(event.record.columns or tuple(c.name for c in source.columns)),
        "wanted": wanted(event, _scope(source)),
    }
    text = _TEXTS[event.record.on]
    rows = select(columns, text, **{name: hole for name, hole in holes.items() if name in text})
    found = fill(
        "SELECT u.id AS customer, r.* FROM {rows} AS r "
        "LEFT JOIN customer_key AS k ON k.source = {of} AND k.key = r.reference "
        "LEFT JOIN customer AS u ON u.id = k.customer",
        rows=rows,
        of=literal(event.customer.source),
    )
    return make("arriving", found)


def _differs(names: tuple[str, ...]) -> exp.Expr:
    tests = [
        fill("{a} IS DISTINCT FROM {b}", a=column("s", name), b=column("b", name)) for name in names
    ]
    return exp.or_(*tests, copy=False)


def _scope(source: Source) -> Scope:
    return Scope.source("s", source).with_before("b")


def _at(event: Event, source: Source) -> exp.Expr:
    if event.at is None:
        return fill("$now")
    tree = value(event.at, _scope(source))
    if event.at.type.kind != "date":
        return tree
    return to_instant(fill("CAST({a} AS TIMESTAMP)", a=tree), literal(source.timezone))


def _fields(event: Event, source: Source) -> list[tuple[str, exp.Expr]]:
    scope = _scope(source)
    return [
        (f.name, cast(storable(f.value, f.type, scope), f.type))
        for f in event.fields
        if f.value is not None
    ]
