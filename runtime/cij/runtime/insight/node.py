"""Answers as trees: a rule with its parts, down to rows of sources."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """A rule or a value in words. `holds` tells whether a rule is true; None for a value.

    `source` is the origin of a value, in types that JSON has.
    """

    text: str
    holds: bool | None = None
    parts: tuple["Node", ...] = ()
    value: str | None = None
    source: dict[str, Any] = field(default_factory=dict)


def lines(node: Node, before: str = "", joint: str = "") -> Iterator[str]:
    """Yield the tree as lines of text, drawn like a listing of folders."""
    verdict = {True: ": yes", False: ": no", None: ""}[node.holds]
    value = f" = {node.value}" if node.value is not None else ""
    yield f"{before}{joint}{node.text}{value}{verdict}"
    inner = before + {"": "", "├─ ": "│  ", "└─ ": "   "}[joint]
    for number, part in enumerate(node.parts, 1):
        yield from lines(part, inner, "└─ " if number == len(node.parts) else "├─ ")


def as_json(node: Node) -> dict[str, Any]:
    """Return the tree in types that JSON has."""
    return {
        "text": node.text,
        "holds": node.holds,
        "value": node.value,
        "source": node.source or None,
        "parts": [as_json(part) for part in node.parts],
    }


def reason(node: Node) -> str:
    """Return a short reason why a rule does not hold: the first of its parts that is false."""
    failing = [part for part in node.parts if part.holds is False]
    if failing and node.holds is False:
        return reason(failing[0])
    values = [f"{part.text} = {part.value}" for part in node.parts if part.value is not None]
    return node.text + (f" ({', '.join(values)})" if values else "")
