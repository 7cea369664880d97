"""The parse table, built once a user and kept in a private cache folder.

Building takes a hundred times longer than loading. The file is a pickle, so whoever can write it
can run code: it is read only from a folder and a file that nobody else could have written.
Lark's own `cache=True` uses a predictable name in the shared temp folder and is never used.
"""

import hashlib
import io
import os
import pickle
import stat
import sys
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path

import lark
from lark import Lark

GRAMMAR_FILES = ("journey.lark", "words.lark", "literals.lark")
_FOREIGN_WRITERS = stat.S_IWGRP | stat.S_IWOTH
# What a damaged pickle of a Lark table can raise while it is read.
_DAMAGE: tuple[type[Exception], ...] = (
    pickle.UnpicklingError,
    EOFError,
    ArithmeticError,
    LookupError,
    AttributeError,
)
_DAMAGE += (TypeError, ValueError, ImportError, AssertionError, MemoryError)


@cache
def table() -> Lark:
    """Return the parser table from the cache, or build it and try to keep it."""
    path = cache_folder() / f"grammar-{fingerprint()}.table"
    return _load(path) or _build_and_keep(path)


def build(is_strict: bool = False) -> Lark:
    """Build the table from the grammar files. `is_strict` needs interegular."""
    return Lark(
        "\n".join(_sources()),
        parser="lalr",
        lexer="contextual",
        strict=is_strict,
        propagate_positions=True,
        keep_all_tokens=True,
        maybe_placeholders=False,
    )


def cache_folder() -> Path:
    """Return the folder of this user, which may not exist yet."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(root) if os.path.isabs(root) else Path.home() / ".cache") / "cij"


@cache
def fingerprint() -> str:
    """Return the hash of all that a table depends on."""
    digest = hashlib.sha256()
    for source in _sources():
        digest.update(source.encode() + b"\0")
    digest.update(f"{lark.__version__} {sys.version_info[:2]}".encode())
    return digest.hexdigest()


def _sources() -> list[str]:
    return [files("cij.grammar").joinpath(name).read_text("utf-8") for name in GRAMMAR_FILES]


def _load(path: Path) -> Lark | None:
    if not (_is_private(path.parent) and _is_private(path)):
        return None
    try:
        return Lark.load(io.BytesIO(path.read_bytes()))
    except _DAMAGE:
        return None


def _is_private(path: Path) -> bool:
    """Tell whether only this user, or root, can have written `path`."""
    try:
        status = path.lstat()
    except OSError:
        return False
    if stat.S_ISLNK(status.st_mode):
        return False
    if not hasattr(os, "getuid"):
        return True  # Windows: the profile folder is private by its access list.
    return status.st_uid == os.getuid() and not status.st_mode & _FOREIGN_WRITERS


def _build_and_keep(path: Path) -> Lark:
    lark = build()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_private(path.parent):
            _write(lark, path)
    except OSError:
        pass  # A read-only home costs time at the next start, nothing else.
    return lark


def _write(lark: Lark, path: Path) -> None:
    """Write under another name first: a reader sees the whole file or none."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".table-")
    try:
        with os.fdopen(handle, "wb") as file:
            lark.save(file)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
