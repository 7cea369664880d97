"""Parses tokens without building a tree, repairs those that do not fit, and collects
diagnostics."""

from collections import Counter

from cij.grammar import mistakes
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.mistakes import Habitual, Mistake
from cij.grammar.recovery.automaton import (
    BEGINNINGS,
    END,
    FIRST_HEIGHT_MAX,
    JUNK,
    MISTAKES_MAX,
    STACK_MAX,
    Automaton,
    Lexeme,
    Stack,
)
from cij.grammar.recovery.braces import BraceFault, Layout
from cij.grammar.recovery.candidates import candidates
from cij.grammar.recovery.damage import Damage
from cij.grammar.recovery.panic import panic
from cij.grammar.recovery.places import Places
from cij.grammar.recovery.repairs import ENOUGH, Place, Repair

_BRACES = {"{": "LBRACE", "}": "RBRACE"}
# The last tokens are enough to explain a mistake.
_TOKENS_SHOWN = 12


class Mending:
    """The tokens of a text from the beginning of a declaration on, with repairs."""

    def __init__(self, file: str, automaton: Automaton, bottom: Stack, start: int) -> None:
        self.file = file
        self.automaton = automaton
        self.text = automaton.text
        self.layout = Layout(self.text)
        self.places = Places(self.text)
        self.lexemes: list[Lexeme] = []
        # The stack before each token, and the one after the last.
        self.stacks = [bottom]
        self.position = start
        # The current declaration: its first token, and its offset.
        self.begin = 0
        self.begin_place = start
        # The brackets that repairs have added to it or removed, by kind.
        self.changes: Counter[str] = Counter()
        self.diagnostics: list[Diagnostic] = []
        self.damage: list[Damage] = []

    def run(self) -> list[Lexeme]:
        """Return tokens that are certain to parse."""
        while True:
            lexeme = self.automaton.next(self.stacks[-1], self.position)
            stack = self.automaton.after(self.stacks[-1], lexeme.type)
            if stack is None or self._is_nested(lexeme):
                self._mend(lexeme, False)
            elif stack.height > STACK_MAX:
                self._mend(lexeme, True)
            elif lexeme.type == END:
                return self.lexemes
            else:
                self._take(lexeme, stack)

    def _is_nested(self, lexeme: Lexeme) -> bool:
        """Tell whether a declaration begins here that the parser would read as part of an
        open one."""
        return lexeme.type not in BEGINNINGS and self.layout.is_beginning(lexeme.start)

    def _take(self, lexeme: Lexeme, stack: Stack) -> None:
        # Steps and tests use some of these words as well, further up the stack.
        if lexeme.type in BEGINNINGS and stack.height <= FIRST_HEIGHT_MAX:
            self.begin = len(self.lexemes)
            self.begin_place = lexeme.start
            self.changes = Counter()
        self.lexemes.append(lexeme)
        self.stacks.append(stack)
        if lexeme.instead is None:
            self.position = lexeme.end

    # --- mistakes ---

    def _mend(self, wrong: Lexeme, is_too_deep: bool) -> None:
        # The cache of tokens serves the repairs of one mistake, and would grow without end.
        self.automaton.forget()
        place = self._place(wrong)
        if len(self.diagnostics) >= MISTAKES_MAX:
            self._apply(place.leave(len(self.text)), wrong)
            return
        mistake = self._mistake(wrong, is_too_deep, len(self.lexemes))
        repair, found = self._repair(place, mistake)
        last = self.diagnostics[-1] if self.diagnostics else None
        # Another mistake on the same line may be only a consequence.
        if last is None or last.span.line != found.span.line:
            self.diagnostics.append(found)
        self.changes += place.change(repair)
        self._apply(repair, wrong)

    def _place(self, wrong: Lexeme) -> Place:
        end = self.layout.next_beginning(self.begin_place)
        balance = self.layout.balance(self.begin_place, end) + self.changes
        return Place(
            self.automaton, self.layout, self.lexemes, self.stacks, wrong, self.begin, balance
        )

    def _mistake(self, wrong: Lexeme, is_too_deep: bool, count: int) -> Mistake:
        """Return the mistake of a token that does not fit after the first `count` tokens."""
        is_token = wrong.type not in (END, JUNK)
        accepted = self.automaton.accepts(self.stacks[count])
        before = self.lexemes[max(count - _TOKENS_SHOWN, 0) : count]
        tokens = [self.places.token(lexeme) for lexeme in before]
        found = self.places.token(wrong) if is_token else None
        start = self.begin_place
        return Mistake(
            self.file, self.text, wrong.start, found, accepted, tokens, start, is_too_deep
        )

    def _repair(self, place: Place, mistake: Mistake) -> tuple[Repair, Diagnostic]:
        end = self.layout.next_beginning(max(self.begin_place, mistake.start - 1))
        if mistake.is_too_deep:
            return place.leave(end), mistakes.explain(mistake)
        # The most specific explanation comes first: a habit, then the indentation, then any repair.
        habitual = mistakes.habitual(mistake)
        meant = self._meant(place, habitual) if habitual else None
        if meant:
            return meant
        for fault in self._brace_faults():
            repair = self._brace_repair(place, fault)
            if repair:
                return repair, self._brace_diagnostic(mistake, fault, repair)
        best = place.best(candidates(place)) or panic(place, end)
        if habitual:
            return best, habitual.diagnostic(next(iter(habitual.readings), None))
        return best, self._explained(mistake, best, place)

    def _explained(self, mistake: Mistake, repair: Repair, place: Place) -> Diagnostic:
        """Return the explanation of a mistake, at the place of its repair where that is on a line
        above."""
        if [lexeme.type for lexeme in repair.inserted[:2]] == ["KEY", "ASSIGN"]:
            key = repair.inserted[0]
            return mistakes.no_sign(mistake, key.start, key.end)
        if {lexeme.type for lexeme in repair.inserted} == {"RBRACE"} and mistake.found is not None:
            end = self.lexemes[repair.keep - 1].end if repair.keep else 0
            return mistakes.no_brace(mistake, "}", end, self.begin_place)
        lexeme = place.lexeme(repair.keep)
        if "\n" in self.text[lexeme.start : mistake.start] and repair.inserted:
            mistake = self._mistake(lexeme, False, repair.keep)
        return mistakes.explain(mistake)

    def _meant(self, place: Place, habitual: Habitual) -> tuple[Repair, Diagnostic] | None:
        """Return the repair with the intended text of a habit, if the text after it then fits."""
        keep = max(place.index(habitual.start), self.begin)
        before = self.text[place.wrong.start : habitual.start] if keep == len(self.lexemes) else ""
        for reading in habitual.readings:
            inserted = self._lexemes_of(self.stacks[keep], before + reading, habitual)
            if inserted is not None:
                repair = Repair(keep, inserted, habitual.end, 0)
                if place.progress(repair, ENOUGH) >= ENOUGH:
                    return repair, habitual.diagnostic(reading)
        return None

    def _lexemes_of(
        self, stack: Stack, reading: str, habitual: Habitual
    ) -> tuple[Lexeme, ...] | None:
        """Return the tokens of a text from this state on; None where one does not fit."""
        automaton, position = self.automaton.over(reading), 0
        found: list[Lexeme] = []
        while True:
            lexeme = automaton.next(stack, position)
            if lexeme.type == END:
                return tuple(found)
            following = automaton.after(stack, lexeme.type)
            if following is None:
                return None
            text = reading[lexeme.start : lexeme.end]
            found.append(Lexeme(lexeme.type, habitual.start, habitual.end, text))
            stack, position = following, lexeme.end

    # --- braces ---

    def _brace_faults(self) -> list[BraceFault]:
        end = self.layout.next_beginning(self.begin_place)
        return self.layout.brace_faults(self.begin_place, end)

    def _brace_repair(self, place: Place, fault: BraceFault) -> Repair | None:
        keep = place.index(fault.place)
        if fault.place > place.wrong.start or keep < self.begin:
            return None
        types = [_BRACES[fault.brace]] if fault.is_missing else []
        resume = fault.place + (not fault.is_missing)
        repair = place.repair(keep, types, resume, 0)
        return repair if place.progress(repair, ENOUGH) >= ENOUGH else None

    def _brace_diagnostic(self, mistake: Mistake, fault: BraceFault, repair: Repair) -> Diagnostic:
        if not fault.is_missing:
            return mistakes.extra_brace(mistake, fault.place)
        end = self.lexemes[repair.keep - 1].end if repair.keep else 0
        return mistakes.no_brace(mistake, fault.brace, end, fault.opener)

    # --- applying a repair ---

    def _apply(self, repair: Repair, wrong: Lexeme) -> None:
        is_change = repair.inserted or repair.keep < len(self.lexemes)
        assert is_change or repair.resume > wrong.start, "each repair goes on, so mending ends"
        undone = self.lexemes[repair.keep :] or [wrong]
        start = min(wrong.start, undone[0].start)
        self.damage.append(Damage(start, max(repair.resume, wrong.end)))
        del self.lexemes[repair.keep :]
        del self.stacks[repair.keep + 1 :]
        if repair.keep <= self.begin:
            self.begin_place = repair.resume
            self.changes = Counter()
        for lexeme in repair.inserted:
            stack = self.automaton.after(self.stacks[-1], lexeme.type)
            assert stack is not None, "a repair has been tried"
            self._take(lexeme, stack)
        self.position = repair.resume
