"""Lines of a CSV file that DuckDB's reader would take wrongly, or stop at: they are taken out before (S24).

It stops at a carriage return outside of quotes, and it does not mind surplus cells that are empty.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_CHUNK_BYTES = 1 << 20
_CARRIAGE_RETURN = "a line end (carriage return) outside of quotes"
_SURPLUS = "too many columns: empty cells at its end"


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is written: the signs as bytes, and how many cells a row has.

    The first line of a file with a header is none of its rows.
    """

    delimiter: bytes
    quote: bytes
    width: int
    has_header: bool = True


@dataclass(frozen=True, slots=True)
class FaultyLine:
    """A line that is no row. `number` is counted from 1, and `byte` is where it starts, from 0."""

    number: int
    reason: str
    text: bytes


@contextmanager
def without_faulty_lines(path: Path, form: Form) -> Iterator[tuple[Path, list[FaultyLine]]]:
    """Give the file, or a copy in which faulty lines are blank, with those lines.

    In the copy all other lines have the numbers that they had.
    """
    faulty = list(_faulty(path, form)) if _is_suspicious(path, form) else []
    if not faulty:
        yield path, []
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.csv"
        _blank(path, {line.number for line in faulty}, copy)
        yield copy, faulty


def _is_suspicious(path: Path, form: Form) -> bool:
    """Tell whether lines have to be looked at one by one, which takes longer than this look at bytes."""
    lf = crlf = cr = ends = 0
    last = form.delimiter
    before = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            # What stands across two chunks counts in the later one.
            joined = before + chunk
            lf, cr = lf + chunk.count(b"\n"), cr + chunk.count(b"\r")
            crlf += joined.count(b"\r\n")
            ends += joined.count(last + b"\n") + joined.count(last + b"\r\n")
            before = chunk[-1:]
    return bool(lf and (cr > crlf or ends or before == last))


def _faulty(path: Path, form: Form) -> Iterator[FaultyLine]:
    is_inside = False
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            has_quotes = bool(form.quote) and form.quote in line
            if not is_inside and (number > 1 or not form.has_header):
                reason = _fault(line.rstrip(b"\n").removesuffix(b"\r"), form)
                if reason is not None:
                    yield FaultyLine(number, reason, line.rstrip(b"\r\n"))
                    continue
            # An even number of quotes leaves a line where it was: inside of a cell or not.
            is_inside ^= has_quotes and line.count(form.quote) % 2 == 1


def _fault(line: bytes, form: Form) -> str | None:
    if b"\r" in line and b"\r" in _outside(line, form):
        return _CARRIAGE_RETURN
    is_long = line.endswith(form.delimiter) and line.count(form.delimiter) >= form.width
    if is_long and _outside(line, form).count(form.delimiter) >= form.width:
        return _SURPLUS
    return None


def _outside(line: bytes, form: Form) -> bytes:
    """Return what of a line is outside of quotes."""
    return b"".join(line.split(form.quote)[::2]) if form.quote else line


def _blank(path: Path, numbers: set[int], copy: Path) -> None:
    with path.open("rb") as old, copy.open("wb") as new:
        for number, line in enumerate(old, 1):
            is_crlf = line.endswith(b"\r\n")
            new.write((b"\r\n" if is_crlf else b"\n") if number in numbers else line)
