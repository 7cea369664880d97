"""What a declaration means, in plain words. The kind of a declaration knows how to say it."""

from collections.abc import Iterator, Mapping

from cij.compiler.declaration_kinds import DECLARATION_KINDS, DeclarationKind
from cij.compiler.model import Model
from cij.grammar import syntax


def explanations(name: str, source: Model, files: Mapping[str, syntax.File]) -> Iterator[list[str]]:
    """Yield the text, as lines, of each declaration that has this name.

    `files` are the syntax trees: the model has the comments of journeys and actions only.
    """
    for kind in _explained():
        part = kind.made(source).get(name)
        if part is not None and kind.explain is not None:
            head, *rest = kind.explain(part, source)
            yield [head, *_comment(kind, name, files), *rest]


def explanation(kind: str, name: str, source: Model, files: Mapping[str, syntax.File]) -> list[str]:
    """Return the text, as lines, of one declaration; empty where its kind has none."""
    for each in _explained():
        part = each.made(source).get(name)
        if each.word == kind and part is not None and each.explain is not None:
            _, *rest = each.explain(part, source)
            return [*_comment(each, name, files), *rest]
    return []


def names(source: Model) -> dict[str, list[str]]:
    """Return the names that have a meaning, by kind. Built-in events are left out."""
    return {
        kind.word: [n for n, part in kind.made(source).items() if not _is_built_in(part)]
        for kind in _explained()
    }


def _explained() -> list[DeclarationKind]:
    # What uses others comes first: a journey before the segment that it enters from.
    return [kind for kind in reversed(DECLARATION_KINDS) if kind.explain is not None]


def _is_built_in(part: object) -> bool:
    return bool(getattr(part, "is_interaction", False))


def _comment(kind: DeclarationKind, name: str, files: Mapping[str, syntax.File]) -> list[str]:
    """Return the comment above a declaration, unless its explanation has it already."""
    if kind.explains_comment:
        return []
    nodes = (node for file in files.values() for node in file.declarations)
    for node in nodes:
        if isinstance(node, kind.node) and (kind.word_of(node), node.name.text) == (
            kind.word,
            name,
        ):
            return node.doc.splitlines()
    return []
