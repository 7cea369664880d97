"""A place where reading stopped, and what is known there."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lark import Token

from cij.grammar.span import Span


@dataclass(frozen=True, slots=True)
class Mistake:
    """Where reading stopped. `found` is None at the end of the file or for a stray character;
    `accepted` are the terminals that would have fitted; `begin` is where the declaration begins."""

    file: str
    text: str
    start: int
    found: Token | None
    accepted: frozenset[str]
    tokens: Sequence[Token]
    begin: int
    is_too_deep: bool = False

    @property
    def is_outside(self) -> bool:
        """Whether it stands between declarations and not in one."""
        return "KIND" in self.accepted

    @property
    def before(self) -> Token | None:
        return self.tokens[-1] if self.tokens else None

    @property
    def word(self) -> str:
        """What stands there: a token, a run of word characters, or one character."""
        if self.found is not None:
            return str(self.found)
        match = re.compile(r"\w+|.", re.DOTALL).match(self.text, self.start)
        return match[0] if match else ""

    def span(self, start: int, end: int) -> Span:
        line, column = _place(self.text, start)
        end_line, end_column = _place(self.text, end)
        return Span(self.file, start, end, line, column, end_line, end_column)

    @property
    def word_span(self) -> Span:
        return self.span(self.start, self.start + len(self.word))


def _place(text: str, offset: int) -> tuple[int, int]:
    line_start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, offset) + 1, offset - line_start + 1
