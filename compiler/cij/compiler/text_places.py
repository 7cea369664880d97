"""Where in a file a place inside a text literal is."""

from cij.grammar.span import Span


def inside_text(literal: Span, raw: str, value: str, index: int, length: int) -> Span:
    """Return the span of `value[index:index+length]`, where `value` is what a literal means.

    `raw` is the text of the file. Escapes before the place in the same line may shift it.
    """
    written = raw[literal.start : literal.end]
    line_number = value.count("\n", 0, index)
    column = index - (value.rfind("\n", 0, index) + 1)
    if not written.startswith('"""'):
        return _in_line(
            literal, literal.line, literal.column + 1 + column, length, literal.start + 1 + column
        )
    lines = written.split("\n")
    first = 1 if not lines[0][3:].strip() else 0
    target = lines[first + line_number] if first + line_number < len(lines) else lines[-1]
    meant = value.split("\n")[line_number]
    # A dedented line is the end of the written one, so the difference is the indent.
    indent = max(len(target) - len(meant), 0) if target.endswith(meant) else 0
    start = literal.start + sum(len(x) + 1 for x in lines[: first + line_number]) + indent + column
    return _in_line(literal, literal.line + first + line_number, indent + column + 1, length, start)


def in_file(file: str, value: str, index: int, length: int) -> Span:
    """Return the span of `value[index:index+length]` in the file that holds just `value`."""
    line = value.count("\n", 0, index) + 1
    column = index - (value.rfind("\n", 0, index) + 1) + 1
    return Span(file, index, index + length, line, column, line, column + length)


def _in_line(literal: Span, line: int, column: int, length: int, start: int) -> Span:
    return Span(literal.file, start, start + length, line, column, line, column + length)
