"""What every node has."""

from dataclasses import dataclass, field

from cij.grammar.span import Span

__all__ = [
    "Name",
    "Node",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Anything with a place in a file."""

    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name(Node):
    """An identifier; `text` is without back-quotes, in NFC."""

    text: str
