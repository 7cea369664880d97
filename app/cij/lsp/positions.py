"""Places of the compiler as places of the protocol, and back.

The compiler counts code points and lines from 1. The protocol counts from 0, and the columns of a line in
UTF-16 units, so that a sign outside the first plane counts twice.
"""

from lsprotocol import types

from cij.grammar.span import Span


def range_of(span: Span, text: str) -> types.Range:
    """Return the range of a span in the file with this text."""
    lines = text.split("\n")
    return types.Range(
        _position(lines, span.line, span.column), _position(lines, span.end_line, span.end_column)
    )


def _position(lines: list[str], line: int, column: int) -> types.Position:
    written = lines[line - 1] if line <= len(lines) else ""
    return types.Position(line - 1, _units(written[: column - 1]))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def offset_of(position: types.Position, text: str) -> int:
    """Return the code point at a position; the end of a line or of the text for one behind it."""
    lines = text.split("\n")
    if position.line >= len(lines):
        return len(text)
    before = sum(len(line) + 1 for line in lines[: position.line])
    return before + _code_points(lines[position.line], position.character)


def _code_points(line: str, units: int) -> int:
    count = 0
    for index, character in enumerate(line):
        if count >= units:
            return index
        count += _units(character)
    return len(line)


def whole(text: str) -> types.Range:
    """Return the range of a whole text."""
    lines = text.split("\n")
    return types.Range(types.Position(0, 0), types.Position(len(lines) - 1, _units(lines[-1])))
