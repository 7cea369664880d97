"""Text to program: the pipeline, and the one public function.

    text --parse--> syntax --resolve--> model --lower--> program

The package does no I/O, reads no clock and draws no random numbers: callers hand it texts and get
values back.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from cij.compiler.allowances import allow
from cij.compiler.content import check_content
from cij.compiler.declaration_kinds import (
    DECLARATION_KINDS,
    FIELD_KINDS,
    KIND_OF,
    LATER,
    DeclarationKind,
)
from cij.compiler.declarations.event import interactions
from cij.compiler.declarations.fragment import check_unused
from cij.compiler.declarations.message import content_files
from cij.compiler.declarations.policy import check_consents
from cij.compiler.event_cycles import check_event_cycles
from cij.compiler.library import Library, borrow
from cij.compiler.lowering.program import lower
from cij.compiler.mistake_list import MistakeList
from cij.compiler.model import Model, ProjectSettings
from cij.compiler.pass_state import Build, Catalog
from cij.compiler.program import Program
from cij.compiler.proofs import check_proofs
from cij.compiler.rename_fix import with_rename_fix
from cij.compiler.stories import resolve_stories
from cij.compiler.story import Story
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Diagnostic, Label, Suppressed
from cij.grammar.parser import PLACEHOLDER, parse
from cij.grammar.span import file_start

Files = Mapping[str, syntax.File]
_Named = syntax.Journey | syntax.Fragment | syntax.Policy | syntax.Declaration


@dataclass(frozen=True, slots=True)
class Compilation:
    """`program` is there exactly when no diagnostic is an error; `stories` are no part of it.

    `files` are those of the project; `borrowed` are the texts of the library's modules that it uses.

    `suppressed` are warnings that comments allow; they are not among the diagnostics.
    """

    program: Program | None
    model: Model
    files: Files
    diagnostics: tuple[Diagnostic, ...]
    stories: tuple[Story, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    borrowed: Mapping[str, str] = field(default_factory=dict)


def parse_files(texts: Mapping[str, str]) -> tuple[dict[str, syntax.File], list[Diagnostic]]:
    """Parse every file of a project, in the order of their names."""
    files: dict[str, syntax.File] = {}
    found: list[Diagnostic] = []
    for file in sorted(texts):
        files[file], diagnostics = parse(file, texts[file])
        found += diagnostics
    return files, found


def needed_contents(files: Files) -> list[str]:
    """Return the paths of content files that the messages of a project name."""
    return sorted({path for file in files.values() for path in content_files(file.declarations)})


def compile_project(
    settings: ProjectSettings,
    texts: Mapping[str, str],
    contents: Mapping[str, str],
    catalog: Catalog,
    parsed: tuple[dict[str, syntax.File], list[Diagnostic]] | None = None,
    is_zone: Callable[[str], bool] = lambda name: True,
    library: Library = MappingProxyType({}),
    constant_fault: Callable[[str], str | None] = lambda expression: None,
) -> Compilation:
    """Compile a project.

    `contents` holds the content files by path, `catalog` the columns of sources that do not
    declare them; `parsed` saves parsing twice for a caller that has done it to read the contents;
    `is_zone` is true for names of time zones, which the compiler cannot look up itself; `library` has
    the texts of all modules that `use` may name; `constant_fault` evaluates an expression of a template
    that reads nothing, and returns why that fails for every customer.
    Diagnostics come sorted by place.
    """
    own, parsing = parsed or parse_files(texts)
    diagnostics = MistakeList(parsing)
    borrowed = borrow(own, library, diagnostics.append)
    # The library comes first: a project that takes one of its names gets the mistake.
    files = {**borrowed.files, **own}
    texts = {**borrowed.texts, **texts}
    build = Build(Model(settings), diagnostics, {}, {}, texts, contents, catalog, is_zone=is_zone)
    build.constant_fault = constant_fault
    build.library, build.used = library, borrowed.modules
    _index(files, build)
    resolve(build, files)
    program = None if _has_errors(build.diagnostics) else lower(build.model)
    if program is not None:
        check_proofs(build)
    stories = resolve_stories(own.values(), build, program)
    kept, suppressed = allow(texts, _without_consequences(build, files))
    read = {**contents, **texts}
    fixed = (with_rename_fix(diagnostic, read) for diagnostic in kept)
    found = tuple(sorted(fixed, key=lambda d: (d.span, d.code)))
    whole = None if _has_errors(found) else program
    return Compilation(whole, build.model, own, found, stories, tuple(suppressed), borrowed.texts)


def _has_errors(diagnostics: Sequence[Diagnostic]) -> bool:
    return any(d.is_error for d in diagnostics)


def _without_consequences(build: Build, files: Files) -> list[Diagnostic]:
    """Leave out what may only follow from mistakes of syntax.

    A damaged declaration may lack parts, and may hold parts that the author did not write, so nothing
    is reported in it. A name that others miss may be declared there, so that is not reported either;
    where the damage is in fields, or in the name itself, it may be any name. If some sends of a
    message were not read, the fields that it can rely on are not known.
    """
    lost = frozenset[str]().union(*(file.lost for file in files.values()))
    if not lost:
        return build.diagnostics
    lost -= set(_whole(files))
    unseen = {codes.MISSING_DEFAULT.code} | (_CONSEQUENCES if _may_miss_any(files) else set())
    return [
        d
        for d in build.diagnostics
        if d.code.startswith(_SYNTAX)
        or not (d.code in unseen or _is_damaged(d, files) or _is_lost(d, lost))
    ]


def _whole(files: Files) -> Iterator[str]:
    """Yield the names of the declarations that were read as they stand."""
    for file in files.values():
        damaged = set(file.damaged)
        for node in file.declarations:
            if isinstance(node, syntax.Declaration | syntax.Journey) and node.span not in damaged:
                yield node.name.text


def _may_miss_any(files: Files) -> bool:
    damaged = {span for file in files.values() for span in file.damaged}
    nodes = (node for file in files.values() for node in file.declarations)
    return any(
        node.kind.text in FIELD_KINDS or node.name.text == PLACEHOLDER
        for node in nodes
        if isinstance(node, syntax.Declaration) and node.span in damaged
    )


_SYNTAX = "CIJ1"
_NO_PROFILE = "the project has no profile: nothing says who its customers are"
_CONSEQUENCES = {
    codes.UNKNOWN_NAME.code,
    codes.NO_CONSENT_RULE.code,
    codes.UNKNOWN_PLACEHOLDER.code,
    codes.TYPE_MISMATCH.code,
}


def without_unread(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Leave out what may only follow from a file that could not be read: it may declare any name."""
    return [d for d in diagnostics if d.code not in _CONSEQUENCES and d.message != _NO_PROFILE]


