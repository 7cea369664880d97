"""A way of writing that the language does not have: how it is known, what to say of it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Reading = str | Callable[[re.Match[str]], str]


@dataclass(frozen=True, slots=True)
class Habit:
    """`instead` are templates of what may be meant. When `is_certain`, the first is offered as a
    fix. The terminals of `needs` must fit where reading stops, those of `lacks` must not.
    When `is_late`, reading may stop only at the word behind the pattern; when `is_unreadable`,
    it stops where no word of the language can be read."""

    pattern: re.Pattern[str]
    message: str
    help: str
    instead: tuple[Reading, ...] = ()
    is_certain: bool = True
    is_late: bool = False
    is_unreadable: bool = False
    needs: frozenset[str] = field(default=frozenset())
    lacks: frozenset[str] = field(default=frozenset())

    def readings(self, match: re.Match[str]) -> Iterator[str]:
        for reading in self.instead:
            yield match.expand(reading) if isinstance(reading, str) else reading(match)


def row(pattern: str, message: str, help: str, *instead: Reading, **more: Any) -> Habit:
    for name in ("needs", "lacks"):
        more[name] = frozenset(more.get(name, "").split())
    return Habit(re.compile(pattern), message, help, instead, **more)


def guess(pattern: str, message: str, help: str, *instead: Reading, **more: Any) -> Habit:
    return row(pattern, message, help, *instead, is_certain=False, **more)
