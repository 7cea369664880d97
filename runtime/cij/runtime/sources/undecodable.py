"""Bytes that are no text in the encoding of a file: the row that has them is bad, and no other (S24).

A line is read with `surrogateescape`, so that such a byte is one character that no text has. In a copy of a
file that is not UTF-8, `MARK` and the byte as two hexadecimal digits are in its place.
"""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass

MARK = "\udcff"
# The name of the handler that puts marks in.
MARKED = "cij-marked"
_BYTE = re.compile("[\udc80-\udcff]")
_MARKED_BYTE = re.compile(f"{MARK}([0-9A-F]{{2}})")


@dataclass(frozen=True, slots=True)
class Encoding:
    """`name` is the one for people. `is_marked` where the file that is read is a copy with marks."""

    name: str
    is_marked: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where the first such byte of a row is: its line, from 0, and its index there, in characters."""

    line: int
    index: int
    byte: int
    position: str


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return f"{MARK}{error.object[error.start]:02X}", error.end


codecs.register_error(MARKED, _mark)


def first_place(lines: Sequence[str], encoding: Encoding) -> Place | None:
    """Return the place of the first byte that is no text; None if all are."""
    for number, line in enumerate(lines):
        if (found := _BYTE.search(line)) is not None:
            return _place(number, line, found.start(), encoding)
    return None


def _place(number: int, line: str, index: int, encoding: Encoding) -> Place:
    if encoding.is_marked and (marked := _MARKED_BYTE.match(line, index)) is not None:
        return Place(number, index, int(marked[1], 16), f"character {index + 1}")
    before = line[:index].encode(errors="surrogateescape")
    return Place(number, index, ord(line[index]) - 0xDC00, f"byte {len(before) + 1}")


def reason(column: str, place: Place, encoding: Encoding, whole: str = "line") -> str:
    """Say what is wrong. What differs from row to row is in quotes, so that rows are counted together."""
    start = f"column {column}: " if column else ""
    return f'{start}not {encoding.name} at "{place.position} of the {whole}, 0x{place.byte:02X}"'


def advice(encoding: Encoding) -> str:
    """Say what helps where many rows have such bytes."""
    other = "windows-1252" if encoding.name.lower() != "windows-1252" else "utf-8"
    return f'Save the file as UTF-8, or declare its encoding, for example encoding = "{other}".'


def is_text(text: str) -> bool:
    """Tell whether all bytes of a text could be decoded."""
    return _BYTE.search(text) is None


def shown(text: str, encoding: Encoding) -> str:
    """Return a text in which each such byte is the sign for one that is unknown."""
    return _BYTE.sub("\ufffd", _MARKED_BYTE.sub("\ufffd", text) if encoding.is_marked else text)
