"""Lines and columns of the tokens of a repaired text."""

import re
from bisect import bisect_right

from lark import Token

from cij.grammar.recovery.automaton import Lexeme


class Places:
    """The offsets of the lines of a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def token(self, lexeme: Lexeme) -> Token:
        """Return the token that lark's lexer would return. An inserted token may have no width."""
        text = self._text[lexeme.start : lexeme.end] if lexeme.instead is None else lexeme.instead
        line, column = self._place(lexeme.start)
        end_line, end_column = self._place(lexeme.end)
        return Token(
            lexeme.type, text, lexeme.start, line, column, end_line, end_column, lexeme.end
        )

    def _place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1
