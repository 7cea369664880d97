"""A place where the parser stopped, with its context."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lark import Token

from cij.grammar.span import Span


@dataclass(frozen=True, slots=True)
class Mistake:
    """A place where the parser stopped.

    `found` is None at the end of the file, and where the lexer finds no token. `accepted` are the
    terminals that would fit. `begin` is the start of the declaration.
    """

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
        """Whether the place is between declarations and not in one."""
        return "KIND" in self.accepted

    @property
    def before(self) -> Token | None:
        return self.tokens[-1] if self.tokens else None

    @property
    def word(self) -> str:
        """The text at the place: a token, a run of word characters, or one character."""
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
