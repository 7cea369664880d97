"""catalog.lock.json: the columns of the sources that declare none, found in their rows.

Works from the syntax alone, for a project with such a source does not compile yet.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cij.cli.compiling import CATALOG_NAME
from cij.cli.project import Project, open_project
from cij.cli.writing import write_atomically
from cij.compiler.compilation import parse_files
from cij.compiler.declarations.source import unresolved_source
from cij.compiler.program import Source
from cij.grammar import syntax
from cij.runtime.engine import DuckEngine
from cij.runtime.errors import DataError
from cij.runtime.sources.sniff import SniffedColumn, sniff_columns

CATALOG_VERSION = 1


@dataclass(slots=True)
class RefreshReport:
    """`declared` are the sources with columns of their own; `failures` one sentence a source."""

    columns: dict[str, list[SniffedColumn]] = field(default_factory=dict)
    declared: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    is_changed: bool = False


def refresh_catalog(path: Path) -> RefreshReport:
    """Read the sources of the project at `path` and write its catalog. Raises: ConfigError.

    A source that cannot be read keeps the entry that it has.
    """
    project = open_project(path)
    report = RefreshReport()
    file = project.root / CATALOG_NAME
    old = _entries(file)
    entries: dict[str, Any] = {}
    for node in _declared_sources(project):
        name = node.name.text
        if _has_columns(node):
            report.declared.append(name)
        elif (found := _sniffed(node, project, report)) is not None:
            report.columns[name] = found
            entries[name] = {"columns": {c.name: _column(c) for c in found}}
        elif name in old:
            entries[name] = old[name]
    if entries or file.exists():
        report.is_changed = _written(file, entries)
    return report


def _declared_sources(project: Project) -> Iterator[syntax.Declaration]:
    files, _ = parse_files(project.sources)
    for file in files.values():
        for node in file.declarations:
            if isinstance(node, syntax.Declaration) and node.kind.text == "source":
                yield node


def _has_columns(node: syntax.Declaration) -> bool:
    blocks = (item for item in node.items if isinstance(item, syntax.Block))
    return any(block.word.text == "columns" for block in blocks)


def _sniffed(
    node: syntax.Declaration, project: Project, report: RefreshReport
) -> list[SniffedColumn] | None:
    source = unresolved_source(node, project.settings.project.timezone)
    if source is None:
        name = node.name.text
        report.failures.append(f"source {name}: its settings have mistakes; see `cij check`")
        return None
    try:
        return _columns(source, project.root)
    except DataError as error:
        report.failures.append(str(error))
        return None


def _columns(source: Source, root: Path) -> list[SniffedColumn]:
    engine = DuckEngine(None)
    try:
        return sniff_columns(engine, source, root)
    finally:
        engine.close()


def _column(column: SniffedColumn) -> dict[str, Any]:
    return {"type": column.type, "unknown_share": column.unknown_share}


def _entries(file: Path) -> dict[str, Any]:
    """Return what the catalog says; a damaged one says nothing and is written anew."""
    try:
        sources = json.loads(file.read_text(encoding="utf-8"))["sources"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return sources if isinstance(sources, dict) else {}


def _written(file: Path, entries: dict[str, Any]) -> bool:
    """Write the catalog unless it says the same already; the sources are sorted by name."""
    ordered = {name: entries[name] for name in sorted(entries)}
    content = {"version": CATALOG_VERSION, "sources": ordered}
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    if file.is_file() and file.read_text(encoding="utf-8", errors="replace") == text:
        return False
    write_atomically(file, text)
    return True
