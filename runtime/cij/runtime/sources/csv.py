"""CSV files, also compressed ones. Settings: path, delimiter, quote, encoding, header.

DuckDB reads the rows. Python reads the header, checks the encoding, and finds the lines of the few bad
rows, because a quoted line break makes lines and rows differ.
"""

import csv
import io
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from cij.compiler.program import Source
from cij.runtime.engine.duckdb.scan import CsvFile, FileScan, Reject
from cij.runtime.errors import DataError
from cij.runtime.sources import undecodable
from cij.runtime.sources.faulty_lines import FaultyLine, Form, without_faulty_lines
from cij.runtime.sources.packed_file import unpacked
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
from cij.runtime.sources.text_file import as_utf8, encoding_of

if TYPE_CHECKING:
    import _csv

# A line is not so long.
_LOOK_BYTES = 1 << 22
_DELIMITERS = {"tab": "\t", "\\t": "\t"}


@contextmanager
def read(source: Source, root: Path) -> Iterator[Reading]:
    """Open the file. Raises DataError when it cannot be read as a table."""
    path = path_of(source, root)
    file = source.settings["path"]
    starts: set[int] = set()
    with (
        as_utf8(source, path) as whole,
        without_faulty_lines(whole, _form(source, whole)) as (readable, faulty),
        FileScan() as scan,
    ):
        table = _table(source, readable, file)
        blank = {line.number for line in faulty}

        def rejected() -> list[BadRow]:
            places = located(readable, scan.rejects())
            starts.update(bad.line for bad, _ in places)
            found = [_covered(source, readable, bad, at) for bad, at in places]
            return found + [_of_faulty(source, readable, line) for line in faulty]

        try:
            yield Reading(
                file, scan.csv(table), rejected, lambda o: _lines(source, path, o, starts, blank)
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


def _has_header(source: Source) -> bool:
    return source.settings.get("header") != "false"


KIND = Kind(read, fingerprint, names)


def _form(source: Source, path: Path) -> Form:
    quote = source.settings.get("quote", '"')
    width = len(_header(source, path))
    return Form(_delimiter(source).encode(), quote.encode(), width, _has_header(source))


def _of_faulty(source: Source, path: Path, line: FaultyLine) -> BadRow:
    text = line.text.decode(errors="replace")
    # The key may stand in front of the carriage return.
    keys = _keys(source, path, [text.replace("\r", " ")])
    return BadRow(line.number, line.reason, text, keys=keys)


def _table(source: Source, path: Path, file: str) -> CsvFile:
    header = _header(source, path)
    require_columns(source, header, file)
    twice = [c.outside for c in source.columns if header.count(c.outside) > 1]
    if twice:
        raise failure(source, f'{file} has two columns "{twice[0]}"')
    picks = tuple(header.index(c.outside) for c in source.columns)
    quote = source.settings.get("quote", '"')
    return CsvFile(
        path, len(header), picks, _delimiter(source), quote, has_header=_has_header(source)
    )


def _delimiter(source: Source) -> str:
    text = source.settings.get("delimiter", ",")
    return _DELIMITERS.get(text, text)


def _records(
    source: Source, path: Path, encoding: str, blank: Collection[int] = ()
) -> Iterator[tuple[int, list[str]]]:
    """Yield (line on which it starts, cells) for each record that is not a blank line.

    Lines with the numbers `blank` count as such.
    """
    # A carriage return alone ends a line where nothing else does.
    newline = "\n" if _has_line_feeds(path) else ""
    # In UTF-16 not every byte can be escaped.
    errors = "surrogateescape" if encoding == "utf-8-sig" else "replace"
    with path.open(encoding=encoding, errors=errors, newline=newline) as file:
        lines = ("\n" if n in blank else line for n, line in enumerate(file, 1))
        rows = _cells(source, lines if blank else file)
        start = 1
        for row in rows:
            if row:
                yield start, row
            start = rows.line_num + 1


def _has_line_feeds(path: Path) -> bool:
    with path.open("rb") as file:
        return b"\n" in file.read(_LOOK_BYTES)


def _cells(source: Source, lines: Iterable[str]) -> "_csv.Reader":
    csv.field_size_limit(sys.maxsize)
    quote = source.settings.get("quote", '"')
    return csv.reader(
        lines,
        delimiter=_delimiter(source),
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )


def _header(source: Source, path: Path) -> list[str]:
    """Return the names in the first line; without such a line, the declared ones in their order."""
    found = next(_records(source, path, "utf-8-sig"), None)
    file = source.settings["path"]
    if found is None and (_has_header(source) or not source.columns):
        raise failure(source, f"{file} is empty: it has no line of column names")
    if found is not None and _has_header(source):
        _require_text(source, found[1])
        return found[1]
    declared = [c.outside for c in source.columns]
    width = len(found[1]) if found else len(declared)
    if declared and len(declared) != width:
        raise failure(
            source,
            f"{file} has {width} columns in its first row, and `columns` has {len(declared)}; "
            "without a line of names, `columns` has all of them in their order",
        )
    return declared or [f"column{n}" for n in range(1, width + 1)]


def _require_text(source: Source, header: list[str]) -> None:
    """Raise DataError where the line of column names has bytes that are no text."""
    encoding = encoding_of(source)
    place = undecodable.first_place([_delimiter(source).join(header)], encoding)
    if place is not None:
        found = f"{source.settings['path']}:1: {undecodable.reason('', place, encoding)}"
        raise failure(source, f"{found}. {undecodable.advice(encoding)}")


def _lines(
    source: Source,
    path: Path,
    ordinals: Collection[int],
    rejected: Collection[int],
    blank: Collection[int],
) -> dict[int, int]:
    """Return the line of each row that was read; rejected ones have no ordinal."""
    wanted, found, ordinal = set(ordinals), dict[int, int](), 0
    encoding = source.settings.get("encoding", "utf-8-sig")
    with unpacked(source, path) as plain:
        records = _records(source, plain, encoding, blank)
        if _has_header(source):
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


def located(path: Path, rejects: list[Reject]) -> list[tuple[BadRow, Reject]]:
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
            bad = BadRow(
                line + _line_ends(text[:blank]), reject.reason, reject.content.strip("\r\n")
            )
            found.append((bad, reject))
            position = reject.byte
            file.seek(position)
    return found


def _covered(source: Source, path: Path, bad: BadRow, reject: Reject) -> BadRow:
    """Add the lines that a broken row covers, and their keys.

    A quote that is not closed takes in the lines up to the next quote, or to the end of the file. What
    the scanner shows of such a row is cut off, so it is looked up in the file.
    """
    if reject.is_undecodable:
        return _undecodable(source, path, bad, _record_at(source, path, reject.byte))
    if not reject.is_unclosed:
        return replace(bad, keys=_keys(source, path, [bad.content]))
    lines = [line for line in _record_at(source, path, reject.byte) if line.strip()]
    reason = bad.reason + (f", and takes in {len(lines)} lines" if len(lines) > 1 else "")
    return replace(bad, reason=reason, lines=len(lines), keys=_keys(source, path, lines))


def _undecodable(source: Source, path: Path, bad: BadRow, lines: list[str]) -> BadRow:
    """Say in which line and column the first byte is that is no text."""
    encoding = encoding_of(source)
    lines = lines[next((n for n, line in enumerate(lines) if line.strip()), 0) :]
    place = undecodable.first_place(lines, encoding)
    assert place is not None, f"line {bad.line} of {path.name} is text"
    [record] = list(_cells(source, lines))[:1]
    names = zip(_header(source, path), record, strict=False)
    column = next((name for name, cell in names if not undecodable.is_text(cell)), "")
    return replace(
        bad,
        line=bad.line + place.line,
        reason=undecodable.reason(column, place, encoding),
        content=undecodable.shown("".join(lines).strip("\r\n"), encoding),
        keys=_keys(source, path, ["".join(lines)]),
        advice=undecodable.advice(encoding),
    )


def _record_at(source: Source, path: Path, byte: int) -> list[str]:
    """Return the lines of the record that starts at a byte, and of blank ones before it."""
    with path.open("rb") as file:
        file.seek(byte)
        rest = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
        return _of_one_record(source, rest)


def _of_one_record(source: Source, file: TextIO) -> list[str]:
    """Return the lines of the first record of a file, as it is read when quotes may stand anywhere."""
    lines: list[str] = []

    def noted() -> Iterator[str]:
        for line in file:
            lines.append(line)
            yield line

    # Blank lines before the record are records of their own, without cells.
    next((record for record in _cells(source, noted()) if record), None)
    return lines


def _keys(source: Source, path: Path, lines: Iterable[str]) -> tuple[str, ...]:
    """Return the cells of the key, each line read by itself."""
    key = next((c.outside for c in source.columns if c.name == source.key), source.key)
    header = _header(source, path)
    if key not in header:
        return ()
    place = header.index(key)
    cells = (next(_cells(source, [line]), []) for line in lines)
    keys = (row[place] for row in cells if len(row) > place)
    return tuple(key for key in keys if undecodable.is_text(key))


def _line_ends(data: bytes) -> int:
    return data.count(b"\n") or data.count(b"\r")
