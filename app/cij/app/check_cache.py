"""The cache of whole checks: a report is valid while nothing that the check reads has changed.

A check reads cij.toml and the variables that it names, the catalog, every `.journey` file, the
reasons why others cannot be read, and the files that messages name. The last are known only after a
check. So the cached answer has their digests, and they are read again.
"""

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cij.app.cache import digest, recalled, remember
from cij.app.check_report import CheckReport
from cij.app.project_files import CATALOG_NAME, FILE_NAME, find_root, read_contents, read_sources
from cij.grammar.diagnostic import Diagnostic
from cij.runtime.state_folder import current

_KIND = "answer"
_ENV = "env:"


@dataclass(frozen=True, slots=True)
class Question:
    """A project as it was read from disk. `surroundings` is the digest of settings and catalog."""

    root: Path
    sources: dict[str, str]
    unreadable: tuple[Diagnostic, ...]
    surroundings: str

    @property
    def key(self) -> str:
        texts = (part for source in self.sources.items() for part in source)
        return digest(self.surroundings, repr(self.unreadable), *texts)


@dataclass(frozen=True, slots=True)
class _Answer:
    """A report without its texts, for one key. `contents` are digests by path; None for no file.

    Texts are left out, because they are on disk and would make the cache large.
    """

    key: str
    contents: Mapping[str, str | None]
    report: CheckReport


def ask(path: Path) -> Question:
    """Read the files of the project to which `path` belongs. Raises: ConfigError."""
    root = find_root(path)
    return Question(root, *read_sources(root), _surroundings(root))


def answer(question: Question) -> CheckReport | None:
    """Return the report of the last check, if that read exactly the same; else None."""
    found = recalled(_KIND, question.root)
    if not isinstance(found, _Answer) or found.key != question.key:
        return None
    contents = read_contents(question.root, found.contents)
    if contents_digests(found.contents, contents) != found.contents:
        return None
    return replace(found.report, texts={**question.sources, **contents})


def remember_answer(question: Question, needed: Iterable[str], report: CheckReport) -> None:
    """Cache a report. `needed` are the paths that messages name; `report.texts` has their texts."""
    if is_as_found(question):
        contents = contents_digests(needed, report.texts)
        found = _Answer(question.key, contents, replace(report, texts={}))
        remember(_KIND, question.root, found)


def is_as_found(question: Question) -> bool:
    """Tell whether settings and catalog have not changed since the question was asked.

    A file that changes during compilation may have been read before or after the change. Such a
    report must not be cached.
    """
    return _surroundings(question.root) == question.surroundings


def is_unchanged(root: Path, digests: Mapping[str, str | None]) -> bool:
    """Tell whether the files that messages name still have these digests."""
    return contents_digests(digests, read_contents(root, digests)) == digests


def contents_digests(paths: Iterable[str], texts: Mapping[str, str]) -> dict[str, str | None]:
    """Return the digest of the text of each path; None for a path without text."""
    return {path: digest(texts[path]) if path in texts else None for path in paths}


def _surroundings(root: Path) -> str:
    settings, catalog = _text(root / FILE_NAME), _text(root / CATALOG_NAME)
    return digest(settings, repr(_variables(settings)), catalog, current() or "")


def _text(file: Path) -> str:
    try:
        # Any bytes have to give a text: what is wrong with them is reported by the check itself.
        return file.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        # A file that cannot be read differs from an empty one. No text file has a NUL.
        return f"\0{error}"


def _variables(settings: str) -> list[tuple[str, str | None]]:
    """Return the values of the environment variables that cij.toml names (`"env:NAME"`)."""
    try:
        found = sorted(_names(tomllib.loads(settings)))
    except ValueError:
        return []
    return [(name, os.environ.get(name)) for name in found]


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _names(inner)
    elif isinstance(value, str) and value.startswith(_ENV):
        yield value.removeprefix(_ENV)
