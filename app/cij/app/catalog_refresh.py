"""Refreshes catalog.lock.json: statistics of source columns, and columns of sources that declare
none.

It works from the syntax tree alone, because a project with such a source does not compile yet.
"""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cij.app.atomic_write import write_atomically
from cij.app.catalog_file import described
from cij.app.project import Project, open_project
from cij.app.project_files import CATALOG_NAME
from cij.compiler.column_statistics import ColumnStatistics
from cij.compiler.compared_columns import compared_columns
from cij.compiler.compilation import parse_files
from cij.compiler.declarations.source import public_columns, unresolved_source
from cij.compiler.personal import names_a_person
from cij.grammar import syntax
from cij.runtime.errors import DataError
from cij.runtime.sources.loader import open_loader
from cij.runtime.sources.survey import survey_columns

CATALOG_VERSION = 1


@dataclass(slots=True)
class CatalogRefresh:
    """The result of a refresh.

    `columns` are the statistics by source. `failures` has a sentence for each source that could not
    be read. `is_changed` tells whether the content of the file differs from before.
    """

    columns: dict[str, dict[str, ColumnStatistics]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    is_changed: bool = False


def refresh_catalog(path: Path, *, is_dry: bool = False) -> CatalogRefresh:
    """Read the sources of the project at `path` and write its catalog. Raises: ConfigError.

    A source that cannot be read keeps its entry. With `is_dry` nothing is written.
    """
    project = open_project(path)
    report = CatalogRefresh()
    file = project.root / CATALOG_NAME
    old = _entries(file)
    entries: dict[str, Any] = {}
    files = list(parse_files(project.sources)[0].values())
    compared = compared_columns(files)
    for node in _declared_sources(files):
        name = node.name.text
        if (found := _surveyed(node, project, report, compared)) is not None:
            report.columns[name] = found
            entries[name] = {"columns": {n: described(seen) for n, seen in found.items()}}
        elif name in old:
            entries[name] = old[name]
    if entries or file.exists():
        report.is_changed = _written(file, entries, is_dry)
    return report


def _declared_sources(files: Sequence[syntax.File]) -> Iterator[syntax.Declaration]:
    for file in files:
        for node in file.declarations:
            if isinstance(node, syntax.Declaration) and node.kind.text == "source":
                yield node


def _surveyed(
    node: syntax.Declaration,
    project: Project,
    report: CatalogRefresh,
    compared: Collection[tuple[str, str]],
) -> dict[str, ColumnStatistics] | None:
    source = unresolved_source(node, project.settings.project.timezone)
    if source is None:
        name = node.name.text
        report.failures.append(f"source {name}: its settings have mistakes; see `cij check`")
        return None
    with open_loader() as loader:
        try:
            public = public_columns(node)
            return survey_columns(
                loader,
                source,
                project.root,
                _is_personal(source.personal, public),
                lambda column: column in public or (source.name, column) in compared,
            )
        except DataError as error:
            report.failures.append(str(error))
            return None


def _is_personal(named: Sequence[str], public: Sequence[str]) -> Callable[[str], bool]:
    return lambda column: column in named or (names_a_person(column) and column not in public)


def _entries(file: Path) -> dict[str, Any]:
    """Return the entries of the catalog. A damaged file has none and is replaced."""
    try:
        sources = json.loads(file.read_text(encoding="utf-8"))["sources"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return sources if isinstance(sources, dict) else {}


def _written(file: Path, entries: dict[str, Any], is_dry: bool) -> bool:
    """Write the catalog with sources sorted by name, and return whether its content has changed."""
    ordered = {name: entries[name] for name in sorted(entries)}
    content = {"version": CATALOG_VERSION, "sources": ordered}
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    if file.is_file() and file.read_text(encoding="utf-8", errors="replace") == text:
        return False
    if not is_dry:
        write_atomically(file, text, file.parent)
    return True
