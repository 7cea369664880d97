"""JSON lines: one object on each line. Settings: path, encoding.

A column is a member of the object; `address.city` is the member of a member, `items.0.sku` that of the
first item. What is itself an object or a list becomes its JSON text, so a column may be `list(text)`.
DuckDB reads the lines. Python says what is wrong with the few bad ones.
"""

import json
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from cij.compiler.program import Source
from cij.runtime.engine.duckdb.scan import FileScan, Reject
from cij.runtime.errors import DataError
from cij.runtime.outside_json import read_json
from cij.runtime.sources import undecodable
from cij.runtime.sources.csv import located
from cij.runtime.sources.faulty_lines import FaultyLine, Form, without_faulty_lines
from cij.runtime.sources.reader import BadRow, ColumnName, Kind, Reading, failure, path_of, stamp
from cij.runtime.sources.text_file import as_utf8, encoding_of

# Lines have no columns and no quotes.
_FORM = Form(b"\x01", b"", 1, has_header=False)
# The name of a member.
_MEMBER = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:')
_INEXACT = "a number with more digits than can be read exactly; write it as a text"


@contextmanager
def read(source: Source, root: Path) -> Iterator[Reading]:
    """Open the file. Raises DataError when it cannot be read as lines of text."""
    path, file = path_of(source, root), source.settings["path"]
    shifted: list[int] = []
    with (
        as_utf8(source, path) as whole,
        without_faulty_lines(whole, _FORM) as (readable, faulty),
        FileScan() as scan,
    ):

        def rejected() -> list[BadRow]:
            places = located(readable, scan.rejects())
            found = [_of_scanner(source, readable, bad, reject) for bad, reject in places]
            shifted.extend(sorted(bad.line for bad in found))
            found += [_of_faulty(line) for line in faulty]
            return found + [_bad(source, _line(o, shifted), t) for o, t in scan.bad_objects()]

        try:
            scan.json_lines(readable)
            rows = scan.members([c.outside for c in source.columns])
            yield Reading(file, rows, rejected, lambda o: {n: _line(n, shifted) for n in o})
        except DataError as error:
            raise failure(source, f"{file} cannot be read as lines: {error}") from error


def fingerprint(source: Source, root: Path) -> str:
    """Size and time of the last change."""
    return stamp(path_of(source, root))


def names(source: Source, root: Path) -> list[ColumnName]:
    """Return the members that any line has, with the path of those inside of others."""
    path = path_of(source, root)
    with as_utf8(source, path) as readable, FileScan() as scan:
        scan.json_lines(readable)
        structure = scan.structure()
    paths = _paths(json.loads(structure) if structure else {})
    return [ColumnName(name) for name in dict.fromkeys(paths)]


KIND = Kind(read, fingerprint, names)


def _line(ordinal: int, shifted: Collection[int]) -> int:
    """Return the line of a row; rows that the scanner rejected have no ordinal."""
    line = ordinal + 1
    for bad in shifted:
        line += bad <= line
    return line


def _of_scanner(source: Source, path: Path, bad: BadRow, reject: Reject) -> BadRow:
    if reject.is_undecodable:
        return _undecodable(source, path, bad, reject)
    # What separates columns elsewhere is a sign that JSON does not have.
    is_split = bad.reason.startswith("too many columns")
    return replace(bad, reason="not JSON: a control character") if is_split else bad


def _undecodable(source: Source, path: Path, bad: BadRow, reject: Reject) -> BadRow:
    """Say in which member the first byte is that is no text."""
    with path.open("rb") as file:
        file.seek(reject.byte)
        # Blank lines may be before it.
        line = next(line for line in file if line.strip()).decode(errors="surrogateescape")
    encoding = encoding_of(source)
    place = undecodable.first_place([line], encoding)
    assert place is not None, f"line {bad.line} of {path.name} is text"
    before = [*_MEMBER.finditer(line, 0, place.index)]
    return replace(
        bad,
        reason=undecodable.reason(before[-1][1] if before else "", place, encoding),
        content=undecodable.shown(line.strip("\r\n"), encoding),
        keys=tuple(key for key in _keys(source, line) if undecodable.is_text(key)),
        advice=undecodable.advice(encoding),
    )


def _of_faulty(line: FaultyLine) -> BadRow:
    return BadRow(line.number, line.reason, line.text.decode(errors="replace"))


def _bad(source: Source, line: int, text: str) -> BadRow:
    try:
        is_object = isinstance(read_json(text), dict)
        reason = _INEXACT if is_object else "not a JSON object"
    except ValueError as error:
        reason = f"not JSON: {error}"
    return BadRow(line, reason, text, keys=_keys(source, text))


def _keys(source: Source, text: str) -> tuple[str, ...]:
    """Return the key as far as it can be made out in a broken line: its row of before stays (S24)."""
    key = next((c.outside for c in source.columns if c.name == source.key), source.key)
    member = re.escape(json.dumps(key.rpartition(".")[2], ensure_ascii=False))
    found = re.search(member + r'\s*:\s*(?:"([^"\\]*)"|([^\s,"{}\[\]]+))', text)
    return ((found[1] or found[2]),) if found else ()


def _paths(structure: Any) -> Iterator[str]:
    for name, inner in structure.items() if isinstance(structure, dict) else ():
        nested = [f"{name}.{path}" for path in _paths(inner)]
        yield from nested or [name]
