"""Files that are compressed with gzip: they are known by their first bytes, whatever their name is."""

import gzip
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cij.compiler.program import Source
from cij.runtime.sources.reader import failure

_GZIP = b"\x1f\x8b"
_CHUNK_BYTES = 1 << 20
# No table shrinks that much. A small file that becomes endless would fill the disk.
_RATIO_MAX = 500
# So much any file may hold.
ANY_BYTES = 100 << 20


@contextmanager
def unpacked(source: Source, path: Path) -> Iterator[Path]:
    """Give the file itself, or a copy that is not compressed. Raises DataError."""
    if not _is_packed(path):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "unpacked"
        try:
            _unpack(source, path, copy)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            file = source.settings["path"]
            raise failure(source, f"{file} is a damaged gzip file: {error}") from error
        yield copy


def _is_packed(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_GZIP)) == _GZIP
    except OSError:
        # The reader reports what is wrong.
        return False


def _unpack(source: Source, path: Path, copy: Path) -> None:
    limit, written = max(ANY_BYTES, path.stat().st_size * _RATIO_MAX), 0
    with gzip.open(path, "rb") as packed, copy.open("wb") as plain:
        while chunk := packed.read(_CHUNK_BYTES):
            plain.write(chunk)
            written += len(chunk)
            if written > limit:
                file = source.settings["path"]
                raise failure(source, f"{file} unpacks to more than {limit:,} bytes")
