"""The outline of a file, and the numbers of people above segments and steps."""

from collections.abc import Iterator

from lsprotocol import types

from cij.app.open_texts import View
from cij.app.people_now import PeopleNow
from cij.grammar import syntax
from cij.grammar.span import Span
from cij.lsp.positions import range_of

_SYMBOLS = {
    "journey": types.SymbolKind.Class,
    "message": types.SymbolKind.String,
    "event": types.SymbolKind.Event,
    "test": types.SymbolKind.Method,
    "step": types.SymbolKind.Field,
}


def outline(view: View, file: str) -> list[types.DocumentSymbol]:
    """Return the declarations of a file, and the named steps of each journey below it."""
    tree = view.compiled.compilation.files.get(file)
    return [
        _symbol(node, view, file)
        for node in (tree.declarations if tree is not None else ())
        if not isinstance(node, syntax.Use)
    ]


def _symbol(node: syntax.TopLevel, view: View, file: str) -> types.DocumentSymbol:
    text = view.text(file)
    kind, name, place = _named(node)
    return types.DocumentSymbol(
        # A protocol without empty names: an untitled test is one that is being written.
        name=name or kind,
        detail=kind,
        kind=_SYMBOLS.get(kind, types.SymbolKind.Object),
        range=range_of(node.span, text),
        selection_range=range_of(place, text),
        children=list(_steps(name, view, file)) if kind == "journey" else [],
    )


def _named(node: syntax.TopLevel) -> tuple[str, str, Span]:
    if isinstance(node, syntax.Test):
        return "test", node.title.value, node.title.span
    assert not isinstance(node, syntax.Use), "it names a module and declares nothing"
    word = node.kind.text if isinstance(node, syntax.Declaration) else type(node).__name__.lower()
    return word, node.name.text, node.name.span


def _steps(journey: str, view: View, file: str) -> Iterator[types.DocumentSymbol]:
    for each in view.occurrences:
        if each.is_declaration and each.node.kind == "step" and each.span.file == file:
            owner, _, name = each.node.name.rpartition(".")
            if owner == journey:
                place = range_of(each.span, view.text(file))
                yield types.DocumentSymbol(name, types.SymbolKind.Field, place, place)


def lenses(view: View, file: str, people: PeopleNow) -> Iterator[types.CodeLens]:
    """Yield a line above each segment and each step with a name, with the people in it now."""
    for each in view.occurrences:
        if each.is_declaration and each.span.file == file:
            count = people.at(each.node.kind, each.node.name)
            if count is not None:
                where = "at this step" if each.node.kind == "step" else "in this segment"
                noun = "person" if count == 1 else "people"
                title = f"{count:,} {noun} {where}"
                place = range_of(each.span, view.text(file))
                yield types.CodeLens(place, types.Command(title=title, command=""))
