"""The damage of syntax errors: which declarations are incomplete, and which names may be missing.

Later stages report no consequences of this damage.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from cij.grammar import literal_values, syntax
from cij.grammar.expressions import ParseTree
from cij.grammar.span import Span

_NAME = re.compile(r"[^\W\d][\w\u0300-\u036f]*|`[^`\n]+`")

# The name of inserted tokens. An author cannot write it without back-quotes.
PLACEHOLDER = "…"
# The most characters that are searched for names.
_NAMES_WITHIN = 100_000


@dataclass(frozen=True, slots=True)
class Damage:
    """A range of text that was not parsed as it is written."""

    start: int
    end: int


def dropped(tree: ParseTree, node: syntax.File) -> list[Damage]:
    """Return the starts of declarations that were parsed and are not in the syntax tree."""
    if len(tree.children) == len(node.declarations):
        return []
    kept = {part.span.start for part in node.declarations}
    starts = [part.meta.start_pos for part in tree.children]
    return [Damage(start, start) for start in starts if start not in kept]


def damaged(node: syntax.File, damage: Sequence[Damage]) -> tuple[Span, ...]:
    """Return the spans of the declarations that contain damage or are directly before it."""
    spans = [part.span for part in node.declarations]
    nexts = [span.start for span in spans[1:]] + [node.span.end]
    ordered = sorted(damage, key=lambda one: one.start)
    starts = [one.start for one in ordered]
    # The end of all damage up to each one. Ranges may overlap.
    reach = [-1, *accumulate((one.end for one in ordered), max)]
    pairs = zip(spans, nexts, strict=False)
    return tuple(span for span, end in pairs if reach[bisect_left(starts, end)] >= span.start)


def lost(text: str, node: syntax.File, damage: Sequence[Damage]) -> frozenset[str]:
    """Return the names of damaged declarations, and all names in the lines of the damage."""
    spans = set(damaged(node, damage))
    names = {_name(part) for part in node.declarations if part.span in spans}
    return frozenset(names).union(*(_names(text, stretch) for stretch in damage))


def _name(part: syntax.TopLevel) -> str:
    if isinstance(part, syntax.Use):
        return part.module.text
    return part.title.value if isinstance(part, syntax.Test) else part.name.text


def _names(text: str, stretch: Damage) -> Iterator[str]:
    start = text.rfind("\n", 0, stretch.start) + 1
    end = text.find("\n", stretch.end)
    end = min(len(text) if end < 0 else end, start + _NAMES_WITHIN)
    for match in _NAME.finditer(text, start, end):
        yield literal_values.name(match[0])
