"""From a condition that goes wrong among many to a small one, over as few customers as can be.

Hypothesis cannot tell that one of fifty conditions is at fault, and takes minutes; this leaves out
greedily whatever is not needed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import partial

from cij.grammar import syntax
from cij.grammar.parser import parse
from cij.grammar.syntax.nodes import Node
from tests.reference_evaluator import Person

IsFault = Callable[[Sequence[str], Sequence[Person]], bool]
_HEAD = "segment s {\n  where "
# Each try compiles and runs a project.
_TRIES = 600


def reduce(
    conditions: Sequence[str], people: Sequence[Person], is_fault: IsFault
) -> tuple[list[str], list[Person]]:
    """Return conditions, of which the last is at fault, and customers with whom it still is."""
    *others, text = conditions
    for kept in (others[:0], others[:1], others[:2]):
        if is_fault([*kept, text], people):
            others = list(kept)
            break
    people = _fewer_people(people, lambda some: is_fault([*others, text], some))
    tries = _TRIES
    while smaller := next(
        (t for t in _shorter(text, tries) if is_fault([*others, t], people)), None
    ):
        text, tries = smaller, tries // 2 + 20
    return [*others, text], people


def _fewer_people(
    people: Sequence[Person], is_fault: Callable[[Sequence[Person]], bool]
) -> list[Person]:
    found = list(people)
    for person in people:
        without = [p for p in found if p is not person]
        if without and is_fault(without):
            found = without
    for i, person in enumerate(found):
        for smaller in _poorer(person):
            if is_fault([*found[:i], smaller(found[i]), *found[i + 1 :]]):
                found[i] = smaller(found[i])
    return found


def _poorer(person: Person) -> Iterator[Callable[[Person], Person]]:
    """Yield ways to leave out an event or forget a value."""
    for event in person.events:
        yield partial(_without_event, event.seq)
    for name in person.fields:
        yield partial(_without_field, name)


def _without_event(seq: int, person: Person) -> Person:
    return replace(person, events=tuple(e for e in person.events if e.seq != seq))


def _without_field(name: str, person: Person) -> Person:
    return replace(person, fields={**person.fields, name: None})


def _shorter(text: str, tries: int) -> list[str]:
    """Return the condition with one part replaced by a part of that part, shortest first."""
    file, _ = parse("s", f"{_HEAD}{text}\n}}\n")
    declaration = next((d for d in file.declarations if isinstance(d, syntax.Declaration)), None)
    if declaration is None:
        return []
    found = {
        text[: whole.span.start - len(_HEAD)]
        + _cut(text, part)
        + text[whole.span.end - len(_HEAD) :]
        for whole in _parts(declaration.items[0])
        for part in [*_parts(whole)][1:]
    }
    return sorted((t for t in found if len(t) < len(text)), key=len)[:tries]


def _cut(text: str, node: Node) -> str:
    return text[node.span.start - len(_HEAD) : node.span.end - len(_HEAD)]


def _parts(value: object) -> Iterator[Node]:
    """Yield the nodes inside a node, itself first where it has a place of its own."""
    if isinstance(value, tuple):
        for item in value:
            yield from _parts(item)
    elif isinstance(value, Node) and is_dataclass(value):
        if not isinstance(value, syntax.Where):
            yield value
        for field in fields(value):
            yield from _parts(getattr(value, field.name))
