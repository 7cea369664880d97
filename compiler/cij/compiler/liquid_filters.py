"""The filters of messages, and the arguments that each takes.

The runtime has the same filters (`cij.runtime.delivery.dialect`). An argument that is written as a literal is
checked here. The value behind a name is known only when a message is written.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["any value", "a number", "a whole number", "a text"]


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a filter: the kind of each, how many are required (`least`), and names of options."""

    kinds: tuple[Kind, ...] = ()
    least: int = 0
    names: tuple[str, ...] = ()


_NONE = Arguments()
_ONE = Arguments(("any value",), 1)
_MAY_BE_ONE = Arguments(("any value",))
_NUMBER = Arguments(("a number",), 1)
_TRUNCATE = Arguments(("a whole number", "any value"))

ARGUMENTS: dict[str, Arguments] = {
    **dict.fromkeys(("abs", "capitalize", "ceil", "downcase", "first", "floor", "last"), _NONE),
    **dict.fromkeys(("lstrip", "reverse", "rstrip", "size", "squish", "strip"), _NONE),
    **dict.fromkeys(("strip_newlines", "upcase", "url_encode"), _NONE),
    **dict.fromkeys(("append", "prepend", "remove", "remove_first", "remove_last", "split"), _ONE),
    **dict.fromkeys(("at_least", "at_most", "divided_by", "minus", "modulo"), _NUMBER),
    **dict.fromkeys(("plus", "times"), _NUMBER),
    **dict.fromkeys(("join", "sort", "uniq"), _MAY_BE_ONE),
    **dict.fromkeys(("replace", "replace_first"), Arguments(("any value",) * 2, 1)),
    **dict.fromkeys(("truncate", "truncatewords"), _TRUNCATE),
    "date": Arguments(("a text",), 1),
    "default": Arguments(("any value",), 0, ("allow_false",)),
    "replace_last": Arguments(("any value",) * 2, 2),
    "round": Arguments(("a whole number",)),
    "slice": Arguments(("a whole number",) * 2, 1),
}
FILTERS = frozenset(ARGUMENTS)
# The value of an argument that is no literal.
ANYTHING = object()

_WHOLE = re.compile(r"\s*[+-]?[0-9]+\s*")
_NUMERIC = re.compile(r"\s*[+-]?[0-9]+(\.[0-9]+)?\s*")
_COUNTS = ("no argument", "one argument", "two arguments")


def argument_fault(name: str, given: Sequence[object], named: Sequence[str]) -> str | None:
    """Return what is wrong with the arguments of a known filter; None if nothing is.

    `given` has the values of literals, and `ANYTHING` for what is known only later.
    """
    takes = ARGUMENTS[name]
    unknown = [one for one in named if one not in takes.names]
    if unknown:
        return f"`{name}` has no argument `{unknown[0]}`"
    if not takes.least <= len(given) <= len(takes.kinds):
        return f"`{name}` takes {_count(takes)}, and has {len(given)} here"
    pairs = zip(given, takes.kinds, strict=False)
    wrong = next((pair for pair in pairs if not _fits(*pair)), None)
    return f"`{name}` takes {wrong[1]} here, and `{_written(wrong[0])}` is none" if wrong else None


def _count(takes: Arguments) -> str:
    most = len(takes.kinds)
    if most == takes.least:
        return _COUNTS[most]
    return f"{'up to' if not takes.least else 'one or'} {_COUNTS[most]}"


def _fits(value: object, kind: Kind) -> bool:
    if kind == "any value" or value is ANYTHING:
        return True
    if isinstance(value, str):
        pattern = {"a number": _NUMERIC, "a whole number": _WHOLE}.get(kind)
        return pattern is None or pattern.fullmatch(value) is not None
    if kind == "a text" or isinstance(value, bool):
        return False
    return kind == "a number" or isinstance(value, int)


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)
