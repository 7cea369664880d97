"""Queries of exports: their rows, and what changed in them since the last run."""

from sqlglot import exp

from cij.compiler.program import Export, Program
from cij.compiler.sql.columns import column, named, select
from cij.compiler.sql.condition import value
from cij.compiler.sql.figures_of_measure import PERCENTILES, figures
from cij.compiler.sql.making import make
from cij.compiler.sql.plan.segments import is_member
from cij.compiler.sql.scope import Catalog, Scope
from cij.compiler.sql.template import Statement, fill, query

_SCRATCH = "tick_export"
_RANKS = tuple(f"p{share.removeprefix('0.').ljust(2, '0')}" for share in PERCENTILES)
_FIGURES = ("customers", "known", "different", "sum", "smallest", *_RANKS, "largest")


def column_names(export: Export) -> list[str]:
    """Return the names of the columns in the file, in order."""
    if export.by is not None:
        # A field may be called as one of the figures, and a file has each name once.
        return [export.by if export.by not in _FIGURES else f"by_{export.by}", *_FIGURES]
    own = ["change", "id"] if export.rows == "changes" else ["id"]
    return [*own, *(f"field_{name}" if name.casefold() in own else name for name in export.fields)]


def whole(export: Export, program: Program) -> Statement:
    """Return the query for all rows, in order of the first column. Parameter: `now`."""
    if export.measure is not None:
        measure = next(m for m in program.measures if m.name == export.measure)
        within = next((s for s in program.segments if s.name == export.segment), None)
        return figures(measure, program, export.by, within)
    picks: list[exp.Expr] = [column("m", name) for name in ("id", *_values(export))]
    return Statement(
        select(picks, "SELECT 1 FROM {rows} AS m ORDER BY m.id", rows=_members(export, program))
    )


def count_whole(export: Export, program: Program) -> Statement:
    """Return the query for the number of rows. Shape: one row with a number. Parameter: `now`."""
    return query("SELECT COUNT(*) FROM {rows} AS r", rows=whole(export, program).tree)


def _values(export: Export) -> list[str]:
    return [f"v{n}" for n in range(len(export.fields))]


def _members(export: Export, program: Program) -> exp.Expr:
    """Return the query for the members. Shape: `id`, v0, v1, ...; null where a value is unknown."""
    segment = next(s for s in program.segments if s.name == export.segment)
    measures = {m.name: m.value for m in program.measures}
    scope = Scope(Catalog.of(program), customer="c")
    columns = [column("c", "id")]
    for name, alias in zip(export.fields, _values(export), strict=True):
        tree = value(measures[name], scope) if name in measures else column("c", name)
        columns.append(named(tree, alias))
    test = is_member(segment, program)
    return select(columns, "SELECT 1 FROM customer AS c WHERE {test}", test=test)


# --- changes ----------------------------------------------------------------------------------


def make_rows(export: Export, program: Program) -> Statement:
    """Return the statement that makes the scratch table of all rows with the hash of each. Parameter:
    `now`."""
    return make(_SCRATCH, _hashed(export, program))


def _hashed(export: Export, program: Program) -> exp.Expr:
    picks: list[exp.Expr] = [column("m", name) for name in ("id", *_values(export))]
    # The length says where a text ends, and a missing value has none.
    texts = [fill("CAST({v} AS VARCHAR)", v=column("m", name)) for name in _values(export)]
    parts = [fill("CONCAT(LENGTH({t}), ':', {t})", t=text) for text in texts]
    whole = fill(
        "MD5({text})", text=exp.func("CONCAT", exp.Literal.string("1:"), *parts, dialect="duckdb")
    )
    rows = _members(export, program)
    return select([*picks, named(whole, "digest")], "SELECT 1 FROM {rows} AS m", rows=rows)


def changes(export: Export) -> Statement:
    """Return the query for the rows of the scratch table that are new, gone or different.

    Shape: `change` (added, changed or removed), `id`, then values, null for rows that are gone. By id.
    Parameter: `export`.
    """
    return _changes(export, fill(f"SELECT t.* FROM {_SCRATCH} AS t"))


def count_changes(export: Export, program: Program) -> Statement:
    """Return the query for how many rows changed, without the scratch table.

    Shape: one row with a number. Parameters: `export`, `now`.
    """
    rows = _changes(export, _hashed(export, program)).tree
    return query("SELECT COUNT(*) FROM {rows} AS r", rows=rows)


def _changes(export: Export, rows: exp.Expr) -> Statement:
    change = fill(
        "CASE WHEN k.customer IS NULL THEN 'added' WHEN n.id IS NULL THEN 'removed' ELSE 'changed' END"
    )
    picks = [named(change, "change"), named(fill("COALESCE(n.id, k.customer)"), "id")]
    picks += [column("n", name) for name in _values(export)]
    found = select(picks, _CHANGED, rows=rows)
    return query("SELECT r.* FROM {found} AS r ORDER BY r.id", found=found)


_CHANGED = """
SELECT 1 FROM {rows} AS n
FULL JOIN (SELECT e.customer, e.digest FROM exported_row AS e WHERE e.export = $export) AS k
  ON k.customer = n.id
WHERE k.customer IS NULL OR n.id IS NULL OR k.digest IS DISTINCT FROM n.digest
"""
# Most rows are as they were, so only the others are written.
FORGET_ROWS = query(
    "DELETE FROM exported_row WHERE exported_row.export = $export AND NOT EXISTS(SELECT 1 FROM "
    f"{_SCRATCH} AS t WHERE t.id = exported_row.customer AND t.digest = exported_row.digest)"
)
KEEP_ROWS = query(
    "INSERT INTO exported_row (export, customer, digest) SELECT $export, t.id, t.digest FROM "
    f"{_SCRATCH} AS t WHERE NOT EXISTS(SELECT 1 FROM exported_row AS e WHERE e.export = $export "
    "AND e.customer = t.id)"
)
DROP_ROWS = query(f"DROP TABLE IF EXISTS {_SCRATCH}")
