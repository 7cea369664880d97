"""CSV files. Settings: path, delimiter, quote, encoding, null, date_format, datetime_format.

DuckDB reads the rows; Python reads the header, checks the encoding, and finds the lines of the few
rows that are bad: a quoted line break makes lines and rows differ.
"""

import csv
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from cij.compiler.program import Source
from cij.compiler.sql.load import STAGE
from cij.runtime.engine import CsvFile, Engine, Reject
from cij.runtime.errors import DataError
from cij.runtime.sources.kind import (
    BadRow,
    ColumnName,
    Kind,
    Staged,
    failure,
    path_of,
    require_columns,
    stamp,
)
from cij.runtime.sources.text_file import as_utf8

_CHUNK_BYTES = 1 << 20
_DELIMITERS = {"tab": "\t", "\\t": "\t"}


def stage(engine: Engine, source: Source, root: Path) -> Staged:
    """Put the rows into the stage. Raises DataError when the file cannot be read as a table."""
    path = path_of(source, root)
    file = source.settings["path"]
    with as_utf8(source, path) as readable:
        table = _table(source, readable, file)
        rejects = _stage(engine, source, table)
        rejected = _located(readable, rejects)
        starts = {bad.line for bad in rejected}
    return Staged(file, rejected, lambda ordinals: _lines(source, path, ordinals, starts))


def fingerprint(source: Source, root: Path) -> str:
    """Size and time of the last change."""
    return stamp(path_of(source, root))


def names(source: Source, root: Path) -> list[ColumnName]:
    """Return the names in the first line of the file."""
    path = path_of(source, root)
    with as_utf8(source, path) as readable:
        return [ColumnName(name) for name in _header(source, readable)]


CSV = Kind(stage, fingerprint, names)


def _table(source: Source, path: Path, file: str) -> CsvFile:
    header = _header(source, path)
    require_columns(source, header, file)
    twice = [c.name for c in source.columns if header.count(c.name) > 1]
    if twice:
        raise failure(source, f'{file} has two columns "{twice[0]}"')
    picks = tuple(header.index(c.name) for c in source.columns)
    return CsvFile(path, len(header), picks, _delimiter(source), source.settings.get("quote", '"'))


def _stage(engine: Engine, source: Source, table: CsvFile) -> list[Reject]:
    try:
        return engine.stage_csv(STAGE, table)
    except DataError as error:
        raise failure(source, f"{source.settings['path']} is not a CSV file: {error}") from error


def _delimiter(source: Source) -> str:
    text = source.settings.get("delimiter", ",")
    return _DELIMITERS.get(text, text)


def _records(source: Source, path: Path, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line on which it starts, cells) for each record that is not a blank line."""
    csv.field_size_limit(sys.maxsize)
    quote = source.settings.get("quote", '"')
    with path.open(encoding=encoding, newline="") as file:
        rows = csv.reader(
            file,
            delimiter=_delimiter(source),
            quotechar=quote or None,
            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        )
        start = 1
        for row in rows:
            if row:
                yield start, row
            start = rows.line_num + 1


def _header(source: Source, path: Path) -> list[str]:
    found = next(_records(source, path, "utf-8-sig"), None)
    if found is None:
        file = source.settings["path"]
        raise failure(source, f"{file} is empty: not even a line of column names")
    return found[1]


def _lines(
    source: Source, path: Path, ordinals: Collection[int], rejected: Collection[int]
) -> dict[int, int]:
    """Return the line of each staged row; rejected ones have no ordinal."""
    wanted, found, ordinal = set(ordinals), dict[int, int](), 0
    encoding = source.settings.get("encoding", "utf-8-sig")
    records = _records(source, path, encoding)
    next(records, None)
    for line, _ in records:
        if len(found) == len(wanted):
            break
        if line in rejected:
            continue
        if ordinal in wanted:
            found[ordinal] = line
        ordinal += 1
    return found


def _located(path: Path, rejects: list[Reject]) -> list[BadRow]:
    """Give each broken row its line by counting the line ends before its first byte."""
    if not rejects:
        return []
    found, line, position = [], 1, 0
    with path.open("rb") as file:
        for reject in rejects:
            before = file.read(reject.byte - position)
            text = file.read(len(reject.content.encode()) + 2)
            line += _line_ends(before)
            blank = len(text) - len(text.lstrip(b"\r\n"))
            found.append(
                BadRow(line + _line_ends(text[:blank]), reject.reason, reject.content.strip("\r\n"))
            )
            position = reject.byte
            file.seek(position)
    return found


def _line_ends(data: bytes) -> int:
    return data.count(b"\n") or data.count(b"\r")
