"""The texts of the two sides of a comparison: of a working tree, a commit, or with one file replaced."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cij.app.catalog_file import catalog_of, load_catalog
from cij.app.config import Settings, project_settings
from cij.app.git import Tree
from cij.app.journey_file import SUFFIX, text_of
from cij.app.project_files import CATALOG_NAME, FILE_NAME, read_contents, read_sources
from cij.compiler.column_statistics import Catalog
from cij.grammar.diagnostic import Diagnostic
from cij.runtime.errors import ConfigError

_Read = Callable[[Iterable[str]], dict[str, str]]


@dataclass(frozen=True, slots=True)
class ProjectTexts:
    """All texts that a project means something by. `read` returns the files that messages name.

    `commit` is the commit that they are of, where they are of one. `faults` are sentences about settings that
    could not be read, so that others stand in their place.
    """

    label: str
    settings: Settings
    sources: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...]
    read: _Read
    catalog: Catalog
    commit: str | None = None
    faults: tuple[str, ...] = ()


def of_folder(root: Path, label: str) -> ProjectTexts:
    """Return the texts of a project on disk. Raises: ConfigError."""
    try:
        settings = project_settings((root / FILE_NAME).read_bytes(), label)
    except OSError as error:
        raise ConfigError(f"cannot read {root / FILE_NAME}: {error.strerror}") from error
    sources, diagnostics = read_sources(root)
    return ProjectTexts(
        label,
        settings,
        sources,
        diagnostics,
        lambda paths: read_contents(root, paths),
        load_catalog(root),
    )


def of_tree(tree: Tree, instead: Settings | None = None) -> ProjectTexts:
    """Return the texts of a project at a commit; of one that is not there yet, no texts.

    `instead` are settings in place of those that are missing or wrong at the commit: an older version need not
    be right. Raises: ConfigError where there are none.
    """
    names = [name for name in tree.entries if _is_source(name, tree)]
    found = tree.read([*names, FILE_NAME, CATALOG_NAME])
    texts = {name: text_of(found[name], name) for name in sorted(names) if name in found}
    faults: list[str] = []
    return ProjectTexts(
        tree.label,
        _settings(found.get(FILE_NAME), tree.label, instead, faults),
        {name: text for name, text in texts.items() if isinstance(text, str)},
        tuple(text for text in texts.values() if isinstance(text, Diagnostic)),
        lambda paths: _read(tree, paths),
        _catalog(found.get(CATALOG_NAME), tree.label, instead is not None, faults),
        tree.commit,
        tuple(faults),
    )


def _settings(
    data: bytes | None, label: str, instead: Settings | None, faults: list[str]
) -> Settings:
    if data is None and instead is not None:
        return instead
    if data is None:
        raise ConfigError(f"there is no {FILE_NAME} in {label}")
    try:
        return project_settings(data, label)
    except ConfigError as error:
        if instead is None:
            raise
        faults.append(str(error))
        return instead


def _read(tree: Tree, paths: Iterable[str]) -> dict[str, str]:
    texts = ((name, text_of(data, name)) for name, data in tree.read(paths).items())
    return {name: text for name, text in texts if isinstance(text, str)}


def _is_source(name: str, tree: Tree) -> bool:
    """Tell whether a file is read, by the same rules as on disk (`project_files`)."""
    parts = name.split("/")
    if not name.endswith(SUFFIX) or any(part.startswith(".") for part in parts):
        return False
    folders = ("/".join(parts[:n]) for n in range(1, len(parts)))
    return not any(f"{folder}/{FILE_NAME}" in tree.entries for folder in folders)


def _catalog(data: bytes | None, label: str, is_forgiving: bool, faults: list[str]) -> Catalog:
    if data is None:
        return {}
    try:
        return catalog_of(data.decode("utf-8"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        fault = f"{CATALOG_NAME} in {label} is damaged ({error})"
        if not is_forgiving:
            raise ConfigError(fault) from error
        faults.append(fault)
        return {}


def with_file(texts: ProjectTexts, name: str, data: bytes | None, label: str) -> ProjectTexts:
    """Return a project with another text of one file, or (None) without the file."""
    found: Any = text_of(data, name) if data is not None else None
    sources = {n: text for n, text in texts.sources.items() if n != name}
    kept = tuple(d for d in texts.diagnostics if d.span.file != name)
    if isinstance(found, str):
        sources = dict(sorted({**sources, name: found}.items()))
    elif found is not None:
        kept = (*kept, found)
    return replace(texts, label=label, sources=sources, diagnostics=kept)
