"""Parses a text to a syntax tree and diagnostics. It raises for no text."""

import re
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

# In characters. No author's file is as long, and a longer one would need too much memory.
SIZE_MAX = 10_000_000
# A word or sign takes some 500 bytes while a file is read, however short it is. So a file of 5 MB of prose and
# names is read, and one of as many dots is not.
WORDS_MAX = 1_500_000
_WORD = re.compile(r"\w+|[^\w\s]")


def parse(file: str, text: str) -> tuple[syntax.File, list[Diagnostic]]:
    """Return the declarations of a file that could be parsed, and diagnostics for the rest."""
    node, diagnostics, _ = parse_tree(file, text)
    return node, diagnostics


def parse_tree(file: str, text: str) -> tuple[syntax.File, list[Diagnostic], Reading | None]:
    """Parse a file, and also return its tokens for the formatter; None for a file that is
    too long."""
    whole = _whole(file, text)
    if len(text) > SIZE_MAX:
        message = f"the file is longer than {SIZE_MAX} characters"
        fault = codes.UNREADABLE_FILE.at(file_start(file), message)
        return syntax.File((), span=whole), [fault], None
    if len(text) > WORDS_MAX and sum(1 for _ in _WORD.finditer(text)) > WORDS_MAX:
        message = f"the file has more than {WORDS_MAX} words and signs"
        fault = codes.UNREADABLE_FILE.at(file_start(file), message)
        return syntax.File((), span=whole), [fault], None
    reading = read(table(), file, text)
    builder = TreeBuilder(file, text)
    node = builder.file_node(reading.tree, whole)
    # Another mistake on a repaired line may be only a consequence of the repair.
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
