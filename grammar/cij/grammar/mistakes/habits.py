"""Recognises the habits of `habit_table` at a place where the parser stopped."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cij.grammar.codes import UNEXPECTED_TEXT
from cij.grammar.diagnostic import Diagnostic, Edit, Fix
from cij.grammar.grammar_text import DECLARATION_WORDS
from cij.grammar.mistakes.habit import Habit
from cij.grammar.mistakes.habit_table import HABITS
from cij.grammar.mistakes.mistake import Mistake
from cij.grammar.span import Span

# The parser often stops some tokens after the beginning of a habit.
_TOKENS_BEFORE = 8
# Words that the grammar reads as names where they are in capitals, so that the parser stops only
# later.
_TAKEN = {"add", "and", "between", "case", "contains", "else", "except", "in", "is", "not", "or"}
_TAKEN |= {"since", "stage", "when", "where", "within"}


@dataclass(frozen=True, slots=True)
class Habitual:
    """A recognised habit.

    `readings` are the texts that may be intended in `span`, the likeliest first.
    """

    span: Span
    readings: tuple[str, ...]
    message: str
    help: str
    is_certain: bool = True

    @property
    def start(self) -> int:
        return self.span.start

    @property
    def end(self) -> int:
        return self.span.end

    def diagnostic(self, reading: str | None) -> Diagnostic:
        """Return the diagnostic.

        `reading` is the intended text that fits the text after it, or None.
        """
        fixes = []
        if self.is_certain and reading is not None:
            fixes = [Fix(self.help, (Edit(self.span, reading),))]
        return UNEXPECTED_TEXT.at(self.span, self.message, help=self.help, fixes=fixes)


def habitual(mistake: Mistake) -> Habitual | None:
    """Return the habit at the place of a mistake; None where none fits."""
    for habit in HABITS:
        if mistake.accepted >= habit.needs and not mistake.accepted & habit.lacks:
            for match in _matches(mistake, habit):
                return _of_habit(mistake, habit, match)
    return _shouted(mistake)


def _matches(mistake: Mistake, habit: Habit) -> Iterator[re.Match[str]]:
    for start in _starts(mistake, habit):
        match = habit.pattern.match(mistake.text, start)
        if match and (match.end() > mistake.start or habit.is_late and _reaches(mistake, match)):
            yield match


def _starts(mistake: Mistake, habit: Habit) -> list[int]:
    if habit.is_unreadable:
        return [mistake.start] if mistake.found is None else []
    before = [token.start_pos or 0 for token in mistake.tokens[-_TOKENS_BEFORE:]]
    return [*before, max(mistake.start - 1, 0), mistake.start]


def _reaches(mistake: Mistake, match: re.Match[str]) -> bool:
    """Tell whether only space is between a match and the mistake."""
    return match.end() <= mistake.start and not mistake.text[match.end() : mistake.start].strip()


def _of_habit(mistake: Mistake, habit: Habit, match: re.Match[str]) -> Habitual:
    start, end = match.span("bad") if "bad" in habit.pattern.groupindex else match.span()
    message, help = match.expand(habit.message), match.expand(habit.help)
    readings = tuple(habit.readings(match))
    return Habitual(mistake.span(start, end), readings, message, help, habit.is_certain)


# --- capitals ---------------------------------------------------------------------------------


def _shouted(mistake: Mistake) -> Habitual | None:
    """Find `AND` for `and`, or `Send` for `send`."""
    for token in mistake.tokens[-2:]:
        if token.type in ("NAME", "PATH") and token != token.lower() and token.lower() in _TAKEN:
            return _lowered(mistake, str(token), token.start_pos or 0)
    word = mistake.word
    if word != word.lower() and word.lower() in _fitting(mistake.accepted):
        return _lowered(mistake, word, mistake.start)
    return None


def _fitting(accepted: Iterable[str]) -> set[str]:
    words = {name.lower() for name in accepted}
    return words | set(DECLARATION_WORDS) if "kind" in words else words


def _lowered(mistake: Mistake, word: str, start: int) -> Habitual:
    lower, span = word.lower(), mistake.span(start, start + len(word))
    help = f"write `{lower}` in lower case"
    return Habitual(span, (lower,), f"`{word}` is not a word here", help)
