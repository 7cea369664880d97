"""A journey in the language of Graphviz."""

import re
from collections.abc import Iterator

from cij.compiler.graph.drawn_text import isolated, wrapped
from cij.compiler.graph.outline import Edge, Graph, Kind, Mark, Node

_SIZE, _LINE_WIDTH, _LINES_MAX = 1.0, 20.0, 8

_STYLES: dict[Kind, str] = {
    "entry": 'shape=box style="rounded,filled" fillcolor="#dbeafe" color="#2563eb"',
    "send": 'shape=box style="filled" fillcolor="#dcfce7" color="#16a34a"',
    "act": 'shape=box style="filled" fillcolor="#ccfbf1" color="#0d9488"',
    "wait": 'shape=box style="rounded,filled" fillcolor="#fef3c7" color="#d97706"',
    "decide": 'shape=hexagon style="filled" fillcolor="#ede9fe" color="#7c3aed"',
    "end": 'shape=box style="rounded,filled" fillcolor="#e2e8f0" color="#475569"',
    "goal": 'shape=note style="filled" fillcolor="#d1fae5" color="#059669"',
    "exit": 'shape=note style="filled" fillcolor="#fee2e2" color="#dc2626"',
}


_MARKS: dict[Mark, str] = {
    "": "",
    "added": ' penwidth=3 color="#16a34a"',
    "removed": ' penwidth=3 color="#dc2626"',
    "changed": ' penwidth=3 color="#d97706"',
}


def to_dot(graph: Graph) -> str:
    """Return the text of a `.dot` file."""
    return "\n".join(_document(graph)) + "\n"


def _document(graph: Graph) -> Iterator[str]:
    title = _label((graph.name, " · ".join(graph.notes)))
    yield f"digraph {_quoted((graph.name,))} {{"
    yield f"  label={title} labelloc=t rankdir=TB"
    yield '  node [fontname="Helvetica,Arial,sans-serif" fontsize=11 fontcolor="#0f172a"]'
    yield '  edge [fontname="Helvetica,Arial,sans-serif" fontsize=10 color="#64748b"]'
    yield from (f"  {_node(node)}" for node in graph.nodes)
    yield from (f"  {_edge(edge)}" for edge in graph.edges)
    yield from (f"  {_node(node)}" for node in graph.leaves)
    yield "}"


def _node(node: Node) -> str:
    return (
        f"{_quoted((node.id,))} [label={_label(node.text)} {_STYLES[node.kind]}{_MARKS[node.mark]}]"
    )


def _edge(edge: Edge) -> str:
    texts = tuple(f"or {text}" if number else text for number, text in enumerate(edge.labels))
    label = f" [label={_label(texts)}]" if texts else ""
    return f"{_quoted((edge.source,))} -> {_quoted((edge.target,))}{label}"


def _label(text: tuple[str, ...]) -> str:
    lines = (line for part in text for line in wrapped(part, _SIZE, _LINE_WIDTH, _LINES_MAX))
    return _quoted(tuple(isolated(line) for line in lines if line))


def _quoted(lines: tuple[str, ...]) -> str:
    """Return a text of DOT. It knows `\\N` and others, and reads entities of HTML in labels."""
    # Graphviz ends a file at the character 0, wherever it stands.
    safe = (line.replace("\0", "\ufffd").replace("&", "&amp;") for line in lines)
    escaped = (re.sub(r'(["\\])', r"\\\1", line) for line in safe)
    return '"' + "\\n".join(escaped) + '"'
