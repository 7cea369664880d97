"""Feeds a file to lark's parser: its own tokens, or repaired ones after a mistake."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from lark import Lark, Token
from lark.exceptions import UnexpectedInput

from cij.grammar.diagnostic import Diagnostic
from cij.grammar.expressions import ParseTree
from cij.grammar.recovery.automaton import (
    BEGINNINGS,
    END,
    FIRST_HEIGHT_MAX,
    STACK_MAX,
    Automaton,
    Lexeme,
    stack_of,
)
from cij.grammar.recovery.damage import Damage
from cij.grammar.recovery.places import Places


@dataclass(slots=True)
class Reading:
    """The result for a file: the tree of its declarations, its tokens, diagnostics and damage."""

    tree: ParseTree
    tokens: list[Token] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)


class _TooDeep(UnexpectedInput):
    """The text is nested more deeply than any tree that later stages accept."""


def read(table: Lark, file: str, text: str) -> Reading:
    return _Reader(table, file, text).read()


class _Reader:
    """Reads one file."""

    def __init__(self, table: Lark, file: str, text: str) -> None:
        self.table = table
        self.file = file
        self.text = text
        parser = table.parse_interactive(text)
        self.state = parser.parser_state
        # Lark has no exact types for its internals.
        self.lexer = cast(Any, parser.lexer_thread)
        self.tokens: list[Token] = []
        # The current declaration: its first token, and the height of the stack below it.
        self.begin = 0
        self.height = 1

    def read(self) -> Reading:
        if self._is_fed_as_it_stands():
            return Reading(self.state.value_stack[-1], self.tokens)
        return self._mended()

    def _is_fed_as_it_stands(self) -> bool:
        try:
            self._feed_as_it_stands()
        except UnexpectedInput:
            return False
        return True

    def _feed_as_it_stands(self) -> None:
        # Local names, because this loop runs for every token of every file.
        feed, tokens, states = self.state.feed_token, self.tokens, self.state.state_stack
        for token in self.lexer.lex(self.state):
            feed(token)
            tokens.append(token)
            # Steps and tests use some of these words as well, further up the stack.
            if token.type in BEGINNINGS and len(states) <= FIRST_HEIGHT_MAX:
                self.begin, self.height = len(tokens) - 1, len(states) - 1
            elif len(states) > STACK_MAX:
                raise _TooDeep
        self._feed_end()

    def _feed_end(self) -> None:
        self.state.feed_token(Token(END, ""), is_end=True)

    def _mended(self) -> Reading:
        """Parse again from the declaration with the first mistake, now with repairs."""
        # Most files have no mistake, so the modules for repairs are loaded only here.
        from cij.grammar.recovery.mending import Mending

        del self.state.state_stack[self.height :]
        del self.state.value_stack[self.height - 1 :]
        start = self.tokens[self.begin].start_pos or 0 if self.tokens else 0
        del self.tokens[self.begin :]
        automaton = Automaton(self.table, self.text)
        mending = Mending(self.file, automaton, stack_of(self.state.state_stack), start)
        lexemes = mending.run()
        self._feed_all(lexemes, mending.places)
        self._feed_end()
        tree = self.state.value_stack[-1]
        return Reading(tree, self.tokens, mending.diagnostics, mending.damage)

    def _feed_all(self, lexemes: Iterable[Lexeme], places: Places) -> None:
        for lexeme in lexemes:
            token = places.token(lexeme)
            self.state.feed_token(token)
            if lexeme.instead is None:
                self.tokens.append(token)
