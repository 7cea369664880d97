"""Did you mean: near names of the expected kind."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from cij.grammar.codes import UNKNOWN_NAME
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.span import Span

_NAMES_MAX = 3
_LIKENESS_MIN = 0.66
# Of more candidates only neighbours in the alphabet are compared.
_COMPARED_MAX, _NEIGHBOURS = 200, 16
_LENGTHS_MAX, _CHARS_MAX = 40, 200


def near(name: str, candidates: Iterable[str]) -> list[str]:
    """Return up to three candidates that `name` may be a slip of, the likeliest first.

    Of many candidates only those are compared that begin or end alike: a project with thousands of
    unknown names would otherwise compare each with each.
    """
    found = tuple(candidates)
    lower = name.lower()
    if len(found) > _COMPARED_MAX:
        found = _alike(lower, _Sorted.of(found))
    exact = [c for c in found if c.lower() == lower]
    if exact:
        return exact[:_NAMES_MAX]
    # A long name is no slip of a short one, and comparing takes the square of the length.
    found = tuple(c for c in found if abs(len(c) - len(name)) <= _LENGTHS_MAX)
    scored = [(_likeness(lower, c.lower()), c) for c in found]
    close = sorted((-score, c) for score, c in scored if score >= _LIKENESS_MIN)
    return [c for _, c in close[:_NAMES_MAX]]


def _likeness(name: str, other: str) -> float:
    if max(len(name), len(other)) > _CHARS_MAX:
        return 0.0
    matcher = SequenceMatcher(None, name, other)
    # An upper bound, which takes a tenth of the time.
    return matcher.ratio() if matcher.quick_ratio() >= _LIKENESS_MIN else 0.0


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Names in lower case with themselves, in the order of their beginnings and of their ends."""

    forwards: list[tuple[str, str]]
    backwards: list[tuple[str, str]]

    @staticmethod
    @lru_cache(maxsize=8)
    def of(names: tuple[str, ...]) -> "_Sorted":
        lower = [(name.lower(), name) for name in names]
        return _Sorted(sorted(lower), sorted((low[::-1], name) for low, name in lower))


def _alike(lower: str, names: _Sorted) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for text, ordered in ((lower, names.forwards), (lower[::-1], names.backwards)):
        place = bisect_left(ordered, (text, ""))
        for _, name in ordered[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS]:
            found[name] = None
    return tuple(found)


def near_hint(name: str, candidates: Iterable[str]) -> str | None:
    """As `did_you_mean`, for a message that names all candidates already."""
    found = near(name, list(candidates))
    return "did you mean " + " or ".join(f"`{n}`" for n in found) + "?" if found else None


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """Return the help line for an unknown `name`, or None when nothing is near."""
    names = list(candidates)
    hint = near_hint(name, names)
    if hint:
        return hint
    if 0 < len(names) <= 8:
        return "there is " + ", ".join(f"`{n}`" for n in sorted(names))
    return None


def no_event(span: Span, name: str, events: Iterable[str], label: str = "") -> Diagnostic:
    """Return the diagnostic for an event that is not declared."""
    written = name if name.isidentifier() else f"`{name}`"
    help = did_you_mean(name, events) or f"declare it: event {written} {{ … }}"
    return UNKNOWN_NAME.at(span, f"there is no event `{name}`", label=label, help=help)


def column_mark(source: str, column: str) -> str:
    """Return the name of a broken column among the broken fields: no field has a space in it."""
    return f"column {source} {column}"
