"""Repairs of a mistake. Each is tried without a change of the parser, and the best is chosen.

A repair drops some of the last tokens, inserts others, and goes on at some offset. The best repair
is the one after which the most tokens fit; among equals the cheapest.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cij.grammar.recovery import costs
from cij.grammar.recovery.automaton import BEGINNINGS, END, Automaton, Lexeme, Stack
from cij.grammar.recovery.braces import Layout

# All repairs are tried on so many tokens after the mistake.
AHEAD = 6
# The cheapest of the best repairs are tried on more tokens, since trying all of them would be slow.
FAR_AHEAD = 30
FINALISTS = 12
# A repair after which fewer tokens fit is no repair.
ENOUGH = 3
CLOSERS_MAX = 8
BRACKETS = {
    "LBRACE": ("{", 1),
    "RBRACE": ("{", -1),
    "LPAR": ("(", 1),
    "RPAR": ("(", -1),
    "LSQB": ("[", 1),
    "RSQB": ("[", -1),
}


class Repair(NamedTuple):
    """Keep the first `keep` tokens, append `inserted`, and go on at the offset `resume`."""

    keep: int
    inserted: tuple[Lexeme, ...]
    resume: int
    cost: int


@dataclass(slots=True)
class Place:
    """A place where the parser stopped.

    `stacks` has the stack before each token and the one after the last. `wrong` is the token that
    does not fit. `begin` is the index of the first token of the declaration.
    """

    automaton: Automaton
    layout: Layout
    lexemes: Sequence[Lexeme]
    stacks: Sequence[Stack]
    wrong: Lexeme
    begin: int
    # The number of opening minus closing brackets in the declaration, by kind.
    balance: Mapping[str, int]

    def best(self, repairs: Iterable[Repair]) -> Repair | None:
        """Return the repair after which the most tokens fit; None where too few fit after each."""
        tried = [(self.progress(repair, AHEAD), repair) for repair in repairs]
        most = max((progress for progress, _ in tried), default=0)
        if most < ENOUGH:
            return None
        best = [repair._replace(cost=self._price(repair)) for far, repair in tried if far == most]
        # The repair itself is part of the key, so that equal costs give the same result in each
        # run.
        ranked = sorted(best, key=lambda repair: (repair.cost, repair))[:FINALISTS]
        return max(ranked, key=lambda repair: self.progress(repair, FAR_AHEAD))

    def progress(self, repair: Repair, enough: int) -> int:
        """Return the number of tokens after the mistake that fit after a repair, at most
        `enough`."""
        types = [lexeme.type for lexeme in repair.inserted]
        stack = self.automaton.after_all(self.stacks[repair.keep], types)
        position, count = repair.resume, 0
        while stack is not None and count < enough:
            lexeme = self.automaton.next_again(stack, position)
            stack, position = self.automaton.after(stack, lexeme.type), lexeme.end
            is_nested = lexeme.type not in BEGINNINGS and self.layout.is_beginning(lexeme.start)
            if stack is None or is_nested:
                break
            count += lexeme.end > self.wrong.end
            if lexeme.type == END:
                return enough
        return count

    def _price(self, repair: Repair) -> int:
        """Return the cost of a repair. It is higher where the repair unbalances brackets."""
        change = self.change(repair)
        before = sum(abs(self.balance[kind]) for kind in change)
        after = sum(abs(self.balance[kind] + change[kind]) for kind in change)
        return repair.cost + costs.UNBALANCED * (after - before)

    def change(self, repair: Repair) -> Counter[str]:
        """Return the change of the number of opening minus closing brackets by a repair, by
        kind."""
        change: Counter[str] = Counter()
        for lexeme in repair.inserted:
            if lexeme.type in BRACKETS:
                kind, sign = BRACKETS[lexeme.type]
                change[kind] += sign
        for lexeme in (
            *self.lexemes[repair.keep :],
            self.wrong,
            self.lexeme(len(self.lexemes) + 1),
        ):
            if lexeme.type in BRACKETS and lexeme.end <= repair.resume:
                kind, sign = BRACKETS[lexeme.type]
                change[kind] -= sign
        return change

    # --- the tokens around ---

    def index(self, start: int) -> int:
        """Return the index of the first token at or after an offset."""
        return bisect_left(self.lexemes, start, key=lambda lexeme: lexeme.start)

    def lexeme(self, index: int) -> Lexeme:
        """Return a token by index. The wrong token and those after it have the next indices."""
        count = len(self.lexemes)
        if index < count:
            return self.lexemes[index]
        if index == count or self.wrong.type == END:
            return self.wrong
        return self.automaton.next_anywhere(self.lexeme(index - 1).end)

    def repair(self, keep: int, types: Iterable[str], resume: int, cost: int) -> Repair:
        """Return a repair that inserts tokens of no width after those that it keeps."""
        end = self.lexemes[keep - 1].end if keep else 0
        places = ((type, resume if type in BEGINNINGS else end) for type in types)
        inserted = (Lexeme(type, at, at, costs.text(type)) for type, at in places)
        return Repair(keep, tuple(inserted), resume, cost)

    def leave(self, end: int) -> Repair:
        """Return the repair that drops the declaration and goes on at `end`."""
        return self.repair(self.begin, [], end, 0)
