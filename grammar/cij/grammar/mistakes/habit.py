"""A habit: a form that the language does not have, with its pattern and its explanation."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Reading = str | Callable[[re.Match[str]], str]


@dataclass(frozen=True, slots=True)
class Habit:
    """One row of the table of habits.

    `instead` are templates of the intended text; with `is_certain` the first is offered as a fix.
    Where the parser stops, the terminals of `needs` must fit and those of `lacks` must not. With
    `is_late` the parser may stop at the word after the pattern. With `is_unreadable` it stops where
    the lexer finds no token.
    """

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
