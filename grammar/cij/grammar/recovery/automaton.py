"""The parser without a tree: transitions between states, and the tokens of a text in a state.

It makes repairs cheap to try. A stack is an immutable linked list, so a copy costs nothing.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from lark import Lark
from lark.parsers.lalr_analysis import Shift
from lark.utils import TextSlice

from cij.grammar.grammar_text import OWN_DECLARATIONS

END = "$END"
# The terminals that begin a declaration. Steps and tests use some of these words as well, but with a
# higher stack.
BEGINNINGS = frozenset(("KIND", "EVENT", *(word.upper() for word in OWN_DECLARATIONS)))
# The height of the stack after the first token of a declaration: the first state, the list of the
# declarations before it, and the token.
FIRST_HEIGHT_MAX = 3
# More diagnostics for one file do not help an author.
MISTAKES_MAX = 50
# A tree of DEPTH_MAX levels needs less, and the cost of a mistake grows with the stack.
STACK_MAX = 2000
# The type of text that no terminal matches: after an open quote to the end of the line, else a word
# or signs.
JUNK = "JUNK"
_JUNK = re.compile(
    r'''
    """(?:(?!\n\})(?s:.))*+
    |"[^\n{}]*+
    |\w+
    |[^\w\s{}()\[\]"'`]+
    |.
    ''',
    re.VERBOSE | re.DOTALL,
)


class Lexeme(NamedTuple):
    """The type and place of a token. An inserted token has its text in `instead`."""

    type: str
    start: int
    end: int
    instead: str | None = None


class Stack(NamedTuple):
    """A stack of parser states: the top state and the stack below it."""

    state: int
    below: "Stack | None"
    height: int


def stack_of(states: Sequence[int]) -> Stack:
    stack: Stack | None = None
    for height, state in enumerate(states):
        stack = Stack(state, stack, height + 1)
    assert stack is not None, "a parser has a state"
    return stack


class Automaton:
    """Lark's parse table and lexers, applied to one text."""

    def __init__(self, table: Lark, text: str) -> None:
        self._table = table
        # Lark has no exact types for its internals.
        thread: Any = table.parse_interactive(text)
        self.text = text
        self._slice = TextSlice(text, 0, len(text))
        self._states: dict[int, dict[str, tuple[Any, Any]]] = thread.parser_state.parse_conf.states
        self._end_state: int = thread.parser_state.parse_conf.end_state
        self._lexers: dict[int, Any] = thread.lexer_thread.lexer.lexers
        self._root: Any = thread.lexer_thread.lexer.root_lexer
        self._ignored: frozenset[str] = self._root.ignore_types
        self._known: dict[tuple[int, int], Lexeme] = {}

    def over(self, text: str) -> "Automaton":
        """Return an automaton with the same table for another text."""
        return Automaton(self._table, text)

    def after(self, stack: Stack, type: str) -> Stack | None:
        """Return the stack after a token of `type`; None where it does not fit."""
        top: Stack | None = stack
        while top is not None:
            found = self._states[top.state].get(type)
            if found is None:
                return None
            action, what = found
            if action is Shift:
                return Stack(cast(int, what), top, top.height + 1)
            # A reduction removes the states of its parts and goes on with the state of the rule.
            for _ in what.expansion:
                assert top is not None, "the table never goes below its first state"
                top = top.below
            assert top is not None
            goal = self._states[top.state][what.origin.name][1]
            top = Stack(cast(int, goal), top, top.height + 1)
            if type == END and goal == self._end_state:
                return top
        return None

    def after_all(self, stack: Stack, types: Sequence[str]) -> Stack | None:
        found: Stack | None = stack
        for type in types:
            found = found and self.after(found, type)
        return found

    def accepts(self, stack: Stack) -> frozenset[str]:
        """Return the types of tokens that fit next."""
        names = (name for name in self._states[stack.state] if name.isupper() or name == END)
        return frozenset(name for name in names if self.after(stack, name) is not None)

    def next(self, stack: Stack, start: int) -> Lexeme:
        """Return the token at or after `start`. The lexer depends on the state."""
        return self._read(self._lexers[stack.state], start)

    def next_again(self, stack: Stack, start: int) -> Lexeme:
        """Return the same as `next`, with a cache, because many repairs read the same text."""
        lexer = self._lexers[stack.state]
        key = id(lexer), start
        if key not in self._known:
            self._known[key] = self._read(lexer, start)
        return self._known[key]

    def next_anywhere(self, start: int) -> Lexeme:
        """Return the token at or after `start`, read by the lexer with all terminals."""
        return self._read(self._root, start)

    def forget(self) -> None:
        self._known.clear()

    def _read(self, lexer: Any, start: int) -> Lexeme:
        while start < len(self.text):
            found = lexer.match(self._slice, start) or self._root.match(self._slice, start)
            if not found:
                junk = _JUNK.match(self.text, start)
                assert junk is not None, "the last choice matches anything"
                return Lexeme(JUNK, start, junk.end())
            value, type = found
            if type not in self._ignored:
                return Lexeme(type, start, start + len(value))
            start += len(value)
        return Lexeme(END, start, start)
