"""A journey as a picture of its own: one SVG without scripts, fonts or links to elsewhere."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape

from cij.compiler.graph.coordinates import Box
from cij.compiler.graph.drawn_text import isolated, shown, width, wrapped
from cij.compiler.graph.outline import Graph, Node
from cij.compiler.graph.scene import (
    PADDING,
    SMALL_LINE,
    STRONG_LINE,
    Card,
    Label,
    Scene,
    leaf_card,
    scene,
)
from cij.compiler.graph.svg_style import ICONS, style_sheet

_MARGIN = 24
_HEAD_TEXT_MAX, _HEAD_LINES_MAX = 560, 6
_TITLE_SIZE, _TEXT_SIZE = 18, 13
_TITLE_LINE, _TEXT_LINE = 26, 19
_LEAF_GAP, _HEAD_GAP = 8, 28


def to_svg(graph: Graph) -> str:
    """Return the text of an `.svg` file."""
    texts = tuple(_head_texts(graph))
    leaves = _leaves(graph.leaves, sum(step for *_, step in texts))
    flow = scene(graph)
    wide = max(flow.width, *(width(t, size) for _, t, size, _ in texts), *_rights(leaves))
    top = _flow_top(texts, leaves)
    page = (int(wide) + 2 * _MARGIN, top + flow.height + _MARGIN)
    shift = _MARGIN + (int(wide) - flow.width) // 2
    name = "cij-" + (re.sub(r"[^A-Za-z0-9]+", "-", graph.name).strip("-") or "journey")
    parts = [
        *_opening(graph, name, page),
        *_head(texts),
        *(line for leaf in leaves for line in _card(leaf)),
        f'<g transform="translate({shift} {top})">',
        *_flow(flow, name),
        "</g>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _rights(cards: Sequence[Card]) -> list[int]:
    return [card.box.right - _MARGIN for card in cards]


def _flow_top(texts: Sequence[tuple[str, str, int, int]], leaves: Sequence[Card]) -> int:
    above = leaves[-1].box.bottom if leaves else _MARGIN + sum(step for *_, step in texts)
    return above + _HEAD_GAP


def _opening(graph: Graph, name: str, page: tuple[int, int]) -> Iterator[str]:
    wide, high = page
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" role="img" width="{wide}" '
        f'height="{high}" viewBox="0 0 {wide} {high}" aria-labelledby="{name}-t {name}-d">'
    )
    yield f'<title id="{name}-t">Journey {_xml(graph.name)}</title>'
    yield f'<desc id="{name}-d">{_xml(" ".join(_told(graph)))}</desc>'
    yield f"<style>\n{style_sheet('#' + name)}</style>"
    yield (
        f'<defs><marker id="{name}-a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
        '<path class="head" d="M0 0L8 4L0 8z"/></marker></defs>'
    )
    yield (f'<rect class="page" x="0.5" y="0.5" width="{wide - 1}" height="{high - 1}" rx="12"/>')


def _told(graph: Graph) -> Iterator[str]:
    """Yield the journey in sentences, for people who cannot see the picture."""
    if graph.doc:
        yield graph.doc
    texts = {node.id: node.text[0] for node in graph.nodes}
    yield from (f"{', '.join(node.text)}." for node in graph.leaves)
    for edge in graph.edges:
        label = f" ({' or '.join(edge.labels)})" if edge.labels else ""
        yield f"{texts[edge.source]}{label}, then {texts[edge.target]}."


# --- head -------------------------------------------------------------------------------------


def _head_texts(graph: Graph) -> Iterator[tuple[str, str, int, int]]:
    """Yield (class, text, font size, line height)."""
    for line in wrapped(graph.name, _TITLE_SIZE, _HEAD_TEXT_MAX, 2):
        yield "title", line, _TITLE_SIZE, _TITLE_LINE
    for text in (graph.doc, " · ".join(graph.notes)):
        for line in wrapped(text, _TEXT_SIZE, _HEAD_TEXT_MAX, _HEAD_LINES_MAX):
            if line:
                yield "quiet", line, _TEXT_SIZE, _TEXT_LINE


def _head(texts: Sequence[tuple[str, str, int, int]]) -> Iterator[str]:
    y = _MARGIN
    for name, text, size, step in texts:
        yield _text(name, _MARGIN, y + size, text)
        y += step


def _leaves(nodes: Sequence[Node], below: int) -> tuple[Card, ...]:
    cards: list[Card] = []
    y = _MARGIN + below + _LEAF_GAP
    for node in nodes:
        found = leaf_card(node)
        cards.append(replace(found, box=Box(_MARGIN, y, found.box.width, found.box.height)))
        y += found.box.height + _LEAF_GAP
    return tuple(cards)


# --- flow -------------------------------------------------------------------------------------


def _flow(flow: Scene, name: str) -> Iterator[str]:
    for line in flow.lines:
        yield f'<path class="edge" d="{line}" marker-end="url(#{name}-a)"/>'
    for label in flow.labels:
        yield from _label(label)
    for card in flow.cards:
        yield from _card(card)


def _label(label: Label) -> Iterator[str]:
    box = label.box
    yield f'<rect class="mask" {_place(box)}/>'
    for number, line in enumerate(label.lines):
        y = box.y + 14 + SMALL_LINE * number
        yield _text("label", box.middle, y, line, ' text-anchor="middle"')


def _card(card: Card) -> Iterator[str]:
    box, kind = card.box, card.node.kind
    yield f'<g class="{kind}">'
    yield f"<title>{_xml(chr(10).join((*card.node.text, card.node.place)))}</title>"
    yield _shape(card)
    yield f'<path class="icon" transform="translate({box.x + 10} {box.y + 11})" d="{ICONS[kind]}"/>'
    y = box.y + PADDING
    for name, step, lines in (
        ("strong", STRONG_LINE, card.strong),
        ("quiet small", SMALL_LINE, card.small),
    ):
        for line in lines:
            yield _text(name, box.x + 32, y + 13, line)
            y += step
    yield "</g>"


def _shape(card: Card) -> str:
    box = card.box
    if card.node.kind == "decide":
        x, y, middle = box.x, box.y, box.y + box.height // 2
        left, right = x + 8, box.right - 8
        path = f"M{left} {y}H{right}L{box.right} {middle}L{right} {box.bottom}H{left}L{x} {middle}z"
        return f'<path class="shape" stroke-linejoin="round" d="{path}"/>'
    is_round = card.node.kind in ("entry", "end")
    return f'<rect class="shape" {_place(box)} rx="{min(box.height // 2, 19) if is_round else 6}"/>'


def _place(box: Box) -> str:
    return f'x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}"'


def _text(name: str, x: int, y: int, text: str, more: str = "") -> str:
    return f'<text class="{name}" x="{x}" y="{y}"{more}>{escape(isolated(shown(text)))}</text>'


def _xml(text: str) -> str:
    """Return text for an element; its lines stay, and what XML cannot hold does not."""
    return "\n".join(escape(shown(line)) for line in text.splitlines())
