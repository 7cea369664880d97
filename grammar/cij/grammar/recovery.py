"""Reads all of a file, whatever it holds: after a mistake it goes on at the next declaration.

The LR stack below a declaration does not change until the declaration is complete. So leaving a
broken one means cutting the stack back to the height it had at its first word.
"""

import re
from dataclasses import dataclass, field
from typing import Any, cast

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from cij.grammar import mistakes
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.expressions import ParseTree
from cij.grammar.mistakes import Mistake

MISTAKES_MAX = 50
# No tree of DEPTH_MAX levels needs more, and what a mistake costs grows with it.
STACK_MAX = 2000
# The words that begin a declaration. The parser accepts them nowhere else.
BEGINNINGS = frozenset({"USE", "KIND", "MESSAGE", "JOURNEY", "FRAGMENT", "POLICY", "TEST"})
END = Token("$END", "")
_WORD = r"(?:[^\W\d][\w\u0300-\u036f]*|`[^`\n]+`)"
_KINDS = (
    "source|profile|entity|event|enrich|measure|predict|score|segment|lifecycle|topic|action|export"
)
# How a declaration begins, up to its brace: enough to tell it from a word inside a block.
_BEGINNING = rf"""
    (?:(?:{_KINDS}|journey|policy)[ \t]+{_WORD}[ \t]*\{{
    |message[ \t]+{_WORD}[ \t]+{_WORD}[ \t]*\{{
    |fragment[ \t]+{_WORD}[ \t]*[({{]
    |test[ \t]+"
    |use[ \t]+{_WORD})
"""
# What must be stepped over or counted on the way to the next declaration.
_LANDMARK = re.compile(
    rf'''
    (?P<text>"""(?:[^\\]|\\.)*?"""|"(?:[^"\\\n]|\\[^\n])*")
    |(?P<comment>\#[^\n]*)
    |(?P<name>`[^`\n]+`)
    |(?P<open>\{{)|(?P<close>\}})
    |(?P<beginning>(?<![^\n\ufeff])[ \t]*(?={_BEGINNING}))
    ''',
    re.VERBOSE | re.DOTALL,
)


@dataclass(slots=True)
class Reading:
    """What a file holds: the tree of the declarations that parsed, the tokens, the mistakes."""

    tree: ParseTree
    tokens: list[Token] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)


class _TooDeep(UnexpectedToken):
    """The text opens more than any tree we would build."""

    def __init__(self, token: Token) -> None:
        super().__init__(token, set())  # type: ignore[no-untyped-call]


def read(table: Lark, file: str, text: str) -> Reading:
    return _Reader(table, file, text).read()


class _Reader:
    """Feeds the tokens of one file to the parser."""

    def __init__(self, table: Lark, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.parser = table.parse_interactive(text)
        self.state = self.parser.parser_state
        # Lark types these loosely: the lexer's state, and its own hand on it.
        self.lexer = cast(Any, self.parser.lexer_thread)
        self.place = self.lexer.state.line_ctr
        self.tokens: list[Token] = []
        self.diagnostics: list[Diagnostic] = []
        # The declaration being read: where it begins, and the height of the stack below it.
        self.start = 0
        self.height = 1

    def read(self) -> Reading:
        while len(self.diagnostics) < MISTAKES_MAX:
            try:
                self._feed_rest()
                return self._finish()
            except UnexpectedInput as error:
                self._recover(self._mistake(error))
        return self._finish()

    def _feed_rest(self) -> None:
        for token in self.lexer.lex(self.state):
            self._feed(token)
            self.tokens.append(token)

    def _feed(self, token: Token) -> None:
        """Feed one token. When it does not fit, leave the parser as it was: lark would have
        completed what stands before, and then knows less of what could have followed."""
        states, values = self.state.state_stack[:], self.state.value_stack[:]
        try:
            self.parser.feed_token(token)
        except UnexpectedInput:
            self.state.state_stack[:], self.state.value_stack[:] = states, values
            raise
        if len(states) > STACK_MAX:
            raise _TooDeep(token)
        if token.type in BEGINNINGS:
            self.height = len(self.state.state_stack) - 1
            self.start = token.start_pos or 0

    def _finish(self) -> Reading:
        self._feed(END)
        return Reading(self.state.value_stack[-1], self.tokens, self.diagnostics)

    # --- mistakes ---

    def _mistake(self, error: UnexpectedInput) -> Mistake:
        found: Token | None = None
        start = len(self.text)
        is_too_deep = isinstance(error, _TooDeep)
        if isinstance(error, UnexpectedCharacters):
            start = error.pos_in_stream or 0
        elif isinstance(error, UnexpectedToken) and error.token.type != END.type:
            found = error.token
            start = found.start_pos or 0
        parser: Any = self.parser
        accepted = frozenset(parser.accepts())
        return Mistake(
            self.file, self.text, start, found, accepted, self.tokens, self.start, is_too_deep
        )

    def _recover(self, mistake: Mistake) -> None:
        forgotten = None if mistake.is_outside else self._forgotten_brace(mistake.start)
        if forgotten is None:
            self.diagnostics.append(mistakes.explain(mistake))
            resume = self._next_beginning(mistake)
        else:
            self.diagnostics.append(mistakes.unclosed(mistake, forgotten))
            resume = forgotten
        self._leave_declaration(mistake.is_outside)
        self._go_to(resume)

    def _forgotten_brace(self, end: int) -> int | None:
        """Return where a declaration begins in the first column inside the one being read."""
        for match in _LANDMARK.finditer(self.text, self.start + 1, end + 1):
            if match.lastgroup == "beginning" and not match[0]:
                return match.start()
        return None

    def _next_beginning(self, mistake: Mistake) -> int:
        """Return where the next declaration begins: in the first column, or at brace depth 0."""
        depth = 0
        start = mistake.start if mistake.is_outside else self.start
        for match in _LANDMARK.finditer(self.text, start):
            depth += (match.lastgroup == "open") - (match.lastgroup == "close")
            is_beginning = match.lastgroup == "beginning" and match.end() > mistake.start
            if is_beginning and (depth <= 0 or not match[0]):
                return match.end()
        return len(self.text)

    def _leave_declaration(self, is_complete: bool) -> None:
        if is_complete:
            # The first word of another declaration completes this one.
            self._feed(Token("USE", "use"))
        del self.state.state_stack[self.height :]
        del self.state.value_stack[self.height - 1 :]

    def _go_to(self, offset: int) -> None:
        if offset < self.place.char_pos:
            self.place.char_pos = self.place.line_start_pos = 0
            self.place.line = 1
        self.place.feed(self.text[self.place.char_pos : offset])
        while self.tokens and (self.tokens[-1].start_pos or 0) >= offset:
            self.tokens.pop()
        self.start = offset
