"""CSV files. Settings: path, delimiter, quote, encoding, null, date_format, datetime_format.

DuckDB reads the rows. Python reads the header, checks the encoding, and finds the lines of the few bad
rows, because a quoted line break makes lines and rows differ.
"""

import csv
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from cij.compiler.program import Source
from cij.runtime.engine.duckdb.scan import CsvFile, FileScan, Reject
from cij.runtime.errors import DataError
from cij.runtime.sources.reader import (
    BadRow,
    ColumnName,
    Kind,
    Reading,
    failure,
    path_of,
    require_columns,
    stamp,
)
from cij.runtime.sources.text_file import as_utf8

_DELIMITERS = {"tab": "\t", "\\t": "\t"}


@contextmanager
def read(source: Source, root: Path) -> Iterator[Reading]:
    """Open the file. Raises DataError when it cannot be read as a table."""
    path = path_of(source, root)
    file = source.settings["path"]
    starts: set[int] = set()
    with as_utf8(source, path) as readable, FileScan() as scan:
        table = _table(source, readable, file)

        def rejected() -> list[BadRow]:
            found = _located(readable, scan.rejects())
            starts.update(bad.line for bad in found)
            return found

        try:
            yield Reading(
                file, scan.csv(table), rejected, lambda o: _lines(source, path, o, starts)
            )
        except DataError as error:
            raise failure(source, f"{file} is not a CSV file: {error}") from error


def fingerprint(source: Source, root: Path) -> str:
    """Size and time of the last change."""
    return stamp(path_of(source, root))


def names(source: Source, root: Path) -> list[ColumnName]:
    """Return the names in the first line of the file."""
    path = path_of(source, root)
    with as_utf8(source, path) as readable:
        return [ColumnName(name) for name in _header(source, readable)]


KIND = Kind(read, fingerprint, names)


def _table(source: Source, path: Path, file: str) -> CsvFile:
    header = _header(source, path)
    require_columns(source, header, file)
    twice = [c.name for c in source.columns if header.count(c.name) > 1]
    if twice:
        raise failure(source, f'{file} has two columns "{twice[0]}"')
    picks = tuple(header.index(c.name) for c in source.columns)
    return CsvFile(path, len(header), picks, _delimiter(source), source.settings.get("quote", '"'))


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
        raise failure(source, f"{file} is empty: it has no line of column names")
    return found[1]


def _lines(
    source: Source, path: Path, ordinals: Collection[int], rejected: Collection[int]
) -> dict[int, int]:
    """Return the line of each row that was read; rejected ones have no ordinal."""
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
