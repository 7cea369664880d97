"""The cache folder of this user, and files in it that nobody else can have written.

What is kept there are pickles, so anybody who can write one can run code: a file is read only from a
folder and under a mode that shut everybody else out, and a damaged one counts as none. Whatever
goes wrong costs time at the next start, and nothing else.
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
    """Return the folder of this user, which may not exist yet.

    Each system has its own place: `~/.cache` on Linux, `~/Library/Caches` on macOS, `%LOCALAPPDATA%`
    on Windows. An absolute `XDG_CACHE_HOME` counts before it.
    """
    root = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(root):
        return Path(root) / "cij"  # Needs no library, so it is not loaded.
    from platformdirs import user_cache_path

    folder = user_cache_path("cij", appauthor=False)
    if not folder.is_absolute():
        # Without a home the name keeps its `~`, and would be a folder of that name right here.
        raise RuntimeError("this user has no home folder")
    return folder


def kept(name: str) -> bytes | None:
    """Return what was kept under a name, if it is whole and only this user can have written it."""
    try:
        path = cache_folder() / name
        if not (_is_private(path.parent) and _is_private(path)):
            return None
        data = path.read_bytes()
    except (OSError, RuntimeError):
        return None
    content = data[_DIGEST_SIZE:]
    return content if _DIGEST(content).digest() == data[:_DIGEST_SIZE] else None


def keep(name: str, content: bytes) -> None:
    """Keep something under a name, if that is possible."""
    # A home that cannot be found is a RuntimeError.
    with suppress(OSError, RuntimeError):
        folder = cache_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_private(folder):
            _write(folder / name, _DIGEST(content).digest() + content)


def _is_private(path: Path) -> bool:
    """Tell whether only this user, or root, can have written `path`."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return False
    if not hasattr(os, "getuid"):
        return True  # Windows: the profile folder is private by its access list.
    return status.st_uid == os.getuid() and not status.st_mode & _FOREIGN_WRITERS


def _write(path: Path, data: bytes) -> None:
    """Write under another name first: a reader sees the whole file or none."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
