"""The columns of a source and their types, found in its rows."""

from pathlib import Path

from cij.compiler.program import Source, SourceColumn
from cij.compiler.source_kinds import texts
from cij.compiler.sql.sniff import KINDS as CANDIDATES, sniff
from cij.compiler.types import NAMED, TEXT
from cij.runtime.sources import KINDS
from cij.runtime.sources.loader import Loader
from cij.runtime.sources.reader import ColumnName, failure, with_environment


def sniff_columns(loader: Loader, source: Source, root: Path) -> tuple[SourceColumn, ...]:
    """Return the columns of a source that declares none, by all its rows. Raises DataError."""
    source = with_environment(source)
    names = [c for c in KINDS[source.kind].names(source, root) if c.name.strip()]
    twice = [c.name for n, c in enumerate(names) if c.name in {x.name for x in names[:n]}]
    if twice:
        raise failure(source, f'it has two columns "{twice[0]}"')
    columns = tuple(SourceColumn(name=c.name, type=TEXT) for c in names)
    loader.stage(source.model_copy(update={"columns": columns}), root)
    [row] = loader.engine.rows(sniff(len(columns), texts(source.settings.get("null"))))
    loader.clear()
    width = 1 + len(CANDIDATES)
    counts = [row[1 + i * width :][:width] for i in range(len(columns))]
    return tuple(_column(c, known) for c, known in zip(names, counts, strict=True))


def _column(column: ColumnName, counts: tuple[int, ...]) -> SourceColumn:
    known, *fitting = counts
    fits = {kind for kind, n in zip(CANDIDATES, fitting, strict=True) if n == known and known}
    return SourceColumn(name=column.name, type=NAMED[narrowest(column.declared, fits)])


def narrowest(declared: str | None, fits: set[str]) -> str:
    """Return the narrowest type that fits, within what the database says of the column."""
    wanted = CANDIDATES if declared is None else _declared_kinds(declared.upper())
    if declared is not None and "BOOL" in declared.upper() and "integer" in fits:
        return "boolean"
    return next((kind for kind in wanted if kind in fits), "text")


# SQLite has no types for dates: they are text, or whatever somebody has called them.
_DECLARED = (
    ("BOOL", ("boolean",)),
    ("INT", ("integer",)),
    ("DATE", ("date", "datetime")),
    ("TIME", ("datetime",)),
    ("REAL", ("decimal",)),
    ("FLOA", ("decimal",)),
    ("DOUB", ("decimal",)),
    ("DEC", ("decimal",)),
    ("NUM", ("integer", "decimal")),
)


def _declared_kinds(declared: str) -> tuple[str, ...]:
    return next((kinds for word, kinds in _DECLARED if word in declared), ("date", "datetime"))
