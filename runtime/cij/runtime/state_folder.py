"""The folder of the state of a project: `.cij`, or `.cij/NAME` for the environment `NAME` of cij.toml.

A process works in one environment. So its name is a fact of the process, as the current folder is. Orders,
answers and the status file of one environment never reach another.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cij.runtime.errors import ConfigError

VARIABLE = "CIJ_ENV"
STATE = Path(".cij")
# A name is part of a path, so it has no dots and no slashes. These are names of files in `.cij`.
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_TAKEN = ("answers", "backup", "cache", "inbox", "intake", "outbox")

_chosen: str | None = None


def current() -> str | None:
    """Return the environment of this process; None for the settings at the top of cij.toml.

    Raises: ConfigError where the variable has a text that is no name.
    """
    name = _chosen or os.environ.get(VARIABLE) or None
    if name is not None and (fault := fault_of(name)):
        raise ConfigError(fault)
    return name


def fault_of(name: str) -> str | None:
    """Return why a text cannot be the name of an environment; None where it can."""
    if not _NAME.fullmatch(name):
        return (
            f"`{name}` cannot be the name of an environment: use small letters, digits, `-` and `_`"
        )
    if name in _TAKEN:
        return f"`{name}` cannot be the name of an environment: `.cij` has such a folder already"
    return None


@contextmanager
def environment(name: str | None) -> Iterator[None]:
    """Work in an environment; None leaves it as it is."""
    global _chosen
    before = _chosen
    _chosen = name or before
    try:
        yield
    finally:
        _chosen = before


def state_folder() -> Path:
    """Return the folder of the state, as a path from the project folder."""
    name = current()
    return STATE / name if name is not None else STATE
