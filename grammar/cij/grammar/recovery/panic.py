"""The last way on after a mistake: leave out as much as it takes, but no whole declaration."""

from cij.grammar.recovery.repairs import CLOSERS_MAX, ENOUGH, Place, Repair

# Places to go on that are tried, and tokens that are forgotten for one of them.
RESUMES_MAX = 200
UNDO_MAX = 200


def panic(place: Place, end: int) -> Repair:
    """Return a repair that goes on within the declaration, or at `end`, where the next begins."""
    position = place.wrong.start
    for _ in range(RESUMES_MAX):
        lexeme = place.automaton.next_anywhere(position)
        if lexeme.start >= end:
            break
        if _is_landing(place, lexeme.start):
            found = _landing(place, lexeme.start)
            if found is not None:
                return found
        position = lexeme.end
    return _closed(place, end)


def _is_landing(place: Place, start: int) -> bool:
    """Tell whether a statement may begin here: at the start of a line, or a brace that closes."""
    line_start = place.automaton.text.rfind("\n", 0, start) + 1
    is_first = not place.automaton.text[line_start:start].strip()
    return is_first or place.automaton.text[start] == "}"


def _landing(place: Place, resume: int) -> Repair | None:
    """Forget no more tokens than it takes for the text at `resume` to fit."""
    last = len(place.lexemes)
    for keep in range(last, max(place.begin, last - UNDO_MAX) - 1, -1):
        repair = place.repair(keep, [], resume, 0)
        if place.progress(repair, ENOUGH) >= ENOUGH:
            return repair
    return None


def _closed(place: Place, end: int) -> Repair:
    """Close the declaration as far as it can be kept, and go on at the next."""
    last = len(place.lexemes)
    for keep in range(last, max(place.begin, last - UNDO_MAX), -1):
        for count in range(CLOSERS_MAX):
            repair = place.repair(keep, ["RBRACE"] * count, end, 0)
            types = [lexeme.type for lexeme in repair.inserted]
            stack = place.automaton.after_all(place.stacks[keep], types)
            if stack is not None and place.automaton.after(stack, "USE") is not None:
                return repair
    return place.leave(end)
