"""Compiles a project together with the texts that an editor has open and has not written yet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cij.app.catalog_file import load_catalog
from cij.app.compile import Compiled, compile_read
from cij.app.project import Project, open_project
from cij.compiler.compilation import needed_contents
from cij.compiler.occurrences import Occurrence, occurrences
from cij.grammar import syntax
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.parser import parse

_Tree = tuple[syntax.File, list[Diagnostic]]


class View:
    """A project at one moment. Its names are looked up when somebody asks for one."""

    def __init__(self, root: Path, compiled: Compiled) -> None:
        self.root, self.compiled = root, compiled

    @cached_property
    def occurrences(self) -> tuple[Occurrence, ...]:
        """All names with their places."""
        made = self.compiled
        return tuple(occurrences(made.compilation.files, made.compilation.model, made.texts))

    def name_of(self, path: Path) -> str:
        """Return the name of a file of the project, as diagnostics give it."""
        return path.relative_to(self.root).as_posix()

    def text(self, name: str) -> str:
        return self.compiled.texts.get(name, "")


@dataclass(slots=True)
class OpenTexts:
    """The texts of one project that are open. Files whose text is unchanged are parsed once."""

    root: Path
    by_name: dict[str, str] = field(default_factory=dict)
    _trees: dict[str, tuple[str, _Tree]] = field(default_factory=dict)
    _made: tuple[object, View] | None = None

    def view(self) -> View:
        """Return the project as it is now. Raises: ConfigError where `cij.toml` is wrong."""
        project = open_project(self.root)
        sources = {**project.sources, **self._journeys()}
        state = (project.settings, sources, dict(self.by_name))
        if self._made is None or self._made[0] != state:
            self._made = (state, View(self.root, self._compiled(project, sources)))
        return self._made[1]

    def _journeys(self) -> dict[str, str]:
        return {name: text for name, text in self.by_name.items() if name.endswith(".journey")}

    def _compiled(self, project: Project, sources: Mapping[str, str]) -> Compiled:
        parsed = self._parsed(sources)
        contents = project.read_content(needed_contents(parsed[0]))
        contents = {name: self.by_name.get(name, text) for name, text in contents.items()}
        # A file that cannot be read from disk may be open, and then its text counts.
        readable = [d for d in project.diagnostics if d.span.file not in self.by_name]
        project = Project(project.root, project.settings, project.sources, tuple(readable))
        return compile_read(project, sources, parsed, contents, load_catalog(project.root))

    def _parsed(
        self, sources: Mapping[str, str]
    ) -> tuple[dict[str, syntax.File], list[Diagnostic]]:
        files: dict[str, syntax.File] = {}
        found: list[Diagnostic] = []
        for name in sorted(sources):
            files[name], diagnostics = self._tree(name, sources[name])
            found += diagnostics
        self._keep(sources)
        return files, found

    def _tree(self, name: str, text: str) -> _Tree:
        known = self._trees.get(name)
        if known is None or known[0] != text:
            known = self._trees[name] = (text, parse(name, text))
        return known[1]

    def _keep(self, names: Iterable[str]) -> None:
        """Forget the trees of files that are gone."""
        there = set(names)
        self._trees = {name: tree for name, tree in self._trees.items() if name in there}
