"""What a file is and how it is written, found in its first bytes and in its rows: for `cij source sniff`."""

import csv
import gzip
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from cij.compiler.program import Place, Source, SourceColumn
from cij.compiler.sql import sniff as queries
from cij.compiler.types import NAMED, TEXT
from cij.runtime.errors import DataError
from cij.runtime.sources import KINDS
from cij.runtime.sources.loader import Loader
from cij.runtime.sources.reader import files_of, one_of_files, path_of
from cij.runtime.sources.sniff import narrowest

_LOOK_BYTES = 1 << 18
_LOOK_LINES = 200
_DELIMITERS = ",;\t|"
NOWHERE = Place(file="", line=0, column=0)


@dataclass(frozen=True, slots=True)
class FileForm:
    """A source as it may be declared. `doubts` are sentences about what its author has to decide."""

    source: Source
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Written:
    """How a column is written: the counts of `queries.look`; `hiding` are words that hide its type."""

    known: int
    distinct: int
    kinds: tuple[int, ...]
    formats: tuple[int, ...]
    comma: int
    with_comma: int
    grouped: int
    nulls: tuple[int, ...]
    hiding: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The words for a missing value that occur."""
        return tuple(w for w, n in zip(queries.NULL_WORDS, self.nulls, strict=True) if n)

    @property
    def is_typed(self) -> bool:
        return bool(self.fits or self.dates or self.is_comma)

    @property
    def fits(self) -> set[str]:
        pairs = zip(queries.KINDS, self.kinds, strict=True)
        return {kind for kind, n in pairs if n == self.known and self.known}

    @property
    def dates(self) -> list[str]:
        """The formats of dates by which all values can be read."""
        pairs = zip(queries.DATE_FORMATS, self.formats, strict=True)
        return [format for format, n in pairs if n == self.known and self.known]

    @property
    def is_comma(self) -> bool:
        return 0 < self.known == self.comma


@dataclass(slots=True)
class _Findings:
    columns: list[SourceColumn] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    key: str = ""


def form_of(loader: Loader, name: str, path: str, root: Path, table: str | None) -> FileForm:
    """Return the source that reads a file below `root`, or several. Raises DataError."""
    source = Source(
        name=name, kind="csv", settings={"path": path}, key="", columns=(), timezone="UTC", place=NOWHERE
    )  # fmt: skip
    first = path_of(one_of_files(source, files_of(source, root)[0]), root)
    kind, settings = _kind(first, table)
    source = source.model_copy(update={"kind": kind, "settings": {"path": path, **settings}})
    names = KINDS[kind].names(one_of_files(source, files_of(source, root)[0]), root)
    columns = tuple(SourceColumn(name=n.name, type=TEXT) for n in names if n.name.strip())
    if not columns:
        raise DataError(f"{path} has no columns")
    source = source.model_copy(update={"columns": columns})
    loader.stage(source, root)
    found = _judged(source, [n.declared for n in names if n.name.strip()], loader)
    loader.clear()
    settings = {**source.settings, **found.settings}
    changed = {"columns": tuple(found.columns), "settings": settings, "key": found.key}
    return FileForm(source.model_copy(update=changed), tuple(found.doubts))


# --- the kind ---------------------------------------------------------------------------------


def _kind(path: Path, table: str | None) -> tuple[str, dict[str, str]]:
    with path.open("rb") as file:
        start = file.read(_LOOK_BYTES)
    if start.startswith(b"PAR1"):
        return "parquet", {}
    if start.startswith(b"SQLite format 3\0"):
        return "sqlite", {"table": table or _only_table(path)}
    if start.startswith(b"\x1f\x8b"):
        with gzip.open(path) as packed:
            start = packed.read(_LOOK_BYTES)
    text, encoding = _decoded(start)
    settings = {} if encoding == "utf-8" else {"encoding": encoding}
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        return "jsonl", settings
    return "csv", {**settings, **_csv_settings(text)}


def _only_table(path: Path) -> str:
    text = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name"
    with closing(sqlite3.connect(path.resolve().as_uri() + "?mode=ro", uri=True)) as database:
        names = [name for (name,) in database.execute(text)]
    if len(names) == 1:
        return str(names[0])
    raise DataError(f"{path.name} has the tables {', '.join(names)}; choose one with --table")


def _decoded(start: bytes) -> tuple[str, str]:
    """Return the text and its encoding. Any bytes are text in windows-1252, so that comes last."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return start.decode("utf-16", "ignore"), "utf-16"
    # The last character may be cut off.
    for cut in range(4):
        try:
            return start[: len(start) - cut].decode(), "utf-8"
        except UnicodeDecodeError:
            continue
    return start.decode("windows-1252", "replace"), "windows-1252"


def _csv_settings(text: str) -> dict[str, str]:
    delimiter = max(_DELIMITERS, key=lambda sign: _evenness(text, sign))
    found = {} if delimiter == "," else {"delimiter": delimiter.replace("\t", "\\t")}
    rows = _rows(text, delimiter)
    return found | ({} if not rows or _is_header(rows[0]) else {"header": "false"})


