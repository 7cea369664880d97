"""Atomic writes: after a crash a file has either its old or its new content."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from cij.runtime.errors import ConfigError
from cij.runtime.private_files import require_inside


def write_atomically(path: Path, text: str, root: Path | None = None) -> None:
    """Write UTF-8 text with line feeds. An existing file keeps its mode. Raises: ConfigError.

    With `root`, the folder of the project, a link that leads out of it is refused.
    """
    if root is not None:
        require_inside(root, path)
    # The target of a link is replaced, so the link itself stays.
    target = path.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, text)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error


def _replace(target: Path, text: str) -> None:
    # In the same folder, because a rename is atomic only within one file system.
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        if target.exists():
            shutil.copymode(target, name)
        else:
            # `mkstemp` makes private files, and others may have to read this one.
            os.chmod(name, 0o666 & ~_umask())
        os.replace(name, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def _umask() -> int:
    # The mask can be read only by setting it.
    mask = os.umask(0)
    os.umask(mask)
    return mask
