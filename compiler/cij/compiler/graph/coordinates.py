"""The coordinates of each cell. Rows keep their order; within it, joined cells are aligned."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cij.compiler.graph.layers import Cell, Layers, neighbours

NODE_GAP = 28
EDGE_GAP = 18
ROW_GAP = 20
_GAP_MORE_MAX = 40
_PASSES = 40

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, from its upper left corner."""

    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> int:
        return self.x + self.width // 2

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    def overlaps(self, other: "Box") -> bool:
        """Tell whether the two have an area in common."""
        is_beside = self.right <= other.x or other.right <= self.x
        return not (is_beside or self.bottom <= other.y or other.bottom <= self.y)


@dataclass(frozen=True, slots=True)
class Placing:
    """`rows` has the upper and lower end of each layer."""

    boxes: dict[Cell, Box]
    rows: tuple[tuple[int, int], ...]
    width: int
    height: int


def placed(layers: Layers, sizes: Mapping[Cell, Size]) -> Placing:
    """Return where the cells lie, with the upper left corner of all at (0, 0)."""
    centres = _centres(layers, sizes)
    lefts = {c: math.floor(x + 1e-6) - sizes[c][0] // 2 for c, x in centres.items()}
    shift = min(lefts.values(), default=0)
    boxes: dict[Cell, Box] = {}
    rows: list[tuple[int, int]] = []
    y = 0
    for row, gap in zip(layers.rows, _row_gaps(layers, centres), strict=True):
        height = max(sizes[cell][1] for cell in row)
        for cell in row:
            width, own = sizes[cell]
            boxes[cell] = Box(lefts[cell] - shift, y + (height - own) // 2, width, own)
        rows.append((y, y + height))
        y += height + gap
    width = max((box.right for box in boxes.values()), default=0)
    return Placing(boxes, tuple(rows), width, rows[-1][1] if rows else 0)


def _row_gaps(layers: Layers, centres: Mapping[Cell, float]) -> list[int]:
    """Return the space below each row: more where an edge has far to go to the side."""
    furthest = [0.0] * len(layers.rows)
    for chain in layers.chains:
        for a, b in itertools.pairwise(chain):
            furthest[a.rank] = max(furthest[a.rank], abs(centres[a] - centres[b]))
    return [ROW_GAP + min(round(far * 0.08), _GAP_MORE_MAX) for far in furthest]


def _centres(layers: Layers, sizes: Mapping[Cell, Size]) -> dict[Cell, float]:
    above, below = neighbours(layers.chains)
    gaps = [_distances(row, sizes) for row in layers.rows]
    centres: dict[Cell, float] = {}
    for row, row_gaps in zip(layers.rows, gaps, strict=True):
        centres.update(zip(row, _packed(row_gaps), strict=True))

    def align(indices: Sequence[int], near: Callable[[Cell], list[Cell]]) -> None:
        for i in indices:
            _align(layers.rows[i], gaps[i], near, centres)

    downward = range(len(layers.rows))
    for _ in range(_PASSES):
        align(downward, lambda cell: above[cell])
        align(downward[::-1], lambda cell: below[cell])
    for _ in range(_PASSES):
        align(downward, lambda cell: above[cell] + below[cell])
    for line in _straight_lines(layers, above, below):
        _straighten(line, _rooms(layers, gaps, centres), centres)
    return centres


def _straight_lines(
    layers: Layers, above: Mapping[Cell, list[Cell]], below: Mapping[Cell, list[Cell]]
) -> list[list[Cell]]:
    """Return the ways from cell to cell on which nothing joins and nothing parts, longest first."""
    follows = {
        cell: below[cell][0]
        for row in layers.rows
        for cell in row
        if len(below[cell]) == 1 and len(above[below[cell][0]]) == 1
    }
    later = set(follows.values())
    lines = []
    for first in (cell for cell in follows if cell not in later):
        line = [first]
        while line[-1] in follows:
            line.append(follows[line[-1]])
        lines.append(line)
    return sorted(lines, key=len, reverse=True)


def _rooms(
    layers: Layers, gaps: Sequence[Sequence[int]], centres: Mapping[Cell, float]
) -> dict[Cell, tuple[float, float]]:
    """Return how far to the left and to the right each cell could move with the others fixed."""
    rooms: dict[Cell, tuple[float, float]] = {}
    for row, row_gaps in zip(layers.rows, gaps, strict=True):
        lows = [-math.inf, *(centres[c] + g for c, g in zip(row, row_gaps, strict=False))]
        highs = [*(centres[c] - g for c, g in zip(row[1:], row_gaps, strict=True)), math.inf]
        for cell, low, high in zip(row, lows, highs, strict=True):
            # Rounding may leave a packed row no room at all; where a cell is, it can stay.
            rooms[cell] = (min(low, centres[cell]), max(high, centres[cell]))
    return rooms


def _straighten(
    line: Sequence[Cell], rooms: Mapping[Cell, tuple[float, float]], centres: dict[Cell, float]
) -> None:
    """Give one place to each run of cells of `line` that can have one."""
    run: list[Cell] = []
    low, high = -math.inf, math.inf
    for cell in line:
        next_low, next_high = max(low, rooms[cell][0]), min(high, rooms[cell][1])
        if next_low > next_high:
            _settle(run, low, high, centres)
            run, next_low, next_high = [], *rooms[cell]
        run.append(cell)
        low, high = next_low, next_high
    _settle(run, low, high, centres)


def _settle(run: Sequence[Cell], low: float, high: float, centres: dict[Cell, float]) -> None:
    # A node counts for more than a line: it stands where those around it want it.
    nodes = [centres[cell] for cell in run if cell.node] or [centres[cell] for cell in run]
    place = min(max(sum(nodes) / len(nodes), low), high)
    centres.update(dict.fromkeys(run, place))


def _distances(row: Sequence[Cell], sizes: Mapping[Cell, Size]) -> list[int]:
    """Return how far the middles of neighbours in a row have to be from each other."""
    return [
        math.ceil(sizes[a][0] / 2) + math.ceil(sizes[b][0] / 2) + _gap(a, b)
        for a, b in itertools.pairwise(row)
    ]


def _gap(a: Cell, b: Cell) -> int:
    return NODE_GAP if a.node or b.node else EDGE_GAP


def _packed(gaps: Sequence[int]) -> list[float]:
    centres = [0.0]
    for gap in gaps:
        centres.append(centres[-1] + gap)
    return [x - centres[-1] / 2 for x in centres]


def _align(
    row: Sequence[Cell],
    gaps: Sequence[int],
    near: Callable[[Cell], list[Cell]],
    centres: dict[Cell, float],
) -> None:
    wishes: list[tuple[float, float]] = []
    for cell in row:
        pulls = [(_pull(cell, other), centres[other]) for other in near(cell)]
        total = sum(weight for weight, _ in pulls)
        wish = sum(weight * x for weight, x in pulls) / total if pulls else centres[cell]
        wishes.append((wish, total or 0.1))
    centres.update(zip(row, _spread(wishes, gaps), strict=True))


def _pull(a: Cell, b: Cell) -> float:
    """A long edge is straight first of all; it passes through cells without a node."""
    return {2: 1.0, 1: 2.0, 0: 8.0}[bool(a.node) + bool(b.node)]


def _spread(wishes: Sequence[tuple[float, float]], gaps: Sequence[int]) -> list[float]:
    """Return the centres nearest to the wishes (place, weight) that keep order and distances.

    Least squares by pooling: cells that are too near join a block, which is placed at its mean.
    """
    offsets = [0]
    for gap in gaps:
        offsets.append(offsets[-1] + gap)
    blocks: list[tuple[float, float, int]] = []
    for (wish, weight), offset in zip(wishes, offsets, strict=True):
        place, count = wish - offset, 1
        while blocks and blocks[-1][0] > place:
            other, other_weight, other_count = blocks.pop()
            place = (place * weight + other * other_weight) / (weight + other_weight)
            weight, count = weight + other_weight, count + other_count
        blocks.append((place, weight, count))
    places = [place for place, _, count in blocks for _ in range(count)]
    return [place + offset for place, offset in zip(places, offsets, strict=True)]
