"""Text files of any encoding, as a file that DuckDB can read: UTF-8 with one kind of line end."""

import codecs
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cij.compiler.program import Source
from cij.runtime.sources.packed_file import unpacked
from cij.runtime.sources.reader import failure
from cij.runtime.sources.undecodable import MARKED, Encoding

_CHUNK_BYTES = 1 << 20


@contextmanager
def as_utf8(source: Source, path: Path) -> Iterator[Path]:
    """Give the file itself, or a copy for the time of the loading. Raises DataError.

    Bytes that are no text stay as they are, or are marked in a copy (`undecodable`).
    """
    encoding = _codec(source)
    with unpacked(source, path) as plain:
        has_mixed_ends = _examine(source, plain, encoding)
        if encoding == "utf-8" and not has_mixed_ends:
            yield plain
            return
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "copy.csv"
            _copy(plain, encoding, copy, has_mixed_ends=has_mixed_ends)
            yield copy


def _copy(path: Path, encoding: str, copy: Path, *, has_mixed_ends: bool) -> None:
    errors = "surrogateescape" if encoding == "utf-8" else MARKED
    newline = "\n" if has_mixed_ends else ""
    with (
        path.open(encoding=encoding, errors=errors, newline=newline) as old,
        copy.open("w", encoding="utf-8", errors="surrogateescape", newline="") as new,
    ):
        if has_mixed_ends:
            # A carriage return inside of a cell is a part of its text.
            new.writelines(f"{line[:-2]}\n" if line.endswith("\r\n") else line for line in old)
            return
        while text := old.read(_CHUNK_BYTES):
            new.write(text)


def encoding_of(source: Source) -> Encoding:
    """Return the encoding of a source, and whether `as_utf8` marks what is no text in it."""
    return Encoding(source.settings.get("encoding", "UTF-8"), _codec(source) != "utf-8")


def _codec(source: Source) -> str:
    encoding = source.settings.get("encoding", "utf-8")
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise failure(source, f'there is no encoding "{encoding}"') from None


@dataclass(slots=True)
class _Ends:
    """Line ends seen so far: `\\n` in all, and those with `\\r` before them."""

    lf: int = 0
    crlf: int = 0
    is_after_cr: bool = False

    def see(self, text: str) -> None:
        self.lf += text.count("\n")
        self.crlf += text.count("\r\n") + (self.is_after_cr and text.startswith("\n"))
        if text:
            self.is_after_cr = text.endswith("\r")


def _examine(source: Source, path: Path, encoding: str) -> bool:
    """Return whether some lines end with CR LF and others with LF."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    ends = _Ends()
    for chunk in _chunks(source, path):
        # As text: in UTF-16 the bytes of a line end are not side by side. An empty chunk is the last one.
        ends.see(decoder.decode(chunk, final=not chunk))
    return 0 < ends.crlf < ends.lf


def _chunks(source: Source, path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise failure(source, f"cannot read {source.settings['path']}: {reason}") from error
    yield b""
