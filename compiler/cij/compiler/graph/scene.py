"""What an SVG of a journey consists of: cards, labels and lines with their places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from cij.compiler.graph.coordinates import Box, Placing, Size, placed
from cij.compiler.graph.drawn_text import width, wrapped
from cij.compiler.graph.layers import Cell, Layers, layered
from cij.compiler.graph.outline import Edge, Graph, Node

STRONG_SIZE, SMALL_SIZE = 13, 12
STRONG_LINE, SMALL_LINE = 18, 16
PADDING, ICON_ROOM = 10, 32
_CARD_TEXT_MAX, _LABEL_TEXT_MAX, _LEAF_TEXT_MAX = 230, 170, 520
_STRONG_LINES_MAX, _SMALL_LINES_MAX = 3, 4
# Bold letters are a little wider than the estimate, which is for plain ones.
_BOLD = 1.07
_LOOP_ROOM = 30
_PORT_GAP = 22


@dataclass(frozen=True, slots=True)
class Card:
    """A node. `strong` is its headline, `small` what is below, both in lines."""

    node: Node
    box: Box
    strong: tuple[str, ...]
    small: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Label:
    box: Box
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """`lines` are the paths of the edges, each in the direction in which people go."""

    cards: tuple[Card, ...]
    labels: tuple[Label, ...]
    lines: tuple[str, ...]
    width: int
    height: int


def scene(graph: Graph) -> Scene:
    """Return the flow of `graph` with the upper left corner at (0, 0)."""
    cards = {node.id: card(node, _CARD_TEXT_MAX) for node in graph.nodes}
    layers = layered(list(cards), [(edge.source, edge.target) for edge in graph.edges])
    labels = _labels(graph.edges, layers)
    loops = _loop_rooms(graph.edges, labels)
    placing = placed(layers, _sizes(layers, cards, labels, loops))
    found = {
        cell.node: replace(cards[cell.node], box=_centred(cards[cell.node].box, box))
        for cell, box in placing.boxes.items()
        if cell.node
    }
    return Scene(
        tuple(found.values()),
        tuple(_placed_labels(labels, layers, placing, found)),
        tuple(_lines(layers, placing, found)),
        placing.width,
        placing.height,
    )


def card(node: Node, text_max: int) -> Card:
    """Return the card of a node at (0, 0), as large as its text."""
    bold_max = text_max / _BOLD
    strong = tuple(wrapped(node.text[0], STRONG_SIZE, bold_max, _STRONG_LINES_MAX))
    lines = [wrapped(line, SMALL_SIZE, text_max, _SMALL_LINES_MAX) for line in node.text[1:]]
    small = tuple(line for group in lines for line in group)
    widths = [width(line, STRONG_SIZE) * _BOLD for line in strong]
    widths += [width(line, SMALL_SIZE) for line in small]
    edge = PADDING + (10 if node.kind == "decide" else 6)
    height = 2 * PADDING + STRONG_LINE * len(strong) + SMALL_LINE * len(small)
    return Card(node, Box(0, 0, ceil(max(widths)) + ICON_ROOM + edge, height), strong, small)


def _labels(edges: Sequence[Edge], layers: Layers) -> dict[int, Label]:
    """Return the labels of the edges that have some, by the number of the edge."""
    found: dict[int, Label] = {}
    for i, edge in enumerate(edges):
        texts = [f"or {text}" if n else text for n, text in enumerate(edge.labels)]
        wraps = [wrapped(text, SMALL_SIZE, _LABEL_TEXT_MAX, _SMALL_LINES_MAX) for text in texts]
        lines = tuple(line for group in wraps for line in group)
        if lines:
            wide = ceil(max(width(line, SMALL_SIZE) for line in lines))
            found[i] = Label(Box(0, 0, wide + 10, SMALL_LINE * len(lines) + 4), lines)
    return found


def _loop_rooms(edges: Sequence[Edge], labels: Mapping[int, Label]) -> dict[str, Size]:
    """Return how much room at its side a node needs that leads to itself."""
    boxes = {i: label.box for i, label in labels.items()}
    return {
        edge.source: (_LOOP_ROOM + boxes[i].width, boxes[i].height)
        if i in boxes
        else (_LOOP_ROOM, 0)
        for i, edge in enumerate(edges)
        if edge.source == edge.target
    }


def _sizes(
    layers: Layers,
    cards: Mapping[str, Card],
    labels: Mapping[int, Label],
    loops: Mapping[str, Size],
) -> dict[Cell, Size]:
    spots = {_label_cell(i, layers): label.box for i, label in labels.items()}
    sizes: dict[Cell, Size] = {}
    for cell in (cell for row in layers.rows for cell in row):
        if cell.node:
            box, (side, high) = cards[cell.node].box, loops.get(cell.node, (0, 0))
            sizes[cell] = (box.width + 2 * side, max(box.height, high))
        else:
            sizes[cell] = (spots[cell].width, spots[cell].height) if cell in spots else (0, 0)
    return sizes


def _label_cell(edge: int, layers: Layers) -> Cell:
    """Return the cell of an edge's label, the nearest to where people leave."""
    chain = layers.chains[edge]
    if len(chain) == 1:
        return chain[0]
    return chain[-2] if edge in layers.upward else chain[1]


