"""Two versions of a journey in one drawing: added, removed and changed steps are marked.

A step is followed by `renamed`, by its label, and by what it says; so a step that stands elsewhere is no
removed and added one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from cij.compiler import program as pg
from cij.compiler.graph.outline import Edge, Graph, Mark, Node

_WORDS: dict[Mark, str] = {"added": "ADDED", "removed": "REMOVED", "changed": "CHANGED"}


def compared(old: Graph | None, new: Graph | None, journey: pg.Journey | None = None) -> Graph:
    """Return one graph with marks. One side is None for a journey that is new or gone.

    `journey` is the newer one; its `renamed` lines are followed.
    """
    if old is None or new is None:
        only = new or old
        assert only is not None, "one of the two is there"
        return _all_marked(only, "added" if old is None else "removed")
    renamed = {r.old: r.new for r in journey.renamed} if journey is not None else {}
    pairs = _pairs(old.nodes, new.nodes, renamed)
    leaves = _pairs(old.leaves, new.leaves, renamed)
    return replace(
        new,
        nodes=tuple(_nodes(old.nodes, new.nodes, pairs)),
        leaves=tuple(_nodes(old.leaves, new.leaves, leaves)),
        edges=(*new.edges, *_edges_of_removed(old, new, pairs)),
    )


def _all_marked(graph: Graph, mark: Mark) -> Graph:
    return replace(
        graph,
        nodes=tuple(_marked(n, mark) for n in graph.nodes),
        leaves=tuple(_marked(n, mark) for n in graph.leaves),
    )


def _marked(node: Node, mark: Mark, before: Node | None = None) -> Node:
    was = (f"before: {' '.join(before.text)}",) if before is not None else ()
    return replace(node, mark=mark, text=(f"{_WORDS[mark]}: {node.text[0]}", *node.text[1:], *was))


def _pairs(
    old: tuple[Node, ...], new: tuple[Node, ...], renamed: Mapping[str, str]
) -> dict[str, str]:
    """Return which node of the newer version each older one is, by ids: what is surest first."""
    tests = (
        lambda a, b: renamed.get(a.id) == b.id,
        lambda a, b: (a.id, a.kind, a.text) == (b.id, b.kind, b.text),
        # Steps without a label are numbered, so that one more shifts the others.
        lambda a, b: (a.kind, a.text) == (b.kind, b.text),
        lambda a, b: (a.id, a.kind) == (b.id, b.kind),
    )
    found: dict[str, str] = {}
    for test in tests:
        taken = set(found.values())
        for one in (n for n in old if n.id not in found):
            match = next((n for n in new if n.id not in taken and test(one, n)), None)
            if match is not None:
                found[one.id] = match.id
                taken.add(match.id)
    return found


def _nodes(
    old: tuple[Node, ...], new: tuple[Node, ...], pairs: Mapping[str, str]
) -> Iterator[Node]:
    before = {pairs[n.id]: n for n in old if n.id in pairs}
    for node in new:
        was = before.get(node.id)
        if was is None:
            yield _marked(node, "added")
        elif was.text != node.text:
            yield _marked(node, "changed", was)
        else:
            yield node
    yield from (replace(_marked(n, "removed"), id=_gone(n.id)) for n in old if n.id not in pairs)


def _gone(id: str) -> str:
    # A new node may have the id of one that is gone.
    return f"removed:{id}"


def _edges_of_removed(old: Graph, new: Graph, pairs: Mapping[str, str]) -> Iterator[Edge]:
    ids = {n.id: pairs.get(n.id, _gone(n.id)) for n in old.nodes}
    for edge in old.edges:
        if edge.source not in pairs or edge.target not in pairs:
            yield Edge(ids[edge.source], ids[edge.target], edge.labels)
