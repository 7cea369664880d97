"""What the editor shows beside a name or a word."""

import re

from lsprotocol import types

from cij.app.open_texts import View
from cij.app.pages import word_page
from cij.app.people_now import PeopleNow
from cij.compiler.explain import explanation
from cij.compiler.occurrences import Occurrence
from cij.compiler.review.lineage_report import detail
from cij.lsp.name_edits import at
from cij.lsp.positions import offset_of, range_of

_WORD = re.compile(r"\w+")


def hover(view: View, file: str, position: types.Position, people: PeopleNow) -> types.Hover | None:
    """Return what is known of the name or the word at a position."""
    found = at(view, file, position)
    if found is not None:
        text = view.text(file)
        return types.Hover(_markdown(_of_name(view, found, people)), range_of(found.span, text))
    word = _word(view.text(file), position)
    page = word_page(word) if word else None
    return types.Hover(_markdown(page)) if page is not None else None


def _markdown(text: str) -> types.MarkupContent:
    return types.MarkupContent(types.MarkupKind.Markdown, text)


def _of_name(view: View, found: Occurrence, people: PeopleNow) -> str:
    node, made = found.node, view.compiled.compilation
    lines = [f"**{node.kind}** `{node.name}`"]
    says = detail(node, made.model)
    if says:
        lines[0] += f": {says}"
    lines += explanation(node.kind, node.name, made.model, made.files)
    count = people.at(node.kind, node.name)
    if count is not None:
        lines.append(f"{count:,} people now.")
    uses = sum(1 for each in view.occurrences if each.node == node and not each.is_declaration)
    lines.append(f"Used in {uses} place{'' if uses == 1 else 's'}.")
    return "\n\n".join(lines)


def _word(text: str, position: types.Position) -> str:
    offset = offset_of(position, text)
    for match in _WORD.finditer(text):
        if match.start() <= offset <= match.end():
            return match.group()
    return ""
