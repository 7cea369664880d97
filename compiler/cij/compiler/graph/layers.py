"""Where each node stands from top to bottom, and in which order from left to right.

Layers by the longest path, then the barycentre heuristic (Sugiyama, Tagawa, Toda 1981). Between two
layers of nodes lies a layer for the labels of edges; an edge that goes further has a cell in each
layer that it crosses. So nothing has to be kept from overlapping later.
"""

import itertools
from bisect import bisect, insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

_SWEEPS = 12


class Cell(NamedTuple):
    """A place in a layer: of a node, or (`edge` is not -1) of an edge that passes."""

    rank: int
    node: str = ""
    edge: int = -1


Chain = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Layers:
    """`chains` has for each edge its cells from top to bottom; `upward` are those that go up.

    A node that leads to itself has the chain of its one cell.
    """

    rows: tuple[tuple[Cell, ...], ...]
    chains: tuple[Chain, ...]
    upward: frozenset[int]


def layered(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> Layers:
    """Return the cells of a graph. All edges lead between `nodes`."""
    upward = _upward(nodes, edges)
    downward = [(b, a) if i in upward else (a, b) for i, (a, b) in enumerate(edges)]
    ranks = _ranks(nodes, downward)
    chains = tuple(_chain(i, a, b, ranks) for i, (a, b) in enumerate(downward))
    return Layers(_ordered(_rows(nodes, ranks, chains), chains), chains, upward)


def _upward(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> frozenset[int]:
    """Return the edges that lead back on the way on which a walk from the first node came."""
    outgoing = _outgoing(edges)
    open_, done, found = set[str](), set[str](), set[int]()
    for root in nodes:
        stack = [(root, iter(outgoing[root]))] if root not in done else []
        open_.add(root)
        while stack:
            node, rest = stack[-1]
            edge = next(rest, None)
            if edge is None:
                open_.discard(node)
                done.add(node)
                stack.pop()
            elif (target := edges[edge][1]) in open_:
                found.add(edge)
            elif target not in done:
                open_.add(target)
                stack.append((target, iter(outgoing[target])))
    return frozenset(found)


def _outgoing(edges: Sequence[tuple[str, str]]) -> defaultdict[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for index, (source, _) in enumerate(edges):
        found[source].append(index)
    return found


def _ranks(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Return for each node the length of the longest way to it; even, the odd ones are labels'."""
    edges = [(a, b) for a, b in edges if a != b]
    outgoing = _outgoing(edges)
    waiting = {node: 0 for node in nodes}
    for _, target in edges:
        waiting[target] += 1
    ranks = dict.fromkeys(nodes, 0)
    ready = [node for node in nodes if not waiting[node]]
    for node in ready:
        for target in (edges[i][1] for i in outgoing[node]):
            ranks[target] = max(ranks[target], ranks[node] + 2)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    assert len(ready) == len(nodes), "without the upward edges there is no circle"
    return ranks


def _chain(edge: int, upper: str, lower: str, ranks: dict[str, int]) -> Chain:
    first, last = Cell(ranks[upper], upper), Cell(ranks[lower], lower)
    if upper == lower:
        return (first,)
    between = (Cell(rank, edge=edge) for rank in range(first.rank + 1, last.rank))
    return (first, *between, last)


def _rows(nodes: Sequence[str], ranks: dict[str, int], chains: Sequence[Chain]) -> list[list[Cell]]:
    """Return the layers in a first order: the walk's, so that the first branch is at the left."""
    rows: list[list[Cell]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    seen: set[Cell] = set()
    for cell in (*(c for chain in chains for c in chain), *(Cell(ranks[n], n) for n in nodes)):
        if cell not in seen:
            seen.add(cell)
            rows[cell.rank].append(cell)
    return rows


# --- order ------------------------------------------------------------------------------------


def _ordered(rows: list[list[Cell]], chains: Sequence[Chain]) -> tuple[tuple[Cell, ...], ...]:
    above, below = neighbours(chains)
    best, best_count = [list(row) for row in rows], _crossings(rows, below)
    for sweep in range(_SWEEPS if best_count else 0):
        if sweep % 2 == 0:
            for upper, row in itertools.pairwise(rows):
                _sort_by_centre(row, upper, above)
        else:
            for row, lower in reversed(list(itertools.pairwise(rows))):
                _sort_by_centre(row, lower, below)
        count = _crossings(rows, below)
        if count < best_count:
            best, best_count = [list(row) for row in rows], count
    return tuple(tuple(row) for row in best)


def neighbours(
    chains: Sequence[Chain],
) -> tuple[defaultdict[Cell, list[Cell]], defaultdict[Cell, list[Cell]]]:
    """Return the cells that lie next above and next below each cell on some edge."""
    above: defaultdict[Cell, list[Cell]] = defaultdict(list)
    below: defaultdict[Cell, list[Cell]] = defaultdict(list)
    for chain in chains:
        for upper, lower in itertools.pairwise(chain):
            below[upper].append(lower)
            above[lower].append(upper)
    return above, below


def _sort_by_centre(
    row: list[Cell], fixed: list[Cell], towards: defaultdict[Cell, list[Cell]]
) -> None:
    places = {cell: i for i, cell in enumerate(fixed)}
    centres: dict[Cell, float] = {}
    for i, cell in enumerate(row):
        found = [places[c] for c in towards[cell]]
        centres[cell] = sum(found) / len(found) if found else float(i)
    row.sort(key=lambda cell: centres[cell])


def _crossings(rows: list[list[Cell]], below: defaultdict[Cell, list[Cell]]) -> int:
    return sum(_crossings_of(a, b, below) for a, b in itertools.pairwise(rows))


def _crossings_of(
    upper: list[Cell], lower: list[Cell], below: defaultdict[Cell, list[Cell]]
) -> int:
    places = {cell: i for i, cell in enumerate(lower)}
    count, passed = 0, list[int]()
    for cell in upper:
        ends = sorted(places[c] for c in below[cell])
        count += sum(len(passed) - bisect(passed, end) for end in ends)
        for end in ends:
            insort(passed, end)
    return count