def _rows(text: str, delimiter: str) -> list[list[str]]:
    lines = text.splitlines(keepends=True)[:_LOOK_LINES]
    try:
        return [row for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        return []


def _evenness(text: str, delimiter: str) -> tuple[float, int]:
    """Rate a delimiter: the share of rows with the usual width, then that width; one column is none."""
    widths = Counter(len(row) for row in _rows(text, delimiter))
    width, count = widths.most_common(1)[0] if widths else (1, 0)
    return (count / widths.total(), width) if width > 1 else (0.0, 0)


def _is_header(cells: Sequence[str]) -> bool:
    """A line of names has no number, no empty cell, and no name twice."""
    names = [cell.strip().lower() for cell in cells]
    return all(names) and len({*names}) == len(names) and not any(n[0].isdigit() for n in names)


# --- the columns ------------------------------------------------------------------------------


def _judged(source: Source, declared: Sequence[str | None], loader: Loader) -> _Findings:
    count, found = len(source.columns), _Findings()
    rows, written = _look(loader, count)
    nulls = tuple(dict.fromkeys(word for one in written for word in one.hiding))
    found.key = _key(source, written, rows, found.doubts)
    if nulls:
        found.settings["null"] = "\n".join(nulls)
    has_comma = _has_comma(written)
    if has_comma:
        found.settings["decimal"] = ","
        if any(w.grouped for w in written if w.is_comma):
            found.settings["thousands"] = "."
    formats: list[str] = []
    for column, type, one in zip(source.columns, declared, written, strict=True):
        kind = "decimal" if has_comma and one.is_comma and not _is_whole(one) else ""
        if not kind and not one.fits and one.dates:
            kind = _date(column.name, one, formats, found.doubts)
        kind = kind or narrowest(type, one.fits)
        found.columns.append(column.model_copy(update={"type": NAMED[kind]}))
    if formats:
        found.settings["date_format"] = "\n".join(dict.fromkeys(formats))
    return found


def _look(loader: Loader, count: int) -> tuple[int, list[_Written]]:
    """Return the number of rows, and how each column is written.

    Words for a missing value are found where they hide the type of a column: in texts they may be texts.
    """
    rows, found = 0, []
    for i in range(count):
        rows, one = _asked(loader, i, ())
        if any(one.nulls) and not one.is_typed:
            _, other = _asked(loader, i, queries.NULL_WORDS)
            one = replace(other, hiding=one.words) if other.is_typed else one
        found.append(one)
    return rows, found


def _asked(loader: Loader, i: int, nulls: tuple[str, ...]) -> tuple[int, _Written]:
    [row] = loader.engine.rows(queries.look(i, nulls))
    rows, *counts = (cell or 0 for cell in row)
    of_formats = 2 + len(queries.KINDS)
    of_signs = of_formats + len(queries.DATE_FORMATS)
    known, distinct = counts[:2]
    comma, with_comma, grouped = counts[of_signs : of_signs + 3]
    return rows, _Written(
        known,
        distinct,
        kinds=tuple(counts[2:of_formats]),
        formats=tuple(counts[of_formats:of_signs]),
        comma=comma,
        with_comma=with_comma,
        grouped=grouped,
        nulls=tuple(counts[of_signs + 3 :]),
    )


def _has_comma(written: Sequence[_Written]) -> bool:
    """Tell whether numbers have a comma as their point, and none has a point in its place."""
    has_comma = any(w.is_comma and w.with_comma for w in written)
    has_point = any("decimal" in w.fits and not _is_whole(w) and not w.is_comma for w in written)
    return has_comma and not has_point


def _is_whole(one: _Written) -> bool:
    return bool(one.fits & {"integer", "boolean"})


def _date(name: str, one: _Written, formats: list[str], doubts: list[str]) -> str:
    known = [f for f in one.dates if f in formats]
    format = (known or one.dates)[0]
    formats.append(format)
    other = format.replace("%d/%m", "%m/%d")
    if other != format and other in one.dates:
        doubts.append(f"column {name}: day and month may be the other way round; see date_format")
    return "datetime" if "%H" in format else "date"


# --- the key ----------------------------------------------------------------------------------


def _key(source: Source, written: Sequence[_Written], rows: int, doubts: list[str]) -> str:
    """Return the column that looks like a key: no value is missing, and none occurs twice."""
    pairs = zip(source.columns, written, strict=True)
    unique = [c.name for c, one in pairs if one.known == one.distinct == rows]
    names = [c.name for c in source.columns]
    for group in (unique, names):
        if likely := [n for n in group if n.lower() == "key" or n.lower().endswith("id")]:
            break
    key = (likely or unique or names)[0]
    if key not in unique:
        doubts.append(
            f"column {key} has values that are missing or occur twice: it cannot be the key"
        )
    return key
