"""The repairs to try near a mistake: tokens are deleted, inserted, replaced or exchanged."""

from collections.abc import Iterator

from cij.grammar.recovery import costs
from cij.grammar.recovery.automaton import END, Lexeme, Stack
from cij.grammar.recovery.repairs import CLOSERS_MAX, Place, Repair

# The number of tokens before the mistake that may be wrong.
UNDO_MAX = 3


def candidates(place: Place) -> Iterator[Repair]:
    """Yield all repairs. A repair may occur more than once."""
    for keep in _points(place):
        undone = (len(place.lexemes) - keep) * costs.UNDO
        yield from _left_out(place, keep, undone)
        yield from _put_in(place, keep, undone)
        yield from _exchanged(place, keep, undone)
        yield from _setting(place, keep, undone)
    yield from _closed(place)


def _points(place: Place) -> set[int]:
    """Return the tokens at which a repair may begin.

    These are the last few, the first token of the line, and the last token of the line before.
    """
    last = len(place.lexemes)
    points = set(range(max(place.begin, last - UNDO_MAX), last + 1))
    line_start = place.automaton.text.rfind("\n", 0, place.wrong.start) + 1
    first = max(place.index(line_start), place.begin)
    return points | {first, max(first - 1, place.begin)}


def _left_out(place: Place, keep: int, undone: int) -> Iterator[Repair]:
    lexeme, following = place.lexeme(keep), place.lexeme(keep + 1)
    cost = undone + costs.skip(lexeme.type)
    yield place.repair(keep, [], lexeme.end, cost)
    yield place.repair(keep, [], following.end, cost + costs.skip(following.type))


def _put_in(place: Place, keep: int, undone: int) -> Iterator[Repair]:
    lexeme = place.lexeme(keep)
    for type in place.automaton.accepts(place.stacks[keep]) - {END}:
        yield place.repair(keep, [type], lexeme.start, undone + costs.insert(type))
        if lexeme.type != END:
            yield _replacement(place, keep, type, undone)


def _replacement(place: Place, keep: int, type: str, undone: int) -> Repair:
    """Return the repair that replaces a token by one of `type`."""
    lexeme = place.lexeme(keep)
    word = place.automaton.text[lexeme.start : lexeme.end]
    instead = costs.similar(type, word) or costs.text(type)
    if type in costs.NAMED and word.isidentifier():
        instead = word
    cost = undone + costs.replace(type, lexeme.type, word)
    return Repair(keep, (Lexeme(type, lexeme.start, lexeme.end, instead),), lexeme.end, cost)


def _exchanged(place: Place, keep: int, undone: int) -> Iterator[Repair]:
    first, second = place.lexeme(keep), place.lexeme(keep + 1)
    if second.type == END:
        return
    for above, stack in _as_read(place, place.stacks[keep], second):
        for below, _ in _as_read(place, stack, first):
            # Each gets the span of both, so that no node of the tree ends before it begins.
            pair = (one._replace(start=first.start, end=second.end) for one in (above, below))
            yield Repair(keep, tuple(pair), second.end, undone + costs.SWAP)


def _as_read(place: Place, stack: Stack, lexeme: Lexeme) -> Iterator[tuple[Lexeme, Stack]]:
    """Yield a token as it can be read in another place, where it may have another type."""
    text = place.automaton.text[lexeme.start : lexeme.end]
    own = place.automaton.next_again(stack, lexeme.start).type
    types = {lexeme.type, own} | (costs.NAMED if text.isidentifier() else set())
    for type in sorted(types):
        following = place.automaton.after(stack, type)
        if following is not None:
            yield Lexeme(type, lexeme.start, lexeme.end, text), following


def _setting(place: Place, keep: int, undone: int) -> Iterator[Repair]:
    """Yield the repairs that read `key value`, `key value =` or `key other value` as a setting."""
    key, value, sign = (place.lexeme(keep + offset) for offset in range(3))
    text = place.automaton.text[key.start : key.end]
    stack = place.stacks[keep]
    is_word = key.type not in costs.NAMED and place.automaton.after(stack, key.type) is not None
    if is_word or not text[:1].isalpha() or place.automaton.after(stack, "KEY") is None:
        return
    named = Lexeme("KEY", key.start, key.end, text)
    assigned = Lexeme("ASSIGN", key.end, key.end, "=")
    cost = undone + 2 * costs.insert("ASSIGN")
    yield Repair(keep, (named, assigned), key.end, cost)
    yield Repair(keep, (named, assigned), value.end, cost + costs.skip(value.type))
    behind = place.automaton.after_all(stack, ["KEY", "ASSIGN"])
    if sign.type == "ASSIGN" and behind is not None:
        for moved, _ in _as_read(place, behind, value):
            yield Repair(keep, (named, assigned, moved), sign.end, cost)


def _closed(place: Place) -> Iterator[Repair]:
    """Yield the repairs that close all blocks where the file or the declaration ends."""
    start = place.wrong.start
    if place.wrong.type == END or place.layout.is_beginning(start):
        for count in range(1, CLOSERS_MAX):
            yield place.repair(len(place.lexemes), ["RBRACE"] * count, start, count)
