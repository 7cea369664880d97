"""The repairs that are tried: tokens left out, put in, replaced or exchanged, near the mistake."""

from collections.abc import Iterator

from cij.grammar.recovery import costs
from cij.grammar.recovery.automaton import END, Lexeme, Stack
from cij.grammar.recovery.repairs import CLOSERS_MAX, Place, Repair

# So many tokens before the mistake may be what is wrong.
UNDO_MAX = 3


def candidates(place: Place) -> Iterator[Repair]:
    """Yield each repair once or more."""
    for keep in _points(place):
        undone = (len(place.lexemes) - keep) * costs.UNDO
        yield from _left_out(place, keep, undone)
        yield from _put_in(place, keep, undone)
        yield from _exchanged(place, keep, undone)
        yield from _setting(place, keep, undone)
    yield from _closed(place)


def _points(place: Place) -> set[int]:
    """Return the tokens at which a repair may begin: the last few, the first of the line and the
    last of the line before."""
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
    """Return the repair that takes one token for another."""
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
            # Both stand for both, so that no part of the tree ends before it begins.
            pair = (one._replace(start=first.start, end=second.end) for one in (above, below))
            yield Repair(keep, tuple(pair), second.end, undone + costs.SWAP)


def _as_read(place: Place, stack: Stack, lexeme: Lexeme) -> Iterator[tuple[Lexeme, Stack]]:
    """Read a token in another place, where its type may be another."""
    text = place.automaton.text[lexeme.start : lexeme.end]
    own = place.automaton.next_again(stack, lexeme.start).type
    types = {lexeme.type, own} | (costs.NAMED if text.isidentifier() else set())
    for type in sorted(types):
        following = place.automaton.after(stack, type)
        if following is not None:
            yield Lexeme(type, lexeme.start, lexeme.end, text), following


def _setting(place: Place, keep: int, undone: int) -> Iterator[Repair]:
    """Read `key value`, `key value =` and `key other value` as a setting."""
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
    """Close what is open where the file or the declaration ends."""
    start = place.wrong.start
    if place.wrong.type == END or place.layout.is_beginning(start):
        for count in range(1, CLOSERS_MAX):
            yield place.repair(len(place.lexemes), ["RBRACE"] * count, start, count)
