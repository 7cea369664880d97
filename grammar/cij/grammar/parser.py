"""Text in, syntax tree and diagnostics out. Never raises, whatever the text."""

from dataclasses import replace

from cij.grammar import codes, syntax
from cij.grammar.declarations import TreeBuilder
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.hidden import hidden
from cij.grammar.misreading import misread
from cij.grammar.recovery import (
    MISTAKES_MAX,
    PLACEHOLDER,
    Damage,
    Reading,
    damaged,
    dropped,
    lost,
    read,
)
from cij.grammar.span import Span, file_start
from cij.grammar.table_cache import table

__all__ = ["PLACEHOLDER", "SIZE_MAX", "parse", "parse_tree"]

SIZE_MAX = 10_000_000


def parse(file: str, text: str) -> tuple[syntax.File, list[Diagnostic]]:
    """Return the declarations of a file that could be read, and what is wrong with the others."""
    node, diagnostics, _ = parse_tree(file, text)
    return node, diagnostics


def parse_tree(file: str, text: str) -> tuple[syntax.File, list[Diagnostic], Reading | None]:
    """Parse, and also return the tokens for a reader who needs the text's layout."""
    whole = _whole(file, text)
    if len(text) > SIZE_MAX:
        message = f"the file is longer than {SIZE_MAX} characters"
        fault = codes.UNREADABLE_FILE.at(file_start(file), message)
        return syntax.File((), span=whole), [fault], None
    reading = read(table(), file, text)
    builder = TreeBuilder(file, text)
    node = builder.file_node(reading.tree, whole)
    # What else is wrong on a line that was repaired may be a consequence.
    lines = {one.span.line for one in reading.diagnostics}
    found = hidden(file, text, reading.tokens, MISTAKES_MAX)
    found += misread(file, text, reading.tokens) + builder.diagnostics
    others = [one for one in found if one.span.line not in lines]
    diagnostics = reading.diagnostics + others
    damage = reading.damage + dropped(reading.tree, node)
    damage += [Damage(one.span.start, one.span.end) for one in others]
    if damage:
        node = replace(node, damaged=damaged(node, damage), lost=lost(text, node, damage))
    return node, sorted(diagnostics, key=lambda one: one.span)[:MISTAKES_MAX], reading


def _whole(file: str, text: str) -> Span:
    last_line = text.rfind("\n") + 1
    return Span(file, 0, len(text), 1, 1, text.count("\n") + 1, len(text) - last_line + 1)
