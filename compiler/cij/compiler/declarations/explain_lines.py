"""What all explanations of declarations have in common: lines of plain text."""

from collections.abc import Iterator

from cij.compiler.unparse import name_words

INDENT = "  "
Lines = Iterator[str]


def heading(kind: str, name: str, place: object) -> str:
    """Return the first line of an explanation: what it is about, and where that is written."""
    return f"{kind} {name_words(name)}" + (f"  ({place})" if place else "")


def indented(lines: Lines | list[str]) -> Lines:
    """Yield the lines, one level further to the right."""
    return (INDENT + line for line in lines)
