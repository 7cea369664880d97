"""What the columns of a source hold: for the catalog, which is committed and made the same again."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from cij.compiler.column_statistics import ColumnStatistics
from cij.compiler.program import Source, SourceColumn
from cij.compiler.sql import survey as queries
from cij.runtime import zones
from cij.runtime.engine import Engine
from cij.runtime.sources.loader import Loader
from cij.runtime.sources.reader import with_environment
from cij.runtime.sources.sniff import sniff_columns

_SHARE_DIGITS = 4
# An enum is small, its values come again and again, and each is a word rather than a sentence.
_VALUES_MAX = 20
_ROWS_PER_VALUE = 2
_VALUE_LENGTH_MAX = 64


def survey_columns(
    loader: Loader,
    source: Source,
    root: Path,
    is_personal: Callable[[str], bool],
    may_show: Callable[[str], bool] = lambda column: True,
) -> dict[str, ColumnStatistics]:
    """Read all rows of a source and return what each column holds. Raises DataError.

    A source without columns has those of its file, with the narrowest types that fit. Of the key, of personal
    columns and of those that it may not show no value is returned. Rows that would go to quarantine do not count.
    """
    source = with_environment(source)
    if not source.columns:
        source = source.model_copy(update={"columns": sniff_columns(loader, source, root)})
    zones.require(source.timezone, f"source {source.name}")
    loader.stage(source, root)
    loader.parse(source)
    [row] = loader.engine.rows(queries.survey(source))
    found = {}
    for i, column in enumerate(source.columns):
        counts = row[1 + i * queries.WIDTH :][: queries.WIDTH]
        name = column.name
        if is_personal(name) or name == source.key or not may_show(name):
            share = _share(row[0], counts)
            found[column.name] = ColumnStatistics(
                str(column.type), share, is_personal=is_personal(column.name)
            )
        else:
            found[column.name] = _seen(loader.engine, column, row[0], counts)
    loader.clear()
    return found


def _seen(
    engine: Engine, column: SourceColumn, rows: int, counts: Sequence[Any]
) -> ColumnStatistics:
    known, low, high, texts = counts
    is_open = column.type.kind == "text" and column.type.values is None
    values = _values(engine, column.name) if is_open and _may_be_enum(known, texts) else ()
    return ColumnStatistics(
        str(column.type), _share(rows, counts), _plain(low), _plain(high), values
    )


def _share(rows: int, counts: Sequence[Any]) -> float:
    return round((rows - counts[0]) / rows if rows else 1.0, _SHARE_DIGITS)


def _may_be_enum(known: int, texts: int) -> bool:
    return 0 < texts <= _VALUES_MAX and known >= texts * _ROWS_PER_VALUE


def _values(engine: Engine, name: str) -> tuple[str, ...]:
    found = sorted(value for (value,) in engine.rows(queries.values(name)))
    return tuple(found) if all(len(v) <= _VALUE_LENGTH_MAX for v in found) else ()


def _plain(end: str | None) -> str | None:
    """Return a number without useless zeros, and anything else as it is."""
    is_decimal = end is not None and "." in end and ":" not in end
    return f"{Decimal(end).normalize():f}" if is_decimal and end else end
