"""Reads files out of a git repository. Nothing is checked out, and no hook or filter runs.

Git is called as a process, without a shell. A revision comes from the caller, so it is resolved first,
behind `--end-of-options`; all other calls get only the hashes that git returned.
"""

import os
import posixpath
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cij.app.request_error import RequestError
from cij.runtime.errors import ConfigError

_LINK, _FILE = "120000", "100"
# A chain of links that is longer leads nowhere.
_LINKS_MAX = 5


@dataclass(frozen=True, slots=True)
class Repository:
    """A working tree of git: its top folder, and the path of the project inside it, empty or with `/`."""

    top: Path
    prefix: str


@dataclass(slots=True)
class Tree:
    """The files of a project at one commit, by their path from the project folder.

    `label` is what the caller wrote and the short hash.
    """

    repository: Repository
    commit: str
    label: str
    entries: dict[str, tuple[str, str]] = field(default_factory=dict)

    def read(self, names: Iterable[str]) -> dict[str, bytes]:
        """Return the bytes of files, links followed; those that are not there are left out."""
        wanted = {name: hash for name in names if (hash := self._hash(name)) is not None}
        return {
            name: data
            for name, data in zip(wanted, _blobs(self.repository, wanted.values()), strict=True)
            if data is not None
        }

    def _hash(self, name: str, depth: int = 0) -> str | None:
        mode, hash = self.entries.get(posixpath.normpath(name), ("", ""))
        if mode == _LINK and depth < _LINKS_MAX:
            target = _blobs(self.repository, [hash])[0]
            inside = posixpath.join(
                posixpath.dirname(name), (target or b"").decode("utf-8", "replace")
            )
            return self._hash(inside, depth + 1)
        return hash if mode.startswith(_FILE) else None


def repository_of(folder: Path) -> Repository | None:
    """Return the repository around a folder; None where there is none, or no git."""
    found = _git(folder, ["rev-parse", "--show-toplevel", "--show-prefix"])
    if found.returncode:
        return None
    lines = found.stdout.decode("utf-8", "surrogateescape").split("\n")
    return Repository(Path(lines[0]), lines[1])


def why_no_repository(folder: Path) -> str:
    """Return why there is no repository around a folder, in the words of git."""
    found = _git(folder, ["rev-parse", "--show-toplevel"])
    return _reason(found.stderr)


def commit_of(repository: Repository, revision: str) -> str | None:
    """Return the hash of the commit that a revision means; None where there is none."""
    asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
    found = _git(repository.top, asked)
    return found.stdout.decode().strip() if not found.returncode else None


def merge_base(repository: Repository, one: str, other: str) -> str | None:
    """Return the last commit that two commits have in common."""
    found = _git(repository.top, ["merge-base", one, other])
    return found.stdout.decode().strip() if not found.returncode else None


def is_shallow(repository: Repository) -> bool:
    """Tell whether older commits are missing in this clone."""
    found = _git(repository.top, ["rev-parse", "--is-shallow-repository"])
    return found.stdout.strip() == b"true"


def own_address(folder: Path) -> str:
    """Return the address of the person who calls, as git would write it into a commit; else empty."""
    found = _git(folder, ["config", "user.email"])
    return found.stdout.decode("utf-8", "replace").strip() if not found.returncode else ""


def is_dirty(repository: Repository) -> bool:
    """Tell whether tracked files of the project differ from the last commit."""
    asked = ["status", "--porcelain", "--untracked-files=no", "--", repository.prefix or "."]
    return bool(_git(repository.top, asked).stdout.strip())


def tree_at(repository: Repository, commit: str, label: str) -> Tree:
    """Return the files of the project at a commit. Raises: ConfigError."""
    asked = ["ls-tree", "-r", "-z", "--full-tree", commit]
    found = _git(repository.top, [*asked, "--", repository.prefix] if repository.prefix else asked)
    if found.returncode:
        raise ConfigError(f"git cannot list the files of {label}: {_reason(found.stderr)}")
    tree = Tree(repository, commit, label)
    for line in found.stdout.split(b"\0")[:-1]:
        head, _, path = line.partition(b"\t")
        mode, _, hash = head.decode().split(" ")
        name = path.decode("utf-8", "surrogateescape").removeprefix(repository.prefix)
        tree.entries[name] = (mode, hash)
    return tree


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit with the address of its author. `is_signed` means that git trusts its signature."""

    email: str
    is_signed: bool
    message: str


def commits_between(repository: Repository, base: str, head: str) -> list[Commit]:
    """Return the commits that are in `head` and not in `base`, the newest first."""
    found = _git(repository.top, ["log", "-z", "--format=%ae%n%G?%n%B", f"{base}..{head}", "--"])
    if found.returncode:
        raise ConfigError(f"git cannot list the commits: {_reason(found.stderr)}")
    texts = found.stdout.decode("utf-8", "replace").split("\0")
    return [_commit(text) for text in texts if text]


def _commit(text: str) -> Commit:
    email, signature, message = text.split("\n", 2)
    return Commit(email, signature == "G", message)


def _blobs(repository: Repository, hashes: Iterable[str]) -> list[bytes | None]:
    """Return the contents of objects, None for one that is missing."""
    wanted = list(hashes)
    if not wanted:
        return []
    given = "".join(f"{hash}\n" for hash in wanted).encode()
    found = _git(repository.top, ["cat-file", "--batch"], given)
    if found.returncode:
        raise ConfigError(f"git cannot read its objects: {_reason(found.stderr)}")
    return list(_contents(found.stdout, len(wanted)))


def _contents(output: bytes, count: int) -> Iterable[bytes | None]:
    place = 0
    for _ in range(count):
        end = output.index(b"\n", place)
        words = output[place:end].split(b" ")
        if words[-1] == b"missing":
            place = end + 1
            yield None
            continue
        size = int(words[-1])
        yield output[end + 1 : end + 1 + size]
        place = end + size + 2


def _git(
    folder: Path, arguments: Sequence[str], given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Call git. Raises: RequestError where git is not installed or the folder is not there."""
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=folder,
            input=given,
            capture_output=True,
            env=_environment(),
            check=False,
        )
    except OSError as error:
        raise RequestError(f"git cannot be called: {error.strerror}") from error


# A hook has these for the repository that calls it, with paths from another folder.
_OF_HOOKS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


def _environment() -> Mapping[str, str]:
    # The messages of git are shown, so they have one language; no pager and no prompt may wait.
    fixed = {
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_PAGER": "cat",
    }
    return {**{k: v for k, v in os.environ.items() if k not in _OF_HOOKS}, **fixed}


def _reason(text: bytes) -> str:
    """Return the sentence of git that says what is wrong; hints come after it."""
    lines = text.decode("utf-8", "replace").strip().splitlines()
    fatal = [line.removeprefix("fatal: ") for line in lines if line.startswith("fatal: ")]
    return (fatal or lines[-1:] or ["it does not say why"])[0]