def _centred(box: Box, room: Box) -> Box:
    x, y = room.x + (room.width - box.width) // 2, room.y + (room.height - box.height) // 2
    return replace(box, x=x, y=y)


def _placed_labels(
    labels: Mapping[int, Label], layers: Layers, placing: Placing, cards: Mapping[str, Card]
) -> list[Label]:
    found = []
    for i, label in labels.items():
        cell = _label_cell(i, layers)
        box = placing.boxes[cell]
        if cell.node:
            own, size = cards[cell.node].box, label.box
            y = own.y + (own.height - size.height) // 2
            box = Box(own.right + _LOOP_ROOM - 4, y, size.width, size.height)
        found.append(replace(label, box=box))
    return found


# --- lines ------------------------------------------------------------------------------------


def _lines(layers: Layers, placing: Placing, cards: Mapping[str, Card]) -> list[str]:
    ports = _ports(layers, placing, cards)
    found = []
    for i, chain in enumerate(layers.chains):
        first, last = cards[chain[0].node].box, cards[chain[-1].node].box
        if len(chain) == 1:
            found.append(_loop(first))
            continue
        points = [(ports[i], first.bottom), (ports[i], placing.rows[chain[0].rank][1])]
        for cell in chain[1:-1]:
            x, (top, bottom) = placing.boxes[cell].middle, placing.rows[cell.rank]
            # In a layer without height there is nothing to go around.
            points += [(x, top), (x, bottom)] if bottom > top else []
        points += [(last.middle, placing.rows[chain[-1].rank][0]), (last.middle, last.y)]
        found.append(_curve(points[::-1] if i in layers.upward else points))
    return found


def _ports(layers: Layers, placing: Placing, cards: Mapping[str, Card]) -> dict[int, int]:
    """Return where on the lower side of its upper node each edge begins, from left to right."""
    leaving: dict[str, list[tuple[int, int]]] = {}
    for i, chain in enumerate(layers.chains):
        if len(chain) > 1:
            leaving.setdefault(chain[0].node, []).append((placing.boxes[chain[1]].middle, i))
    ports: dict[int, int] = {}
    for node, edges in leaving.items():
        box, count = cards[node].box, len(edges)
        gap = min(_PORT_GAP, (box.width - 40) // max(count - 1, 1))
        for place, (_, i) in enumerate(sorted(edges)):
            ports[i] = box.middle + gap * place - gap * (count - 1) // 2
    return ports


def _curve(points: Sequence[tuple[int, int]]) -> str:
    """Return a path that is upright at each of the points."""
    (x, y), *rest = points
    path = f"M{x} {y}"
    for next_x, next_y in rest:
        middle = (y + next_y) // 2
        if next_x == x:
            path += f"V{next_y}" if next_y != y else ""
        else:
            path += f"C{x} {middle} {next_x} {middle} {next_x} {next_y}"
        x, y = next_x, next_y
    return path


def _loop(box: Box) -> str:
    x, top, bottom = box.right, box.y + box.height // 4, box.bottom - box.height // 4
    far = x + _LOOP_ROOM - 8
    return f"M{x} {bottom}C{far} {bottom} {far} {top} {x + 1} {top}"


def leaf_card(node: Node) -> Card:
    """Return the card of a goal or an exit: all in few lines, for the head of the drawing."""
    head, *rest = node.text
    return card(replace(node, text=(head, " ".join(rest)) if rest else (head,)), _LEAF_TEXT_MAX)
