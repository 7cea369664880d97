"""What the words of `cij diff BASE HEAD` mean: revisions of git, folders, or files."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from cij.app import git
from cij.app.compared_files import ProjectTexts, of_folder, of_tree, with_file
from cij.app.journey_file import SUFFIX
from cij.app.project_files import find_root
from cij.app.request_error import RequestError
from cij.runtime.errors import ConfigError

_NOW = "the files on disk"
_BRANCH = re.compile(r"\w[\w.-]*")
_FETCH = "does it need `git fetch`?"


@dataclass(frozen=True, slots=True)
class Sides:
    """What is compared. `repository` is there where git has the project."""

    root: Path
    base: ProjectTexts
    head: ProjectTexts
    repository: git.Repository | None = None


def sides(path: Path, base: str, head: str | None) -> Sides:
    """Read both sides. Raises: RequestError for what is no revision, folder or file; ConfigError."""
    if _is_file(base) or (head is not None and _is_file(head)):
        return _of_files(base, head)
    if head is None and ".." in base and not Path(base).exists():
        return _of_range(path, base)
    if _is_folder(base) and head is not None and _is_folder(head):
        root = find_root(Path(head))
        return Sides(root, of_folder(find_root(Path(base)), base), of_folder(root, head))
    root = find_root(path)
    repository = git.repository_of(root)
    newer = of_folder(root, _NOW) if head is None else _side(head, root, repository)
    older = _side(base, root, repository, newer)
    return Sides(root, older, newer, repository)


def _is_file(word: str) -> bool:
    return word.endswith(SUFFIX) and Path(word).is_file()


def _is_folder(word: str) -> bool:
    return Path(word).is_dir()


def _side(
    word: str, root: Path, repository: git.Repository | None, otherwise: ProjectTexts | None = None
) -> ProjectTexts:
    """Return the texts of a revision, or of a folder where no revision has that name."""
    if not word.strip():
        raise RequestError("BASE and HEAD cannot be empty; name a revision, such as `main`")
    commit = git.commit_of(repository, word) if repository is not None else None
    if commit is None and _is_folder(word):
        return of_folder(find_root(Path(word)), word)
    if commit is None or repository is None:
        raise RequestError(_unknown(word, root, repository))
    return _at(commit, word, repository, otherwise)


def _at(
    commit: str,
    word: str,
    repository: git.Repository,
    otherwise: ProjectTexts | None,
) -> ProjectTexts:
    short = commit[:9]
    label = short if word.startswith(short) else f"{word} ({short})"
    tree = git.tree_at(repository, commit, label)
    return of_tree(tree, otherwise.settings if otherwise is not None else None)


def _unknown(word: str, root: Path, repository: git.Repository | None) -> str:
    if repository is None:
        why = git.why_no_repository(root)
        return f"`{word}` is no folder, and git knows no revision: {why}"
    if git.is_shallow(repository):
        return (
            f"git does not know the revision `{word}`: this is a shallow clone, which lacks older commits. "
            "`git fetch --unshallow` gets them; in a GitHub workflow `fetch-depth: 0` does"
        )
    if Path(word).exists():
        return f"`{word}` is neither a revision of git nor a project folder nor a {SUFFIX} file"
    hint = f"for a branch of a remote write `origin/{word}`" if _BRANCH.fullmatch(word) else _FETCH
    return f"`{word}` is neither a revision of git nor a folder; {hint}"


def _of_range(path: Path, words: str) -> Sides:
    """Compare as `git diff A..B` and `A...B` do; the latter from the last commit that both have."""
    is_from_merge_base = "..." in words
    one, _, other = words.partition("..." if is_from_merge_base else "..")
    root = find_root(path)
    repository = git.repository_of(root)
    newer = _side(other or "HEAD", root, repository)
    older = _side(one or "HEAD", root, repository, newer)
    if is_from_merge_base and repository is not None and older.commit and newer.commit:
        common = git.merge_base(repository, older.commit, newer.commit)
        if common is None:
            more = "; this is a shallow clone" if git.is_shallow(repository) else ""
            raise RequestError(f"`{one}` and `{other or 'HEAD'}` have no commit in common{more}")
        older = _at(common, f"{one or 'HEAD'} where the branch began", repository, newer)
    return Sides(root, older, newer, repository)


# --- files ------------------------------------------------------------------------------------


def _of_files(base: str, head: str | None) -> Sides:
    """Compare two versions of one file, within the project of the newer one."""
    if head is None:
        raise RequestError(
            f"{base} is a file: name the other version too, or compare with a revision: `cij diff HEAD`"
        )
    for word in (base, head):
        if not _is_file(word):
            raise RequestError(f"{word} is not a {SUFFIX} file, and the other one is")
    root = find_root(Path(head))
    name = _inside(Path(head), root)
    texts = of_folder(root, head)
    earlier = Path(base).resolve()
    if earlier.is_relative_to(root) and earlier != Path(head).resolve():
        # Both are in the project, and each would declare the names of the other again.
        texts = with_file(texts, _inside(earlier, root), None, head)
    return Sides(root, with_file(texts, name, earlier.read_bytes(), base), texts)


def _inside(file: Path, root: Path) -> str:
    return file.resolve().relative_to(root).as_posix()


def of_one_file(path: str, old: Path | None, new: Path | None) -> Sides:
    """Compare two versions of one file of the working tree, as git hands them to a diff driver.

    Raises: ConfigError where the file is in no project.
    """
    place = Path(path).resolve()
    folder = next((f for f in place.parents if f.is_dir()), None)
    if folder is None:
        raise ConfigError(f"there is no folder for {path}")
    root = find_root(folder)
    name = place.relative_to(root).as_posix()
    texts = of_folder(root, path)
    one, other = (f.read_bytes() if f is not None else None for f in (old, new))
    return Sides(
        root,
        with_file(texts, name, one, f"{path}, before"),
        replace(with_file(texts, name, other, f"{path}, after"), label=path),
    )
