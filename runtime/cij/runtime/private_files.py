"""Files with personal data: readable by the user of the project alone, and never behind a link.

A project that comes from elsewhere may bring links, which must not lead a write out of its folder.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from cij.runtime.errors import ConfigError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


@contextmanager
def private_files() -> Iterator[None]:
    """Let all files and folders that are made meanwhile, also by libraries, be private."""
    before = os.umask(_OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def private_folder(root: Path, inside: Path | str) -> Path:
    """Make a folder below `root` and return it. Its own older files keep their modes.

    Raises: ConfigError where a link leads out of `root`, or where it cannot be made.
    """
    folder = root / inside
    try:
        make_inside(root, folder)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {folder}: {error.strerror}") from error
    return folder


def make_inside(root: Path, folder: Path) -> None:
    """As `private_folder`. Raises: OSError where it cannot be made; ConfigError for a link."""
    # Before: not even an empty folder is made elsewhere.
    require_inside(root, folder)
    with private_files():
        folder.mkdir(parents=True, exist_ok=True)
    _tighten(root, folder)


def require_inside(root: Path, path: Path) -> None:
    """Raise ConfigError where links lead from `path` out of `root`."""
    try:
        is_inside = path.resolve().is_relative_to(root.resolve())
    except RuntimeError:
        is_inside = False
    if not is_inside:
        raise ConfigError(f"{path} leads through a link out of {root}, so nothing is written there")


def _tighten(root: Path, folder: Path) -> None:
    """Take the rights of others from a folder, and from those between it and `root`."""
    while folder != root and folder.is_relative_to(root):
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_mode & _OTHERS:
            # Somebody else's folder keeps its modes.
            with suppress(PermissionError):
                folder.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)
        folder = folder.parent


def open_private(path: Path, *, is_appended: bool = False) -> IO[bytes]:
    """Open a file to write it, private and unbuffered. Raises: OSError, also where it is a link."""
    how = os.O_APPEND if is_appended else os.O_TRUNC
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | how | _NO_LINK, 0o600)
    return os.fdopen(descriptor, "ab" if is_appended else "wb", buffering=0)


def write_private(path: Path, data: bytes) -> None:
    """Write a file under another name and rename it: a reader sees all of it, or the one before."""
    draft = path.with_suffix(".part")
    # What an earlier run left, or a link that somebody put there.
    draft.unlink(missing_ok=True)
    try:
        with open_private(draft) as file:
            write_all(file.fileno(), data)
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`. On a full disk the system writes a part, and fails in the next call."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
