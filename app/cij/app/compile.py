"""Compiles the project at a path."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cij.app.catalog_file import load_catalog
from cij.app.journey_file import SUFFIX
from cij.app.project import Project, open_project
from cij.app.request_error import InvalidProject
from cij.app.standard_library import library
from cij.app.syntax_cache import Parsed, parse_project
from cij.compiler.column_statistics import Catalog
from cij.compiler.compilation import (
    Compilation,
    compile_project,
    needed_contents,
    parse_files,
    without_unread,
)
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Program
from cij.compiler.story import Story
from cij.grammar.diagnostic import Diagnostic
from cij.runtime.errors import PermanentDelivery
from cij.runtime.zone_names import zone_names


@dataclass(frozen=True)
class Compiled:
    """A project with its compilation. `texts` has every file to which a diagnostic may refer."""

    project: Project
    compilation: Compilation
    texts: dict[str, str]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if d.is_error)

    @property
    def program(self) -> Program:
        """The program. Raises: InvalidProject where the journeys have errors."""
        if self.errors or self.compilation.program is None:
            raise InvalidProject(self.errors, self.texts)
        return self.compilation.program


def compile_path(path: Path) -> Compiled:
    """Compile the project at `path`. Its mistakes are in the result. Raises: ConfigError."""
    return compile_opened(open_project(path))


def compile_opened(project: Project, instead: Mapping[str, str] | None = None) -> Compiled:
    """Compile a project that was read already. Texts of `instead` replace those of its files.

    Raises: ConfigError.
    """
    changed = instead or {}
    sources = {name: changed.get(name, text) for name, text in project.sources.items()}
    # Changed texts are not on disk, so their trees must not be cached.
    parsed = parse_files(sources) if instead else parse_project(project.root, sources)
    contents = project.read_content(needed_contents(parsed[0]))
    contents = {name: changed.get(name, text) for name, text in contents.items()}
    return compile_read(project, sources, parsed, contents, load_catalog(project.root))


def compile_read(
    project: Project,
    sources: Mapping[str, str],
    parsed: Parsed,
    contents: Mapping[str, str],
    catalog: Catalog,
) -> Compiled:
    """Compile texts that were read and parsed, from disk or from anywhere else."""
    settings = project.settings.project
    compilation = compile_project(
        ProjectSettings(settings.name, settings.timezone, settings.language, settings.region),
        sources,
        contents,
        catalog,
        parsed,
        lambda name: name in zone_names(),
        library(),
        _constant_fault,
    )
    texts = {**sources, **contents, **compilation.borrowed}
    own = compilation.diagnostics
    found = (*project.diagnostics, *(without_unread(own) if project.diagnostics else own))
    return Compiled(project, compilation, texts, tuple(sorted(found, key=lambda d: d.span)))


def _constant_fault(expression: str) -> str | None:
    """Return why an expression of a template that reads nothing cannot be evaluated, or None."""
    from cij.runtime.delivery.dialect import marked_text

    try:
        marked_text(f"{{{{{expression}}}}}", {})
    except PermanentDelivery as error:
        return str(error).removeprefix("the message cannot be written: ")
    return None


def compiled(path: Path) -> tuple[Project, Program]:
    """Return the project at `path` and its program. Raises: ConfigError, InvalidProject.

    Warnings do not count here: `cij check` shows them.
    """
    result = compile_path(path)
    return result.project, result.program


def compiled_stories(path: Path) -> tuple[Program, tuple[Story, ...]]:
    """Return the program and the tests: all of the project, or those of the file at `path`.

    Raises: ConfigError, InvalidProject.
    """
    result = compile_path(path)
    program, stories = result.program, result.compilation.stories
    if path.is_file() and path.suffix == SUFFIX:
        file = path.resolve().relative_to(result.project.root).as_posix()
        stories = tuple(s for s in stories if s.place.file == file)
    return program, stories
