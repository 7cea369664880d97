"""What may follow at a place of a text that is being written."""

from dataclasses import dataclass

from cij.grammar.recovery.automaton import (
    BEGINNINGS,
    END,
    FIRST_HEIGHT_MAX,
    JUNK,
    Automaton,
    Lexeme,
    Stack,
    stack_of,
)
from cij.grammar.table_cache import table


@dataclass(frozen=True, slots=True)
class Fitting:
    """`terminals` are the kinds of token that fit; none where the text before has a mistake.

    `before` are the texts of the tokens of the declaration, up to the place.
    """

    terminals: frozenset[str]
    before: tuple[str, ...]


def fitting(text: str, end: int) -> Fitting:
    """Return what fits after `text[:end]`. The text behind the place is not read.

    A declaration with a mistake further up hides nothing of the declarations below it.
    """
    automaton = Automaton(table(), text[:end])
    first = stack_of(table().parse_interactive("").parser_state.state_stack)
    stack: Stack | None = first
    before: list[str] = []
    position = 0
    while True:
        lexeme = automaton.next(stack or first, position)
        if lexeme.type == END:
            break
        if _is_first(automaton, stack, lexeme) or _begins(automaton, first, lexeme):
            # A declaration begins in the first column, so the one before it is over.
            stack = first if stack is None else _closed(automaton, stack, lexeme, first)
            before = []
        before.append(automaton.text[lexeme.start : lexeme.end])
        stack = automaton.after(stack, lexeme.type) if stack is not None else None
        position = lexeme.end
    return Fitting(automaton.accepts(stack) if stack is not None else frozenset(), tuple(before))


def _closed(automaton: Automaton, stack: Stack, lexeme: Lexeme, first: Stack) -> Stack:
    """Return the stack in which a declaration may begin: this one, or the first of a file."""
    return stack if automaton.after(stack, lexeme.type) is not None else first


def _is_first(automaton: Automaton, stack: Stack | None, lexeme: Lexeme) -> bool:
    """Tell whether a token is the first of a declaration: steps and tests use some of the words too."""
    if lexeme.type not in BEGINNINGS or stack is None:
        return lexeme.type in BEGINNINGS
    after = automaton.after(stack, lexeme.type)
    return after is None or after.height <= FIRST_HEIGHT_MAX


def _begins(automaton: Automaton, first: Stack, lexeme: Lexeme) -> bool:
    """Tell whether a token that does not fit begins a declaration: it does in the first column."""
    start = lexeme.start
    is_in_first_column = start == 0 or automaton.text[start - 1] == "\n"
    if lexeme.type == JUNK or not is_in_first_column:
        return False
    return automaton.next(first, start).type in BEGINNINGS
