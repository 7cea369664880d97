"""The fix of a name that is a slip of exactly one other: that name in its place."""

import re
from collections.abc import Mapping
from dataclasses import replace

from cij.grammar.diagnostic import Diagnostic, Edit, Fix
from cij.grammar.span import Span

# The help of `naming.near_hint` when there is one near name only; two would be a choice.
_ONE_NEAR = re.compile(r"did you mean `([^\W\d][\w.]*)`\?")
_QUOTED = re.compile(r"`([^`]+)`")


def with_rename_fix(diagnostic: Diagnostic, texts: Mapping[str, str]) -> Diagnostic:
    """Return the diagnostic, with a fix if its help names the only name that may be meant.

    The fix is safe if the two differ in capitals only: another name may be another thing.
    """
    near = _ONE_NEAR.match(diagnostic.help or "")
    place = None if diagnostic.fixes or near is None else _written(diagnostic, texts)
    if near is None or place is None:
        return diagnostic
    span, written = place
    is_safe = written.casefold() == near[1].casefold()
    fix = Fix(f"write `{near[1]}`", (Edit(span, near[1]),), is_safe)
    return replace(diagnostic, fixes=(fix,))


def _written(diagnostic: Diagnostic, texts: Mapping[str, str]) -> tuple[Span, str] | None:
    """Return the place of the name that the message is about, and the name."""
    whole = diagnostic.span
    text = texts.get(whole.file, "")[whole.start : whole.end]
    if "\n" in text:
        return None
    for name in reversed(_QUOTED.findall(diagnostic.message)):
        found = list(re.finditer(rf"(?<![\w`]){re.escape(name)}(?![\w`])", text))
        if len(found) == 1:
            return _part(whole, *found[0].span()), name
    return None


def _part(whole: Span, start: int, end: int) -> Span:
    """Return a part of a span that stands on one line; `start` and `end` count from its start."""
    column = whole.column
    return replace(
        whole,
        start=whole.start + start,
        end=whole.start + end,
        column=column + start,
        end_column=column + end,
    )
