"""From a path on disk to a compiled program: the joint of the command line and the compiler."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from cij.cli.catalog_file import load_catalog
from cij.cli.exits import Exit
from cij.cli.library import library
from cij.cli.project import Project, open_project
from cij.cli.reading import SUFFIX
from cij.cli.render import render
from cij.cli.render.colour import painter
from cij.cli.trees import parse_project
from cij.compiler.compilation import (
    Compilation,
    compile_project,
    needed_contents,
    parse_files,
)
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Program
from cij.compiler.story import Story
from cij.grammar.diagnostic import Diagnostic
from cij.runtime.zone_names import zone_names


@dataclass(frozen=True)
class Compiled:
    """A project and what became of it. `texts` has every file that a diagnostic may point into."""

    project: Project
    compilation: Compilation
    texts: dict[str, str]
    diagnostics: tuple[Diagnostic, ...]


def compile_path(path: Path) -> Compiled:
    """Compile the project at `path`, whatever its mistakes. Raises: ConfigError."""
    return compile_opened(open_project(path))


def compile_opened(project: Project, instead: Mapping[str, str] | None = None) -> Compiled:
    """As `compile_path`, for a project that was read; texts of `instead` take the place of files.

    Raises: ConfigError.
    """
    changed = instead or {}
    sources = {name: changed.get(name, text) for name, text in project.sources.items()}
    parsed = parse_files(sources) if instead else parse_project(project.root, sources)
    contents = project.read_content(needed_contents(parsed[0]))
    contents = {name: changed.get(name, text) for name, text in contents.items()}
    settings = project.settings.project
    compilation = compile_project(
        ProjectSettings(settings.name, settings.timezone, settings.language),
        sources,
        contents,
        load_catalog(project.root),
        parsed,
        lambda name: name in zone_names(),
        library(),
    )
    texts = {**sources, **contents, **compilation.borrowed}
    found = (*project.diagnostics, *compilation.diagnostics)
    return Compiled(project, compilation, texts, tuple(sorted(found, key=lambda d: d.span)))


def compiled(path: Path) -> tuple[Project, Program]:
    """Return the program of the project at `path`; print its mistakes and exit if it has errors.

    Warnings are `cij check`'s business and are not shown here.
    """
    result = compile_path(path)
    return result.project, _program(result)


def compiled_stories(path: Path) -> tuple[Program, tuple[Story, ...]]:
    """As `compiled`, with the tests: all of the project, or those of the file that `path` is."""
    result = compile_path(path)
    program, stories = _program(result), result.compilation.stories
    if path.is_file() and path.suffix == SUFFIX:
        file = path.resolve().relative_to(result.project.root).as_posix()
        stories = tuple(s for s in stories if s.place.file == file)
    return program, stories


def _program(result: Compiled) -> Program:
    errors = [d for d in result.diagnostics if d.is_error]
    if errors or result.compilation.program is None:
        click.echo(render(errors, result.texts, "text", painter(sys.stderr)), err=True)
        raise click.exceptions.Exit(Exit.ERRORS)
    return result.compilation.program
