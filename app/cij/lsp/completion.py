"""What may be written at a place: the words that the grammar accepts, and the names that fit."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from lsprotocol import types

from cij.app.open_texts import View
from cij.app.pages import word_page
from cij.compiler.functions import FUNCTIONS
from cij.compiler.model import Model
from cij.compiler.review.lineage import PARTS, Node
from cij.compiler.review.lineage_report import detail
from cij.compiler.typecheck.aggregates import AGGREGATES
from cij.grammar.fitting import Fitting, fitting
from cij.grammar.language_words import words_of
from cij.lsp.positions import offset_of

_BEGUN = re.compile(r"[\w.]*\Z")
_CHANNELED = ("send", "sent")
# The word before a name, and the kind of name that follows it.
_BEFORE: Mapping[str, str] = {
    "segment": "segment",
    "enter": "event",
    "on": "event",
    "event": "event",
    "emit": "event",
    "do": "action",
    "done": "action",
    "run": "fragment",
    "to": "step",
    "at": "step",
    "from": "source",
}
_KINDS: Mapping[str, types.CompletionItemKind] = {
    "event": types.CompletionItemKind.Event,
    "field": types.CompletionItemKind.Field,
    "measure": types.CompletionItemKind.Value,
    "step": types.CompletionItemKind.Reference,
    "action": types.CompletionItemKind.Function,
}
_NAMES = frozenset(("NAME", "PATH"))


class _Place(NamedTuple):
    view: View
    fit: Fitting
    file: str
    begun: str

    @property
    def model(self) -> Model:
        return self.view.compiled.compilation.model

    def word(self, back: int) -> str:
        """Return the token so many places before the name that is begun."""
        before = self.fit.before
        return before[-back] if len(before) >= back else ""


def completion(view: View, file: str, position: types.Position) -> list[types.CompletionItem]:
    """Return what fits at a position, names first."""
    text = view.text(file)
    offset = offset_of(position, text)
    begun = _BEGUN.search(text[:offset])
    assert begun is not None, "it also matches nothing"
    place = _Place(view, fitting(text, begun.start()), file, begun.group())
    found = [*_names(place), *_words(place)]
    return list({item.label: item for item in found}.values())


def _words(place: _Place) -> Iterator[types.CompletionItem]:
    for word in words_of(place.fit.terminals):
        page = word_page(word.split()[0])
        documentation = types.MarkupContent(types.MarkupKind.Markdown, page) if page else None
        yield types.CompletionItem(
            label=word,
            kind=types.CompletionItemKind.Keyword,
            documentation=documentation,
            sort_text=f"2{word}",
        )


def _names(place: _Place) -> Iterator[types.CompletionItem]:
    owner, dot, _ = place.begun.rpartition(".")
    if dot:
        yield from _parts(place, owner)
        return
    is_value = False
    for node in _fitting_nodes(place):
        is_value |= node.kind in ("field", "measure", "column")
        yield _item(node, place, node.name.rpartition(".")[2] if node.kind in PARTS else node.name)
    if is_value:
        for name in (*FUNCTIONS, *AGGREGATES):
            yield types.CompletionItem(
                name, kind=types.CompletionItemKind.Function, sort_text=f"3{name}"
            )


def _item(node: Node, place: _Place, label: str) -> types.CompletionItem:
    return types.CompletionItem(
        label=label,
        kind=_KINDS.get(node.kind, types.CompletionItemKind.Variable),
        detail=f"{node.kind} {detail(node, place.model)}".strip(),
        sort_text=f"1{label}",
    )


def _fitting_nodes(place: _Place) -> Iterator[Node]:
    """Yield the names that may be written here, by the words before."""
    if place.word(2) in _CHANNELED:
        messages = place.model.messages.values()
        yield from (Node("message", m.name) for m in messages if m.channel == place.word(1))
    elif place.word(1) == "(" and place.word(2) in _interactions(place.model):
        yield from _steps(place)
    elif place.word(1) == "=" and place.word(2) in ("topic", "source"):
        yield from _declared(place, place.word(2))
    elif place.word(1) in _BEFORE and place.fit.terminals & _NAMES:
        kind = _BEFORE[place.word(1)]
        yield from _steps(place) if kind == "step" else _declared(place, kind)
    elif place.word(1) == "for" and place.fit.before[0] == "test":
        yield from _declared(place, "journey")
    elif place.word(1) == "for":
        yield from _declared(place, "event")
    elif "PATH" in place.fit.terminals:
        yield from _values(place)


def _interactions(model: Model) -> set[str]:
    return {name for name, event in model.events.items() if event.is_interaction}


def _declared(place: _Place, kind: str) -> Iterator[Node]:
    known = {each.node for each in place.view.occurrences if each.node.kind == kind}
    if kind == "event":
        known |= {Node("event", name) for name in place.model.events}
    yield from sorted(known)


def _steps(place: _Place) -> Iterator[Node]:
    journey = place.fit.before[1] if len(place.fit.before) > 1 else ""
    known = (each.node for each in place.view.occurrences if each.is_declaration)
    yield from sorted({n for n in known if n.kind == "step" and n.name.startswith(f"{journey}.")})


def _values(place: _Place) -> Iterator[Node]:
    """Yield fields and measures for a condition, and columns within a mapping."""
    profile = place.model.profile
    yield from (Node("field", each.name) for each in (profile.fields if profile else ()))
    yield from (Node("measure", name) for name in place.model.measures)
    source = _mapped_source(place)
    if source in place.model.sources:
        columns = place.model.sources[source].columns
        yield from (Node("column", f"{source}.{column.name}") for column in columns)


def _mapped_source(place: _Place) -> str:
    """Return the source whose columns may be named: of `from shop { … }`, or `source = shop`."""
    before = place.fit.before
    for index in range(len(before) - 1, 0, -1):
        if before[index - 1] == "from" or before[index - 2 : index] == ("source", "="):
            return before[index]
    return before[1] if before[:1] == ("source",) else ""


def _parts(place: _Place, owner: str) -> Iterator[types.CompletionItem]:
    """Yield what may follow `owner.`"""
    model = place.model
    if owner == "consent":
        yield from (_item(Node("topic", name), place, f"consent.{name}") for name in model.topics)
    for name in place.fit.before if owner in ("trigger", "event") else (owner,):
        event = model.events.get(name)
        for field in event.fields if event is not None else ():
            yield _item(Node("event field", f"{name}.{field.name}"), place, f"{owner}.{field.name}")
    source = model.sources.get(owner)
    for column in source.columns if source is not None else ():
        yield _item(Node("column", f"{owner}.{column.name}"), place, f"{owner}.{column.name}")
