"""Diagnostics for people: the source line, carets below it, and advice."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from cij.cli.render.colour import Paint, plain
from cij.cli.render.width import shown
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.span import Span

_LINE_MAX = 160
_BEFORE_MARK = 40


class Mark(NamedTuple):
    """A part of one line to underline. Columns count from 1; `end` is the column after the part."""

    line: int
    start: int
    end: int
    text: str
    style: str


def render_text(
    diagnostics: Sequence[Diagnostic], sources: Mapping[str, str], paint: Paint = plain
) -> str:
    """Return all diagnostics with their source lines, and their count on the last line."""
    if not diagnostics:
        return ""
    blocks = [_block(diagnostic, sources, paint) for diagnostic in diagnostics]
    return "\n".join([*blocks, paint("bold", summary(diagnostics)) + "\n"])


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """Return the count, such as `2 errors, 1 warning`."""
    errors = sum(d.is_error for d in diagnostics)
    warnings = len(diagnostics) - errors
    counts = [_count(errors, "error"), _count(warnings, "warning")]
    return ", ".join(c for c in counts if c) or "no errors"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else ""


def _block(diagnostic: Diagnostic, sources: Mapping[str, str], paint: Paint) -> str:
    style = diagnostic.severity.value
    head = paint(style, f"{style}[{diagnostic.code}]") + f" {diagnostic.slug}: "
    lines = [head + paint("bold", printable(diagnostic.message))]
    files = _by_file(diagnostic, sources)
    gutter = len(str(max(mark.line for _, marks in files for mark in marks)))
    for arrow, (span, marks) in zip(_arrows(), files, strict=False):
        lines.append(" " * gutter + paint("gutter", arrow) + f" {printable(str(span))}")
        lines += _snippet(_lines(sources.get(span.file, "")), marks, gutter, paint)
    edge = " " * gutter + " " + paint("gutter", "=")
    lines += [f"{edge} note: {printable(note)}" for note in diagnostic.notes]
    if diagnostic.help:
        lines.append(f"{edge} help: {printable(diagnostic.help)}")
    return "\n".join(lines) + "\n"


def printable(text: str) -> str:
    """Return `text` on one line, without characters that change what a terminal shows."""
    return shown(" ".join(text.split()))[0]


def _arrows() -> list[str]:
    # The diagnostic itself, then related places in other files.
    return ["-->"] + [":::"] * 100


def _by_file(diagnostic: Diagnostic, sources: Mapping[str, str]) -> list[tuple[Span, list[Mark]]]:
    """Return the places to show, by file. The file of the diagnostic itself comes first."""
    style = diagnostic.severity.value
    places = [(diagnostic.span, diagnostic.label, style)]
    places += [(label.span, label.text, "gutter") for label in diagnostic.related]
    files: dict[str, tuple[Span, list[Mark]]] = {}
    for span, text, mark_style in places:
        lines = _lines(sources.get(span.file, ""))
        files.setdefault(span.file, (span, []))[1].extend(_marks(span, lines, text, mark_style))
    return list(files.values())


def _marks(span: Span, lines: list[str], text: str, style: str) -> list[Mark]:
    """Return one mark for a span within one line; for a longer span one on its first and
    last line."""
    if span.line == span.end_line:
        return [Mark(span.line, span.column, max(span.end_column, span.column + 1), text, style)]
    first, last = _line(lines, span.line), _line(lines, span.end_line)
    indent = len(last) - len(last.lstrip()) + 1
    return [
        Mark(span.line, span.column, max(len(first) + 1, span.column + 1), "", style),
        Mark(span.end_line, indent, max(span.end_column, indent + 1), text, style),
    ]


# The diagnostics of a file come one after the other, and each asks for its lines.
@lru_cache(maxsize=16)
def _lines(text: str) -> list[str]:
    # Not `splitlines`, which also splits at characters that are no line ends in spans.
    return [line.removesuffix("\r") for line in text.split("\n")] if text else []


def _line(lines: list[str], number: int) -> str:
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _snippet(lines: list[str], marks: list[Mark], gutter: int, paint: Paint) -> list[str]:
    if not lines:
        return []
    bar = " " * gutter + " " + paint("gutter", "|")
    out, previous = [bar], 0
    for number, group in groupby(sorted(marks), key=lambda mark: mark.line):
        if previous and number > previous + 1:
            out.append(paint("gutter", "..."))
        here = list(group)
        text, offset = _excerpt(_line(lines, number), here[0].start)
        out.append(f"{paint('gutter', f'{number:>{gutter}} |')} {shown(text)[0]}".rstrip())
        out += [f"{bar} {_underline(text, mark, offset, paint)}" for mark in here]
        previous = number
    return [*out, bar]


def _excerpt(line: str, column: int) -> tuple[str, int]:
    """Return the part of a long line around `column`, and the number of characters before it."""
    if len(line) <= _LINE_MAX:
        return line, 0
    offset = max(0, min(column - 1 - _BEFORE_MARK, len(line) - _LINE_MAX))
    return line[offset : offset + _LINE_MAX], offset


def _underline(text: str, mark: Mark, offset: int, paint: Paint) -> str:
    cells = shown(text)[1]
    start = min(max(mark.start - 1 - offset, 0), len(text))
    end = min(max(mark.end - 1 - offset, start), len(text))
    sign = "-" if mark.style == "gutter" else "^"
    line = sign * max(cells[end] - cells[start], 1)
    note = f" {printable(mark.text)}" if mark.text else ""
    return " " * cells[start] + paint(mark.style, line + note)
