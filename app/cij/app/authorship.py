"""Who applies a program, and from which commit of git: for the history of an environment."""

import getpass
from pathlib import Path

from cij.app import git
from cij.app.request_error import RequestError

_DIRTY = " with changes that are not committed"


def author(root: Path) -> str:
    """Return the address that git has for the person who calls; else the name of their account."""
    try:
        if address := git.own_address(root):
            return address
    except RequestError:
        pass
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def revision(root: Path) -> str:
    """Return the short hash of the commit of the files; empty where git has none."""
    try:
        repository = git.repository_of(root)
        commit = git.commit_of(repository, "HEAD") if repository is not None else None
        if repository is None or commit is None:
            return ""
        return commit[:9] + (_DIRTY if git.is_dirty(repository) else "")
    except RequestError:
        return ""
