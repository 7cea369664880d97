"""The cache of results that depend only on texts, in the private folder of the user.

There is one result of each kind for each project, and the next one replaces it. Its key includes
everything that it depends on, also the code of `cij`. The size of the folder is bounded, and the
least recently used results are deleted first. `CIJ_CACHE=off` disables the cache.
"""

import hashlib
import importlib.util
import os
import pickle
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from cij.grammar.private_folder import cache_folder, keep, kept

SWITCH = "CIJ_CACHE"
# The bounds of the folder, for all projects of the user together.
BYTES_MAX = 500_000_000
ENTRIES_MAX = 200
# The packages outside of cij that influence results.
_PACKAGES = ("lark", "liquid", "pydantic", "pydantic_core", "tzdata")


def digest(*parts: str | bytes) -> str:
    """Return the hash of a list of texts.

    The lengths are part of it, so that boundaries count too.
    """
    found = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        found.update(b"%d:" % len(data))
        found.update(data)
    return found.hexdigest()


def recalled(kind: str, root: Path) -> Any:
    """Return the cached value of a kind for the project in the folder `root`; None without one."""
    name = _name(kind, root)
    data = kept(name) if name else None
    if name is None or data is None:
        return None
    with suppress(OSError):
        os.utime(cache_folder() / name)  # Marks it as used.
    # Only this user can have written the file, and with the same code: the name has its version.
    return pickle.loads(data)


def remember(kind: str, root: Path, value: object) -> None:
    """Cache a value, and replace the one of the same kind and project."""
    name = _name(kind, root)
    if name:
        keep(name, pickle.dumps(value, pickle.HIGHEST_PROTOCOL))
        with suppress(OSError):
            _forget_the_oldest(cache_folder())


def _name(kind: str, root: Path) -> str | None:
    code = None if os.environ.get(SWITCH) == "off" else code_version()
    return f"{kind}-{digest(str(root), code)[:40]}.pickle" if code else None


@cache
def code_version() -> str | None:
    """Return the hash of the code that computes results; None where cij is not in files.

    Sizes and times of files are enough, as for Python's own cache of modules.
    """
    own, *others = (importlib.util.find_spec(name) for name in ("cij", *_PACKAGES))
    folders = (own and own.submodule_search_locations) or []
    found = [state for folder in folders for state in _states(folder)]
    if not found:
        return None
    origins = [spec.origin for spec in others if spec is not None and spec.origin]
    return digest(sys.version, *sorted(found), *map(_state, origins))


def _states(folder: str) -> list[str]:
    # Strings and not paths: there are some 500 files, and making a Path takes longer than the
    # system call.
    return [
        _state(f"{inside}{os.sep}{file}")
        for inside, _, files in os.walk(folder)
        for file in files
        if file.endswith((".py", ".lark", ".journey"))
    ]


def _state(file: str) -> str:
    try:
        status = os.stat(file)
    except OSError:
        return f"{file} is not there"
    return f"{file} {status.st_size} {status.st_mtime_ns}"


def _forget_the_oldest(folder: Path) -> None:
    entries = [(path.stat(), path) for path in folder.iterdir() if path.is_file()]
    entries.sort(key=lambda entry: entry[0].st_mtime, reverse=True)
    total = 0
    for count, (status, path) in enumerate(entries):
        total += status.st_size
        if total > BYTES_MAX or count >= ENTRIES_MAX:
            path.unlink(missing_ok=True)
