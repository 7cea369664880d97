"""The last resort after a mistake: it skips text until parsing can go on in the same
declaration."""

from cij.grammar.recovery.repairs import CLOSERS_MAX, ENOUGH, Place, Repair

# Limits for the places to go on and for the tokens that are dropped, so that the cost of a mistake
# is bounded.
RESUMES_MAX = 200
UNDO_MAX = 200


def panic(place: Place, end: int) -> Repair:
    """Return a repair that goes on in the same declaration, or at `end`, where the next one
    begins."""
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
    """Tell whether a statement may begin here: at the start of a line, or at a closing brace."""
    line_start = place.automaton.text.rfind("\n", 0, start) + 1
    is_first = not place.automaton.text[line_start:start].strip()
    return is_first or place.automaton.text[start] == "}"


def _landing(place: Place, resume: int) -> Repair | None:
    """Return the repair that drops the fewest tokens so that the text at `resume` fits; None
    without one."""
    last = len(place.lexemes)
    # From the last token backwards, so that as much as possible is kept.
    for keep in range(last, max(place.begin, last - UNDO_MAX) - 1, -1):
        repair = place.repair(keep, [], resume, 0)
        if place.progress(repair, ENOUGH) >= ENOUGH:
            return repair
    return None


def _closed(place: Place, end: int) -> Repair:
    """Return the repair that closes the declaration, keeps most of it, and goes on at the
    next one."""
    last = len(place.lexemes)
    for keep in range(last, max(place.begin, last - UNDO_MAX), -1):
        for count in range(CLOSERS_MAX):
            repair = place.repair(keep, ["RBRACE"] * count, end, 0)
            types = [lexeme.type for lexeme in repair.inserted]
            stack = place.automaton.after_all(place.stacks[keep], types)
            if stack is not None and place.automaton.after(stack, "USE") is not None:
                return repair
    return place.leave(end)
