"""Ways on after a mistake, each tried without touching the parser, and the best of them.

A repair forgets the last tokens, perhaps none, puts others in, and reads on at some place. It is
as good as the number of tokens that then fit, and among equals the cheapest is taken.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cij.grammar.recovery import costs
from cij.grammar.recovery.automaton import BEGINNINGS, END, Automaton, Lexeme, Stack
from cij.grammar.recovery.braces import Layout

# So many tokens after the mistake tell whether a repair is worth a longer look …
AHEAD = 6
# … which goes so far, for the cheapest of them.
FAR_AHEAD = 30
FINALISTS = 12
# A repair that does not get so far is none.
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
    """Keep `keep` tokens, put `inserted` in, and read on at `resume`."""

    keep: int
    inserted: tuple[Lexeme, ...]
    resume: int
    cost: int


@dataclass(slots=True)
class Place:
    """Where reading stopped: the tokens so far, the stack before each of them and after the last,
    and the token that does not fit. `begin` is the first token of the declaration."""

    automaton: Automaton
    layout: Layout
    lexemes: Sequence[Lexeme]
    stacks: Sequence[Stack]
    wrong: Lexeme
    begin: int
    # For each kind of bracket, how many more are opened than closed in the declaration.
    balance: Mapping[str, int]

    def best(self, repairs: Iterable[Repair]) -> Repair | None:
        """Return the repair that gets furthest for the least, or None when none gets far."""
        tried = [(self.progress(repair, AHEAD), repair) for repair in repairs]
        most = max((progress for progress, _ in tried), default=0)
        if most < ENOUGH:
            return None
        best = [repair._replace(cost=self._price(repair)) for far, repair in tried if far == most]
        ranked = sorted(best, key=lambda repair: (repair.cost, repair))[:FINALISTS]
        return max(ranked, key=lambda repair: self.progress(repair, FAR_AHEAD))

    def progress(self, repair: Repair, enough: int) -> int:
        """Count the tokens behind the mistake that fit after a repair, up to `enough`."""
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
        """Return what a repair costs, dearer where it brings brackets out of balance."""
        change = self.change(repair)
        before = sum(abs(self.balance[kind]) for kind in change)
        after = sum(abs(self.balance[kind] + change[kind]) for kind in change)
        return repair.cost + costs.UNBALANCED * (after - before)

    def change(self, repair: Repair) -> Counter[str]:
        """Return what a repair adds to the count of open brackets less those that close."""
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
        """Return the first token at or after a place in the text."""
        return bisect_left(self.lexemes, start, key=lambda lexeme: lexeme.start)

    def lexeme(self, index: int) -> Lexeme:
        """Return a token, also the one that does not fit and those behind it."""
        count = len(self.lexemes)
        if index < count:
            return self.lexemes[index]
        if index == count or self.wrong.type == END:
            return self.wrong
        return self.automaton.next_anywhere(self.lexeme(index - 1).end)

    def repair(self, keep: int, types: Iterable[str], resume: int, cost: int) -> Repair:
        """Return a repair that puts in tokens of no width behind those it keeps."""
        end = self.lexemes[keep - 1].end if keep else 0
        places = ((type, resume if type in BEGINNINGS else end) for type in types)
        inserted = (Lexeme(type, at, at, costs.text(type)) for type, at in places)
        return Repair(keep, tuple(inserted), resume, cost)

    def leave(self, end: int) -> Repair:
        """Return the repair that forgets the declaration and goes on at the next one."""
        return self.repair(self.begin, [], end, 0)
