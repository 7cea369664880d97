"""`cij diff`: compares two versions of a project, and needs no store.

what the caller wrote --git, folder or file--> texts --parse, compile--> two models --review--> report
"""

from collections.abc import Iterator
from pathlib import Path

from cij.app.compared_files import ProjectTexts
from cij.app.compared_sides import Sides, sides
from cij.app.compile import Compiled, compile_read
from cij.app.project import Project
from cij.app.request_error import InvalidProject, RequestError
from cij.app.review_gate import gated
from cij.app.syntax_cache import Parsed, parse_project
from cij.compiler.compilation import needed_contents, parse_files
from cij.compiler.declaration_kinds import DECLARATION_KINDS, KIND_OF, DeclarationKind
from cij.compiler.naming import did_you_mean
from cij.compiler.program import Program
from cij.compiler.review.both_sides import Compiled as ComparedSide
from cij.compiler.review.compare import compare
from cij.compiler.review.review_report import Report, Side
from cij.grammar import syntax
from cij.grammar.diagnostic import Diagnostic

_ERRORS_MAX = 5


def diff(
    path: Path,
    base: str,
    head: str | None = None,
    journey: str | None = None,
    *,
    is_gated: bool = False,
) -> Report:
    """Compare two versions of the project at `path`; without `head`, the files on disk are the newer.

    With `is_gated` the report has the approvals that the rules of the project ask for.
    Raises: RequestError, ConfigError; InvalidProject where the newer one has errors.
    """
    found = sides(path, base, head)
    report = compared(found, journey)
    return gated(report, found) if is_gated else report


def compared(found: Sides, journey: str | None = None) -> Report:
    """Return the report of two sides. Raises: RequestError, InvalidProject."""
    parsed = parse_project(found.root, found.head.sources)
    newer = _compiled(found.root, found.head, parsed)
    if newer.errors:
        raise InvalidProject(newer.errors, newer.texts)
    if _says_the_same(found, parsed):
        older = newer
    else:
        older = _compiled(found.root, found.base, _parsed_older(found, parsed))
    one, other = _side(older, newer), _side(newer, newer)
    if journey is not None:
        _require(journey, one, other)
    labels = _label(found.base, older), _label(found.head, newer)
    return compare(one, other, labels, journey=journey)


def program_of(found: Sides) -> Program:
    """Return the program of the base of two sides. Raises: InvalidProject."""
    older = _compiled(
        found.root, found.base, _parsed_older(found, parse_project(found.root, found.head.sources))
    )
    return older.program


def both_programs(found: Sides) -> tuple[Program | None, Program]:
    """Return the programs of two sides; None for an older one that does not compile. Raises: InvalidProject."""
    parsed = parse_project(found.root, found.head.sources)
    newer = _compiled(found.root, found.head, parsed)
    older = _compiled(found.root, found.base, _parsed_older(found, parsed))
    return None if older.errors else older.compilation.program, newer.program


def _says_the_same(found: Sides, parsed: Parsed) -> bool:
    """Tell whether both sides have the same texts, so that compiling one is enough."""
    base, head = found.base, found.head
    is_same = (
        base.sources == head.sources
        and base.settings.project == head.settings.project
        and base.catalog == head.catalog
        and base.diagnostics == head.diagnostics
    )
    contents = needed_contents(parsed[0]) if is_same else []
    return is_same and base.read(contents) == head.read(contents)


def _parsed_older(found: Sides, newer: Parsed) -> Parsed:
    """Parse the files that differ; the trees of the others are those of the newer side."""
    sources = found.base.sources
    changed = {n: t for n, t in sources.items() if found.head.sources.get(n) != t}
    trees, diagnostics = parse_files(changed)
    files = {name: trees.get(name) or newer[0][name] for name in sorted(sources)}
    kept = [d for d in newer[1] if d.span.file in sources and d.span.file not in changed]
    return files, [*kept, *diagnostics]


def _compiled(root: Path, texts: ProjectTexts, parsed: Parsed) -> Compiled:
    project = Project(root, texts.settings, dict(texts.sources), texts.diagnostics)
    contents = texts.read(needed_contents(parsed[0]))
    return compile_read(project, texts.sources, parsed, contents, texts.catalog)


def _label(texts: ProjectTexts, made: Compiled) -> Side:
    program = made.compilation.program
    if not texts.sources and not texts.diagnostics:
        # A project that begins here has no errors; without a profile nothing compiles.
        return Side(label=f"{texts.label}, which has no journeys yet", hash=None)
    return Side(
        label=texts.label,
        hash=program.hash if program is not None else None,
        errors=(*texts.faults, *_sentences(made.errors)),
    )


def _sentences(errors: tuple[Diagnostic, ...]) -> Iterator[str]:
    for error in errors[:_ERRORS_MAX]:
        yield f"{error.span.file}:{error.span.line}: {error.code} {error.message}"
    if len(errors) > _ERRORS_MAX:
        yield f"and {len(errors) - _ERRORS_MAX} more"


def _require(journey: str, one: ComparedSide, other: ComparedSide) -> None:
    known = {*one.model.journeys, *other.model.journeys}
    if journey not in known:
        raise RequestError(
            f"there is no journey `{journey}`; {did_you_mean(journey, known) or 'see `cij catalog`'}"
        )


# --- what does not compile --------------------------------------------------------------------


def _side(made: Compiled, newer: Compiled) -> ComparedSide:
    found = made.compilation
    broken = frozenset(_broken(made, newer)) if made.errors else frozenset[tuple[str, str]]()
    return ComparedSide(found.model, found.program, found.stories, broken)


def _broken(made: Compiled, newer: Compiled) -> Iterator[tuple[str, str]]:
    """Yield the declarations that have errors, and those that are missing because of errors.

    A name that is lost in a mistake of syntax, or with a file that cannot be read, may be of any kind.
    """
    files = made.compilation.files
    for file in files.values():
        for node in file.declarations:
            if _is_declared(node) and _has_error(node, made):
                yield DeclarationKind.word_of(node), node.name.text  # type: ignore[union-attr]
    unreadable = {d.span.file for d in made.project.diagnostics}
    lost = {name for file in files.values() for name in file.lost}
    lost |= {
        node.name.text  # type: ignore[union-attr]
        for name, file in newer.compilation.files.items()
        if name in unreadable
        for node in file.declarations
        if _is_declared(node)
    }
    for kind in DECLARATION_KINDS:
        known = kind.made(newer.compilation.model)
        yield from ((kind.word, name) for name in lost if name in known)


def _is_declared(node: syntax.TopLevel) -> bool:
    return DeclarationKind.word_of(node) in KIND_OF


def _has_error(node: syntax.TopLevel, made: Compiled) -> bool:
    word, name = DeclarationKind.word_of(node), node.name.text  # type: ignore[union-attr]
    kind = KIND_OF[word]
    if kind.is_in_program and name not in kind.made(made.compilation.model):
        return True
    span = node.span
    return any(
        e.span.file == span.file and span.start <= e.span.start < span.end for e in made.errors
    )
