"""What commands remember between runs: results that follow from texts alone, in the private folder.

A result is kept for each project, with a key that has all it depends on, `cij` itself included; the
next result takes its place. The folder has a bound, and what was not used for longest goes first.
`CIJ_CACHE=off` turns remembering off.
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
BYTES_MAX = 500_000_000
ENTRIES_MAX = 200
# What decides about texts and is not part of cij.
_PACKAGES = ("lark", "liquid", "pydantic", "pydantic_core", "tzdata")


def digest(*parts: str | bytes) -> str:
    """Return the hash of texts; other texts, or cut elsewhere, have another."""
    found = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        found.update(b"%d:" % len(data))
        found.update(data)
    return found.hexdigest()


def recalled(kind: str, root: Path) -> Any:
    """Return what was remembered of the project in the folder `root`, or None."""
    name = _name(kind, root)
    data = kept(name) if name else None
    if name is None or data is None:
        return None
    with suppress(OSError):
        os.utime(cache_folder() / name)  # It was used just now.
    # Only this user can have written it, with the very code that reads it now.
    return pickle.loads(data)


def remember(kind: str, root: Path, value: object) -> None:
    """Keep a value until the next one takes its place."""
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
    """Return the hash of what computes the results: as Python tells whether a module changed, by
    size and time of its file. None if cij does not lie in files."""
    own, *others = (importlib.util.find_spec(name) for name in ("cij", *_PACKAGES))
    folders = (own and own.submodule_search_locations) or []
    found = [state for folder in folders for state in _states(folder)]
    if not found:
        return None
    origins = [spec.origin for spec in others if spec is not None and spec.origin]
    return digest(sys.version, *sorted(found), *map(_state, origins))


def _states(folder: str) -> list[str]:
    # Plain strings: there are some 500 files, and a Path for each takes longer than asking the system.
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
