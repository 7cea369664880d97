"""Finds what was renamed: declarations and their parts that say the same under another name."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from cij.compiler import model
from cij.compiler.declaration_kinds import DECLARATION_KINDS
from cij.compiler.model import Model
from cij.compiler.program import canonical
from cij.compiler.review.new_names import Renames, given_fields, part_renames, with_new_names
from cij.compiler.review.step_spots import own, spots

# A name may hide behind another one: a segment reads a field that was renamed too.
_ROUNDS_MAX = 3
# To the store, a journey with another name is another journey. So the report has one that is gone and one
# that is new.
_NOT_FOLLOWED = ("journey", "profile", "policy")

Broken = frozenset[tuple[str, str]]


def renamed_base(
    base: Model, head: Model, broken: Broken
) -> tuple[Model, list[tuple[str, str, str]]]:
    """Return the older model with the names of the newer one, and what was renamed: kind, old, new.

    The name of a part begins with that of its owner, before and after.
    """
    told = []
    for _ in range(_ROUNDS_MAX):
        found = Renames(dict(_renames(base, head, broken)))
        if not found.names:
            break
        told += [(kind, old, new) for (kind, old), new in found.names.items()]
        base = with_new_names(base, found)
    return base, told


def _renames(base: Model, head: Model, broken: Broken) -> Iterator[tuple[tuple[str, str], str]]:
    for kind in DECLARATION_KINDS:
        if kind.is_in_program and kind.word not in _NOT_FOLLOWED:
            pairs = renamed(kind.word, kind.made(base), kind.made(head), head, broken)
            yield from (((kind.word, old), new) for old, new in pairs)
    for kind_of_part, old, new in _parts(base, head):
        for one, other in part_renames(old[1], new[1]):
            yield (kind_of_part, f"{old[0]}.{one}" if old[0] else one), other


_Parts = tuple[str, Mapping[str, Any]]


def _parts(base: Model, head: Model) -> Iterator[tuple[str, _Parts, _Parts]]:
    """Yield the parts of declarations that are on both sides, where their names differ."""
    rows: Iterable[tuple[str, str, Callable[[Any], Any]]] = (
        ("column", "sources", lambda d: d.columns),
        ("event field", "events", lambda d: d.fields),
        ("entity field", "entities", lambda d: d.fields),
    )
    for kind, collection, parts in rows:
        old, new = getattr(base, collection), getattr(head, collection)
        for name in [n for n in old if n in new]:
            one, other = ({p.name: p for p in parts(side[name])} for side in (old, new))
            if one.keys() != other.keys():
                yield kind, (name, one), (name, other)
    if base.profile is not None and head.profile is not None:
        one, other = given_fields(base.profile), given_fields(head.profile)
        if one.keys() != other.keys():
            yield "field", ("", one), ("", other)


def renamed(
    word: str, old: Mapping[str, Any], new: Mapping[str, Any], head: Model, broken: Broken
) -> list[tuple[str, str]]:
    """Return the pairs of names that the profile says, or whose declarations say the same."""
    gone = [n for n in old if n not in new and (word, n) not in broken]
    come = [n for n in new if n not in old and (word, n) not in broken]
    found = []
    if word == "source" and head.profile is not None:
        found = [(r.old, r.new) for r in head.profile.renamed if r.old in gone and r.new in come]
    taken = {name for pair in found for name in pair}
    by_text: dict[str, list[str]] = {}
    for name in come:
        if name not in taken:
            by_text.setdefault(_nameless(word, name, new[name]), []).append(name)
    for name in gone:
        twins = by_text.get(_nameless(word, name, old[name]), []) if name not in taken else []
        if len(twins) == 1:
            found.append((name, twins.pop()))
    return found


def _nameless(word: str, name: str, part: Any) -> str:
    """Return what a declaration says, without its own name."""
    if word == "journey":
        # The steps of a journey name it where they read what it has sent.
        text = canonical([part.head.model_copy(update={"name": "", "doc": ""})])
        return text + repr(_plain(part)).replace(f"'{name}'", "''")
    if word == "policy":
        return canonical(part).replace(f'"{name}"', '""')
    return canonical(part.model_copy(update={"name": ""}))


def _plain(journey: model.Journey) -> Any:
    steps = [(s.parent, s.arm, s.index, name, own(s.step)) for name, s in spots(journey).items()]
    goals = [(g.name, g.event, g.where, g.condition, g.within, g.is_stay) for g in journey.goals]
    exits = [(e.name, e.event, e.where, e.condition) for e in journey.exits]
    return steps, goals, exits
