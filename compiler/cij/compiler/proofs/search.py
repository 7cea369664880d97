"""The search for values that make a formula true. Bounded: beyond the limit nothing is claimed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from cij.compiler.proofs.formula import All, Formula, Literal, Some, Term
from cij.compiler.proofs.ranges import (
    NONE,
    Ranges,
    Value,
    samples,
    shared_prefix,
    text_samples,
    whole,
)

NODES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Cell:
    """What is left of a term: values in `ranges` that hold `needles` and nothing of `lacks`."""

    ranges: Ranges
    or_missing: bool
    needles: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()

    def narrowed(self, by: Literal) -> "Cell":
        ranges = whole(by.ranges) if by.term.is_whole else by.ranges
        needle = frozenset(() if by.needle is None else (by.needle,))
        return Cell(
            self.ranges & ranges,
            self.or_missing and by.or_missing,
            self.needles if by.is_lacking else self.needles | needle,
            self.lacks | needle if by.is_lacking else self.lacks,
        )

    @property
    def is_empty(self) -> bool:
        return not self.or_missing and self.has_no_value

    @property
    def has_no_value(self) -> bool:
        """Tell that surely no value is left. A false answer promises nothing about texts."""
        if self.ranges.is_empty:
            return True
        if not self.needles and not self.lacks:
            return False
        if any(lack in needle for lack in self.lacks for needle in self.needles):
            return True
        return all(self._refuses(low, high) for low, high in self.ranges.intervals())

    def _refuses(self, low: tuple[Value, int] | None, high: tuple[Value, int] | None) -> bool:
        if low is not None and high is not None and low[0] == high[0]:
            return not self.fits(low[0])
        start = shared_prefix(low, high)
        return any(lack in start for lack in self.lacks)

    def fits(self, text: str) -> bool:
        return all(n in text for n in self.needles) and not any(n in text for n in self.lacks)


State = Mapping[Term, Cell]


class Limit(Exception):
    """The search has looked at as many nodes as it may."""


class Outcome(Enum):
    """Why there is no assignment: there is none, or none was found."""

    NONE_THERE = "none there"
    NOT_FOUND = "not found"


Assignment = dict[Term, Value | None]


@dataclass(slots=True)
class _Search:
    nodes_left: int
    # Whether a branch was given up in which a text may exist that was not found.
    has_gap: bool = field(default=False)

    def solve(self, todo: list[Formula], state: State) -> Assignment | None:
        self.nodes_left -= 1
        if self.nodes_left < 0:
            raise Limit
        taken = _taken(todo, state)
        if taken is None:
            return None
        now, choices = taken
        if not choices:
            return self._assignment(now)
        choices.sort(key=lambda branches: len(branches))
        for branch in choices[0]:
            rest: list[Formula] = [Some(tuple(c)) for c in choices[1:]]
            found = self.solve([branch, *rest], now)
            if found is not None:
                return found
        return None

    def _assignment(self, state: State) -> Assignment | None:
        found: Assignment = {}
        for term, cell in state.items():
            value = _value(term, cell)
            if value is None and not cell.or_missing:
                self.has_gap = True
                return None
            found[term] = value
        return found


def _taken(todo: list[Formula], state: State) -> tuple[State, list[list[Formula]]] | None:
    """Apply what leaves no choice; return the choices that are left, or None if it is false."""
    now = dict(state)
    work, choices = list(todo), list[Some]()
    while work:
        if not _apply_all(work, now, choices):
            return None
        opened = [branches for c in choices if (branches := _open(c, now)) is not None]
        if not all(opened):
            return None
        work = [branches[0] for branches in opened if len(branches) == 1]
        choices = [Some(tuple(branches)) for branches in opened if len(branches) > 1]
    return now, [list(c.items) for c in choices]


def _apply_all(work: list[Formula], now: dict[Term, Cell], choices: list[Some]) -> bool:
    """Narrow `now` by all literals of `work`, and put its choices aside. False when one is empty."""
    while work:
        match work.pop():
            case All(items):
                work += items
            case Some() as choice:
                choices.append(choice)
            case Literal() as item:
                now[item.term] = _cell(item.term, now).narrowed(item)
                if now[item.term].is_empty:
                    return False
    return True


def _cell(term: Term, state: State) -> Cell:
    return state.get(term) or Cell(term.base, term.is_nullable)


def _open(choice: Some, state: State) -> list[Formula] | None:
    """Return the branches that are not false yet, or None when one is true already."""
    found: list[Formula] = []
    for branch in choice.items:
        if isinstance(branch, Literal):
            cell = _cell(branch.term, state)
            narrowed = cell.narrowed(branch)
            if narrowed == cell:
                return None
            if narrowed.is_empty:
                continue
        found.append(branch)
    return found


def _value(term: Term, cell: Cell) -> Value | None:
    if cell.ranges == NONE:
        return None
    if term.type.kind in ("text", "list"):
        texts = text_samples(cell.ranges, sorted(cell.needles))
        return next((t for t in texts if cell.fits(t)), None)
    return next(samples(cell.ranges, term.is_whole), None)


def search(formula: Formula, nodes_max: int = NODES_MAX) -> Assignment | Outcome:
    """Return values that make the formula true, or why there are none."""
    found = _Search(nodes_max)
    try:
        values = found.solve([formula], {})
    except Limit:
        return Outcome.NOT_FOUND
    if values is not None:
        return values
    return Outcome.NOT_FOUND if found.has_gap else Outcome.NONE_THERE
