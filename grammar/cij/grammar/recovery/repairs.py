"""Ways on after a mistake, each tried without touching the parser, and the best of them.

A repair forgets the last tokens, perhaps none, puts others in, and reads on at some place. It is
as good as the number of tokens that then fit, and among equals the cheapest is taken.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cij.grammar.recovery import costs
from cij.grammar.recovery.automaton import BEGINNINGS, END, Automaton, Lexeme, Stack
from cij.grammar.recovery.layout import Layout

# So many tokens after the mistake tell whether a repair is worth a longer look …
AHEAD = 6
# … which goes so far, for the cheapest of them.
FAR_AHEAD = 30
FINALISTS = 12
# A repair that does not get so far is none.
ENOUGH = 3
# So many tokens before the mistake may be what is wrong.
UNDO_MAX = 3
CLOSERS_MAX = 8


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

    def best(self) -> Repair | None:
        """Return the repair that gets furthest for the least, or None when none gets far."""
        tried = [(self.progress(repair, AHEAD), repair) for repair in set(self._repairs())]
        most = max((progress for progress, _ in tried), default=0)
        if most < ENOUGH:
            return None
        ranked = sorted((r for p, r in tried if p == most), key=lambda r: (r.cost, r))[:FINALISTS]
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

    # --- candidates ---

    def _repairs(self) -> Iterator[Repair]:
        for keep in self._points():
            yield from self._at(keep)
        if self.wrong.type == END or self.wrong.start == 0 or self._is_first_column():
            for count in range(1, CLOSERS_MAX):
                yield self.repair(len(self.lexemes), ["RBRACE"] * count, self.wrong.start, count)

    def _is_first_column(self) -> bool:
        return self.automaton.text[self.wrong.start - 1] == "\n"

    def _points(self) -> set[int]:
        """Return the tokens at which a repair may begin: the last few, and the first of the line
        and the last of the line before."""
        last = len(self.lexemes)
        points = set(range(max(self.begin, last - UNDO_MAX), last + 1))
        first = self._first_of_line()
        return points | {p for p in (first - 1, first) if p >= self.begin}

    def _first_of_line(self) -> int:
        line_start = self.automaton.text.rfind("\n", 0, self.wrong.start) + 1
        index = len(self.lexemes)
        while index > self.begin and self.lexemes[index - 1].start >= line_start:
            index -= 1
        return index

    def _at(self, keep: int) -> Iterator[Repair]:
        lexeme, following = self._lexeme(keep), self._lexeme(keep + 1)
        undone = (len(self.lexemes) - keep) * costs.UNDO
        skip = costs.skip(lexeme.type)
        yield self.repair(keep, [], lexeme.end, undone + skip)
        yield self.repair(keep, [], following.end, undone + skip + costs.skip(following.type))
        swapped = [following.type, lexeme.type]
        yield self.repair(keep, swapped, following.end, undone + costs.SWAP)
        for type in self.automaton.accepts(self.stacks[keep]) - {END}:
            cost = undone + costs.insert(type)
            yield self.repair(keep, [type], lexeme.start, cost)
            if lexeme.type != END:
                yield self._replacement(keep, type, lexeme, undone)

    def index(self, start: int) -> int:
        """Return the first token at or after a place in the text."""
        return bisect_left(self.lexemes, start, key=lambda lexeme: lexeme.start)

    def leave(self, end: int) -> Repair:
        """Return the repair that forgets the declaration and goes on at the next one."""
        return self.repair(self.begin, [], end, 0)

    def _lexeme(self, index: int) -> Lexeme:
        count = len(self.lexemes)
        if index < count:
            return self.lexemes[index]
        if index == count or self.wrong.type == END:
            return self.wrong
        return self.automaton.next_anywhere(self.wrong.end)

    def repair(self, keep: int, types: Iterable[str], resume: int, cost: int) -> Repair:
        """Return a repair that puts in tokens of no width behind those it keeps."""
        end = self.lexemes[keep - 1].end if keep else 0
        places = ((type, resume if type in BEGINNINGS else end) for type in types)
        inserted = (Lexeme(type, at, at, costs.text(type)) for type, at in places)
        return Repair(keep, tuple(inserted), resume, cost)

    def _replacement(self, keep: int, type: str, lexeme: Lexeme, undone: int) -> Repair:
        """Return the repair that takes one token for another."""
        word = self.automaton.text[lexeme.start : lexeme.end]
        instead = costs.similar(type, word) or costs.text(type)
        if type in costs.NAMED and word.isidentifier():
            instead = word
        cost = undone + costs.replace(type, lexeme.type, word)
        inserted = Lexeme(type, lexeme.start, lexeme.end, instead)
        return Repair(keep, (inserted,), lexeme.end, cost)
