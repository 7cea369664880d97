"""Which columns of sources the conditions of a project compare with something.

The catalog keeps values of these only: it is committed, and others need none of its values. It works from
the syntax tree, because a project without a catalog may not compile yet.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass

from cij.grammar import syntax

_COMPARES = frozenset(["=", "!=", "<", "<=", ">", ">=", "contains", "starts with", "matches"])


@dataclass(slots=True)
class _Found:
    """Names that are compared, and what fields are made of: (source, field) by the columns they read."""

    compared: set[str] = field(default_factory=set)
    made_of: list[tuple[str, str, set[str]]] = field(default_factory=list)
    columns: set[tuple[str, str]] = field(default_factory=set)


def compared_columns(files: Iterable[syntax.File]) -> frozenset[tuple[str, str]]:
    """Return (source, column) of all columns that are compared, directly or as a field made of them."""
    found = _Found()
    for file in files:
        for node in file.declarations:
            _take(node, found)
    # A field may be made of other fields.
    grown = -1
    while grown != len(found.compared):
        grown = len(found.compared)
        for _, name, read in found.made_of:
            if name in found.compared:
                found.compared |= read
    for source, name, read in found.made_of:
        if name in found.compared:
            found.columns |= {(source, column) for column in read}
    return frozenset(found.columns)


def _take(node: syntax.TopLevel, found: _Found) -> None:
    if not isinstance(node, syntax.Declaration):
        found.compared |= set(_compared(node))
        return
    source = _source_of(node)
    if node.kind.text == "source":
        # Its filter compares columns.
        found.columns |= {(node.name.text, name) for name in _compared(node)}
        return
    found.compared |= set(_compared(node))
    for item in node.items:
        if isinstance(item, syntax.Block):
            of = item.argument.text if isinstance(item.argument, syntax.Name) else source
            settings = [i for i in item.items if isinstance(i, syntax.Setting)]
            for each in settings:
                name = each.key.parts[-1]
                found.made_of.append((of, name, {p.parts[-1] for p in _paths(each.value)}))
                # What a field is made of may be compared in itself: `newsletter = "yes"`.
                found.columns |= {(of, column) for column in _compared(each.value)}


def _source_of(node: syntax.Declaration) -> str:
    settings = (i for i in node.items if isinstance(i, syntax.Setting) and i.key.text == "source")
    return next((s.value.text for s in settings if isinstance(s.value, syntax.Path)), "")


def _compared(node: object) -> Iterator[str]:
    """Yield the last part of each name below a node that something is compared with."""
    for inner in _walk(node):
        match inner:
            case syntax.Binary(operator=operator) if operator in _COMPARES:
                yield from (p.parts[-1] for p in _paths((inner.left, inner.right)))
            case syntax.InList() | syntax.Between() | syntax.Switch():
                yield from (p.parts[-1] for p in _paths(inner.value))


def _paths(node: object) -> Iterator[syntax.Path]:
    return (inner for inner in _walk(node) if isinstance(inner, syntax.Path))


def _walk(node: object) -> Iterator[object]:
    pending = [node]
    while pending:
        inner = pending.pop()
        if isinstance(inner, (tuple, list)):
            pending += inner
        elif is_dataclass(inner) and not isinstance(inner, type):
            yield inner
            pending += [getattr(inner, each.name) for each in fields(inner)]
