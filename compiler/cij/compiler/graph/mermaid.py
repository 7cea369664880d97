"""A journey as a Mermaid flowchart, which GitHub and many wikis draw inside Markdown."""

import json
import re
from collections.abc import Iterable, Iterator

from cij.compiler.graph.drawn_text import isolated, shown, wrapped
from cij.compiler.graph.outline import Edge, Graph, Kind, Mark, Node

# Mermaid breaks lines by itself, but never cuts: a long condition would fill the page.
_SIZE, _LINE_WIDTH, _LINES_MAX = 1.0, 24.0, 8

_SHAPES: dict[Kind, tuple[str, str]] = {
    "entry": ("([", "])"),
    "send": ("[", "]"),
    "act": ("[/", "/]"),
    "wait": ("(", ")"),
    "decide": ("{{", "}}"),
    "end": ("([", "])"),
    "goal": ("[[", "]]"),
    "exit": ("[[", "]]"),
}

# Dark text on light fill: readable on the light and the dark page.
_STYLES: dict[Kind, str] = {
    "entry": "fill:#dbeafe,stroke:#2563eb,color:#172554",
    "send": "fill:#dcfce7,stroke:#16a34a,color:#052e16",
    "act": "fill:#ccfbf1,stroke:#0d9488,color:#042f2e",
    "wait": "fill:#fef3c7,stroke:#d97706,color:#451a03",
    "decide": "fill:#ede9fe,stroke:#7c3aed,color:#2e1065",
    "end": "fill:#e2e8f0,stroke:#475569,color:#0f172a",
    "goal": "fill:#d1fae5,stroke:#059669,color:#022c22",
    "exit": "fill:#fee2e2,stroke:#dc2626,color:#450a0a",
}
# The border of a step that a comparison has marked, over the colours of its kind.
_MARKS: dict[Mark, str] = {
    "added": "stroke:#16a34a,stroke-width:4px",
    "removed": "stroke:#dc2626,stroke-width:4px,stroke-dasharray:6 4",
    "changed": "stroke:#d97706,stroke-width:4px",
}
_NOTE_STYLE = "fill:none,stroke:none"


def to_mermaid(graph: Graph) -> str:
    """Return the text of a flowchart, without the fence that Markdown wants around it."""
    return "\n".join(_document(graph)) + "\n"


def _document(graph: Graph) -> Iterator[str]:
    ids = _ids(graph.nodes + graph.leaves)
    yield from ("---", f"title: {json.dumps(shown(graph.name), ensure_ascii=False)}", "---")
    yield "flowchart TD"
    yield f"  accTitle: {_plain(graph.name)}"
    yield f"  accDescr: {_plain(graph.doc or 'A customer journey')}"
    yield from (f"  {_node(node, ids)}" for node in graph.nodes)
    yield from (f"  {_edge(edge, ids)}" for edge in graph.edges)
    yield from _anywhere(graph, ids)
    kinds: dict[Kind, None] = dict.fromkeys(n.kind for n in (*graph.nodes, *graph.leaves))
    # `cij_` in front, because `end` is a word of Mermaid.
    yield from (f"  classDef cij_{kind} {_STYLES[kind]}" for kind in kinds)
    yield f"  classDef cij_note {_NOTE_STYLE}"
    yield from (f"  style {ids[n.id]} {_MARKS[n.mark]}" for n in _marked(graph))


def _marked(graph: Graph) -> list[Node]:
    return [node for node in (*graph.nodes, *graph.leaves) if node.mark]


def _anywhere(graph: Graph, ids: dict[str, str]) -> Iterator[str]:
    yield '  subgraph n__anywhere["at any time"]'
    yield f'    n__notes["{_label(graph.notes)}"]:::cij_note'
    yield from (f"    {_node(node, ids)}" for node in graph.leaves)
    yield "  end"


def _ids(nodes: Iterable[Node]) -> dict[str, str]:
    """Return an identifier for each node: like its own, so that a changed step changes one line."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for node in nodes:
        # `n_` in front, because `end`, `graph` and others are words of Mermaid.
        base = name = "n_" + re.sub(r"[^A-Za-z0-9]+", "_", node.id)
        number = 1
        while name in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name)
        found[node.id] = name
    return found


def _node(node: Node, ids: dict[str, str]) -> str:
    opening, closing = _SHAPES[node.kind]
    return f'{ids[node.id]}{opening}"{_label(node.text)}"{closing}:::cij_{node.kind}'


def _edge(edge: Edge, ids: dict[str, str]) -> str:
    label = "<br/>or ".join(_label((text,)) for text in edge.labels)
    arrow = f'-->|"{label}"|' if label else "-->"
    return f"{ids[edge.source]} {arrow} {ids[edge.target]}"


def _label(text: tuple[str, ...]) -> str:
    lines = [line for part in text for line in wrapped(part, _SIZE, _LINE_WIDTH, _LINES_MAX)]
    return "<br/>".join(_escaped(isolated(line)) for line in lines)


# Letters and digits of any script stay. A sign inside a word starts neither Markdown nor an icon,
# and a colon at the end of a word is only a colon; the others become numbers.
_SIGN = re.compile(r"[!-+\--/:-@[-`{-\xbf]")


def _escaped(text: str) -> str:
    return _SIGN.sub(_sign, text)


def _sign(match: re.Match[str]) -> str:
    char = match[0]
    before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
    is_inside = char in "._-:" and before.isalnum() and after.isalnum()
    is_safe = is_inside and (char != ":" or before.isdigit()) or char == ":" and after == " "
    return char if is_safe else f"#{ord(char)};"


def _plain(text: str) -> str:
    """Return text for a line that ends the statement; `;`, `#` and braces would end it early."""
    return re.sub(r"[;#{}%<>\"]", " ", shown(text)).strip() or "journey"
