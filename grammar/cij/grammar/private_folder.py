"""The cache folder of this user, with files that nobody else can have written.

The files are pickles, and reading a pickle can run code. So a file is read only if the modes of
file and folder exclude all other writers. A damaged file is ignored. A failure costs only time at
the next start.
"""

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

_FOREIGN_WRITERS = stat.S_IWGRP | stat.S_IWOTH
_DIGEST = hashlib.sha256
_DIGEST_SIZE = _DIGEST().digest_size


def cache_folder() -> Path:
    """Return the cache folder of this user, which may not exist yet.

    Each system has its own place: `~/.cache` on Linux, `~/Library/Caches` on macOS,
    `%LOCALAPPDATA%` on Windows. An absolute `XDG_CACHE_HOME` takes precedence. Raises: RuntimeError
    where the user has no home folder.
    """
    root = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(root):
        return Path(root) / "cij"  # Before the import, because this path needs no library.
    from platformdirs import user_cache_path

    folder = user_cache_path("cij", appauthor=False)
    if not folder.is_absolute():
        # Without a home the path keeps its `~` and would be a folder in the working directory.
        raise RuntimeError("this user has no home folder")
    return folder


def kept(name: str) -> bytes | None:
    """Return the content of a file, if it is complete and only this user can have written it; else
    None."""
    try:
        path = cache_folder() / name
        if not (_is_private(path.parent) and _is_private(path)):
            return None
        data = path.read_bytes()
    except (OSError, RuntimeError):
        return None
    # The digest finds files that were written only in part, for example on a full disk.
    content = data[_DIGEST_SIZE:]
    return content if _DIGEST(content).digest() == data[:_DIGEST_SIZE] else None


def keep(name: str, content: bytes) -> None:
    """Write a file, if that is possible. Failures are ignored, because a cache is optional."""
    # RuntimeError: there is no home folder.
    with suppress(OSError, RuntimeError):
        folder = cache_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_private(folder):
            _write(folder / name, _DIGEST(content).digest() + content)


def _is_private(path: Path) -> bool:
    """Tell whether only this user or root can have written `path`."""
    # Not `stat`: a link could lead to a file of another user.
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return False
    if not hasattr(os, "getuid"):
        return True  # Windows: the profile folder is private by its access list.
    return status.st_uid == os.getuid() and not status.st_mode & _FOREIGN_WRITERS


def _write(path: Path, data: bytes) -> None:
    """Write a file under another name and rename it, so that a reader sees a complete file
    or none."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