def _is_damaged(diagnostic: Diagnostic, files: Files) -> bool:
    file = files.get(diagnostic.span.file)
    if file is None:
        return False
    # In the order of the declarations, which do not overlap.
    before = bisect_right(file.damaged, diagnostic.span.start, key=lambda span: span.start)
    return before > 0 and diagnostic.span.start < file.damaged[before - 1].end


def _is_lost(diagnostic: Diagnostic, lost: frozenset[str]) -> bool:
    return diagnostic.code in _CONSEQUENCES and not _quoted(diagnostic).isdisjoint(lost)


def _quoted(diagnostic: Diagnostic) -> set[str]:
    return set(re.findall(r"`([^`]+)`", diagnostic.message))


def resolve(build: Build, files: Files) -> None:
    """Fill the model kind by kind, then check what needs all of them."""
    for event in interactions():
        build.model.events[event.name] = event
    for kind in DECLARATION_KINDS:
        for node in kind.written(build).values():
            kind.define(node, build)
        kind.check(build)
    if build.model.profile is None:
        _report_no_profile(build, files)
    check_consents(build)
    check_unused(build)
    check_event_cycles(build)
    check_content(build)


def _report_no_profile(build: Build, files: Files) -> None:
    # A profile with a mistake of syntax is not in the tree.
    is_hidden = any(d.code == codes.UNEXPECTED_TEXT.code for d in build.diagnostics)
    if build.declared["profile"] or is_hidden:
        return
    span = file_start(min(files) if files else "cij.toml")
    hint = "add `profile customer { … }`" if files else "there is no .journey file yet; add one"
    build.report(codes.MISSING_SETTING.at(span, _NO_PROFILE, help=hint))


# --- the index --------------------------------------------------------------------------------


# The first spelling of a name, by the kind of declaration and the name without capitals.
_Spellings = dict[tuple[str, str], str]


def _index(files: Files, build: Build) -> None:
    build.declared = {
        kind.word: {} for kind in DECLARATION_KINDS if kind.node is syntax.Declaration
    }
    spellings: _Spellings = {}
    for file in files.values():
        for node in file.declarations:
            _index_one(node, spellings, build)


def _index_one(node: syntax.TopLevel, spellings: _Spellings, build: Build) -> None:
    word = DeclarationKind.word_of(node)
    # A `use` has been followed, and a `test` makes a story.
    if isinstance(node, (syntax.Use, syntax.Test)):
        return
    if word in LATER:
        message = f"`{word}` is understood, but not available in this version"
        span = node.kind.span if isinstance(node, syntax.Declaration) else node.span
        build.report(codes.NOT_YET_AVAILABLE.at(span, message))
        return
    _keep(node, KIND_OF[word].written(build), spellings, build)


def _keep(node: _Named, known: dict[str, _Named], spellings: _Spellings, build: Build) -> None:
    name = node.name.text
    if name in known:
        message = f"two {DeclarationKind.word_of(node)}s are called `{name}`"
        related: Sequence[Label] = [Label(known[name].name.span, "first here")]
        build.report(codes.DUPLICATE_NAME.at(node.name.span, message, related=related))
        return
    twin = spellings.setdefault((DeclarationKind.word_of(node), name.casefold()), name)
    if twin != name:
        message = (
            f"`{name}` and `{twin}` differ only in upper and lower case and would share a table"
        )
        related = [Label(known[twin].name.span, "first here")]
        build.report(codes.DUPLICATE_NAME.at(node.name.span, message, related=related))
    known[name] = node
