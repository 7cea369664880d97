"""The base of all nodes."""

from dataclasses import dataclass, field

from cij.grammar.span import Span

__all__ = [
    "Name",
    "Node",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A part of a file, with its place."""

    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name(Node):
    """An identifier. `text` has no back-quotes and is in NFC."""

    text: str
