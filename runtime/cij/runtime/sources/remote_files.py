"""Files over the network: copied first, then read as those of the project are.

So each kind has its places of bad rows, encodings and packed files, whatever serves the file. The copy is
gone with the reading. A file with the ETag of before is not copied again.
"""

import hashlib
import shutil
import tempfile
import weakref
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cij.compiler.program import Source
from cij.compiler.source_kinds import scheme_of
from cij.runtime.errors import DataError
from cij.runtime.sources.reader import (
    COPY,
    ColumnName,
    Kind,
    Reading,
    failure,
    from_environment,
    with_environment,
)

if TYPE_CHECKING:
    from cij.runtime.sources.web_answers import Asked


def over_network(kind: Kind) -> Kind:
    """Return the kind with files also at `https://`, `s3://` and `az://`."""

    @contextmanager
    def read(source: Source, root: Path) -> Iterator[Reading]:
        if not _is_remote(source):
            with kind.read(source, root) as reading:
                yield reading
            return
        folder = _folder()
        _fetch(source, folder.path / COPY)
        with kind.read(source, folder.path) as reading:
            yield replace(reading, lines=_with_folder(reading.lines, folder))

    def fingerprint(source: Source, root: Path) -> str:
        return _mark(source) if _is_remote(source) else kind.fingerprint(source, root)

    def names(source: Source, root: Path) -> list[ColumnName]:
        if not _is_remote(source):
            return kind.names(source, root)
        with tempfile.TemporaryDirectory() as name:
            _fetch(source, Path(name) / COPY)
            return kind.names(source, Path(name))

    return Kind(read, fingerprint, names)


class _Folder:
    """A folder that is removed when nobody holds this object: lines are asked for after the reading."""

    def __init__(self, path: Path) -> None:
        self.path = path
        weakref.finalize(self, shutil.rmtree, path, ignore_errors=True)


def _folder() -> _Folder:
    return _Folder(Path(tempfile.mkdtemp(prefix="cij-remote-")))


def _with_folder(
    lines: Callable[[Collection[int]], dict[int, int]], folder: _Folder
) -> Callable[[Collection[int]], dict[int, int]]:
    def found(ordinals: Collection[int]) -> dict[int, int]:
        assert folder.path.exists(), "the copy is there as long as this function"
        return lines(ordinals)

    return found


def _is_remote(source: Source) -> bool:
    return bool(scheme_of(from_environment(source.settings["path"], source)))


def _fetch(source: Source, file: Path) -> None:
    # Loaded where it is needed: most projects have no such source.
    from cij.runtime.sources.web_answers import answer_to, save

    with _asked(source) as asked, answer_to(asked) as answer:
        save(answer, file)


def _mark(source: Source) -> str:
    """Return what the server says of a file that stays as it is; else a digest of the file itself."""
    from cij.runtime.sources.web_answers import answer_to

    with _asked(source) as asked:
        with answer_to(asked) as answer:
            head = [answer.headers.get(n, "") for n in ("etag", "last-modified", "content-length")]
        if head[0] or head[1]:
            return " ".join(head)
    with tempfile.TemporaryDirectory() as name:
        _fetch(source, Path(name) / COPY)
        with (Path(name) / COPY).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _asked(source: Source) -> "Iterator[Asked]":
    """Give how the file is asked for, and name it in what goes wrong inside."""
    from cij.runtime.sources.object_stores import asked_for

    path = from_environment(source.settings["path"], source)
    try:
        yield asked_for(path, with_environment(source).settings)
    except DataError as error:
        raise failure(source, f"cannot read {source.settings['path']}: {error}") from error
