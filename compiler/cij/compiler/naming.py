"""Did you mean: near names of the expected kind."""

from collections.abc import Iterable
from difflib import SequenceMatcher

_NAMES_MAX = 3


def near(name: str, candidates: Iterable[str]) -> list[str]:
    """Return up to three candidates that `name` may be a slip of, the likeliest first."""
    lower = name.lower()
    exact = [c for c in candidates if c.lower() == lower]
    if exact:
        return exact[:_NAMES_MAX]
    scored = [(SequenceMatcher(None, lower, c.lower()).ratio(), c) for c in candidates]
    close = sorted((-score, c) for score, c in scored if score >= 0.66)
    return [c for _, c in close[:_NAMES_MAX]]


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


def column_mark(source: str, column: str) -> str:
    """Return the name of a broken column among the broken fields: no field has a space in it."""
    return f"column {source} {column}"
