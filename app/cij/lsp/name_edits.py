"""Definition, references and rename: what the editor does with a name."""

import re
from collections.abc import Iterator

from lsprotocol import types

from cij.app.open_texts import View
from cij.compiler.occurrences import Occurrence
from cij.compiler.review.lineage import Node
from cij.grammar import syntax
from cij.lsp.documents import uri_of
from cij.lsp.positions import offset_of, range_of

_PLAIN = re.compile(r"[^\W\d]\w*")
# What people inside a journey, or rows in the store, are known by: a rename of the text alone would
# make something new of it.
_FIXED = {
    "journey": "a journey with another name is a new journey: people inside the old one would leave it",
    "profile": "the profile has one name in all templates",
}


def at(view: View, file: str, position: types.Position) -> Occurrence | None:
    """Return the name at a position."""
    offset = offset_of(position, view.text(file))
    for each in view.occurrences:
        if each.span.file == file and each.span.start <= offset <= each.span.end:
            return each
    return None


def places(
    view: View, node: Node, *, is_declaration: bool | None = None
) -> Iterator[types.Location]:
    """Yield all places of a name, or only declarations, or only uses."""
    for each in view.occurrences:
        if each.node == node and is_declaration in (None, each.is_declaration):
            yield types.Location(
                uri_of(view.root / each.span.file), range_of(each.span, view.text(each.span.file))
            )


def refusal(view: View, node: Node, new: str) -> str | None:
    """Return why a name cannot get another one; None where it can."""
    if node.kind in _FIXED:
        return _FIXED[node.kind]
    if _is_of_fragment(view, node):
        return "journeys that run the fragment know its steps by name: rename it by hand"
    if not any(each.node == node and each.is_declaration for each in view.occurrences):
        return f"`{node.name}` is not declared in this project"
    others = _others_at_its_places(view, node)
    if others:
        return f"one place means both `{node.name}` and `{others[0].name}`: rename them by hand"
    if _PLAIN.fullmatch(new) is None:
        return f"`{new}` is no name: a name has letters, digits and `_`, and begins with a letter"
    if any(each.node == _other(node, new) for each in view.occurrences):
        return f"there is a {node.kind} `{new}` already"
    return None


def _is_of_fragment(view: View, node: Node) -> bool:
    owner = Node("fragment", node.name.partition(".")[0])
    return node.kind == "step" and any(each.node == owner for each in view.occurrences)


def _others_at_its_places(view: View, node: Node) -> list[Node]:
    """Return the names that share a place with this one, as `trigger.total` of two events."""
    own = {each.span for each in view.occurrences if each.node == node}
    return sorted({e.node for e in view.occurrences if e.span in own and e.node != node})


def _other(node: Node, new: str) -> Node:
    owner, dot, _ = node.name.rpartition(".")
    return Node(node.kind, f"{owner}{dot}{new}")


def renamed(view: View, node: Node, new: str) -> dict[str, list[types.TextEdit]]:
    """Return the edits that give a name another one, by document.

    A step and a source also get a line `renamed OLD to NEW`, because people or rows in the store are
    known by the old name.
    """
    found: dict[str, list[types.TextEdit]] = {}
    for location in places(view, node):
        found.setdefault(location.uri, []).append(types.TextEdit(location.range, new))
    note = _note(view, node, new)
    if note is not None:
        found.setdefault(note[0], []).append(note[1])
    return found


def _note(view: View, node: Node, new: str) -> tuple[str, types.TextEdit] | None:
    owner, _, old = node.name.rpartition(".")
    if not _is_known_by_name(view, node):
        return None
    for name, file in view.compiled.compilation.files.items():
        for declaration in file.declarations:
            if _holds(declaration, node.kind, owner):
                return uri_of(view.root / name), _inserted(view.text(name), declaration, old, new)
    return None


def _is_known_by_name(view: View, node: Node) -> bool:
    """Tell whether people at a step, or customers of a source, are known by this name."""
    profile = view.compiled.compilation.model.profile
    mapped = {mapping.source for mapping in profile.mappings} if profile is not None else set()
    return node.kind == "step" or (node.kind == "source" and node.name in mapped)


def _holds(declaration: syntax.TopLevel, kind: str, owner: str) -> bool:
    """Tell whether a declaration has the line `renamed` for such a name."""
    if kind == "step":
        return isinstance(declaration, syntax.Journey) and declaration.name.text == owner
    return isinstance(declaration, syntax.Declaration) and declaration.kind.text == "profile"


def _inserted(text: str, declaration: syntax.TopLevel, old: str, new: str) -> types.TextEdit:
    """Return the insertion of the line `renamed` below the first line of a declaration."""
    brace = text.index("{", declaration.span.start)
    line = text.count("\n", 0, brace) + 1
    start = types.Position(line, 0)
    return types.TextEdit(types.Range(start, start), f"  renamed {old} to {new}\n")
