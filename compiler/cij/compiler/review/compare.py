"""The comparison of two projects: one row for each kind of declaration."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from cij.compiler import program as pg
from cij.compiler.declaration_kinds import DECLARATION_KINDS, KIND_OF
from cij.compiler.model import Model
from cij.compiler.program import canonical
from cij.compiler.review import presence
from cij.compiler.review.both_sides import Compiled, Context, same
from cij.compiler.review.change_class import CLASSES
from cij.compiler.review.data_changes import measure_changes, segment_changes
from cij.compiler.review.export_changes import export_added, export_changes, export_removed
from cij.compiler.review.figures import journey_review
from cij.compiler.review.find_renames import renamed, renamed_base
from cij.compiler.review.journey_changes import (
    journey_added,
    journey_changes,
    journey_removed,
    journey_renamed,
    unexplained,
)
from cij.compiler.review.message_changes import message_changes, topic_changes
from cij.compiler.review.policy_changes import policy_changes
from cij.compiler.review.review_report import Change, JourneyReview, Report, Side
from cij.compiler.review.source_changes import (
    RENAMED_PARTS,
    action_changes,
    entity_changes,
    event_changes,
    profile_changes,
    source_changes,
)
from cij.compiler.review.step_spots import without_types

Changed = Callable[[str, Any, Any, Context], Iterator[Change]]

# The functions that report the changes of a declaration that both sides have, by its class in the program;
# another kind has a plain sentence. Policies and journeys have rules of their own for declarations that are
# new or gone.
CHANGED: Mapping[type, Changed] = {
    pg.Source: source_changes,
    pg.Topic: topic_changes,
    pg.Entity: entity_changes,
    pg.Profile: profile_changes,
    pg.Event: event_changes,
    pg.Action: action_changes,
    pg.Measure: measure_changes,
    pg.Segment: segment_changes,
    pg.Message: message_changes,
    pg.Export: export_changes,
}
# Those whose presence alone is for a reviewer to decide.
ADDED: Mapping[type, Callable[[str, Any, Context], Change]] = {pg.Export: export_added}
REMOVED: Mapping[type, Callable[[str, Any, Context], Change]] = {pg.Export: export_removed}


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The declarations of one kind: those on both sides by their names, and those on one side."""

    both: tuple[tuple[str, str], ...]
    gone: tuple[str, ...]
    come: tuple[str, ...]


def compare(
    base: Compiled, head: Compiled, sides: tuple[Side, Side], *, journey: str | None = None
) -> Report:
    """Return all changes between two projects, or those that one journey is affected by."""
    model, renames = renamed_base(base.model, head.model, base.broken | head.broken)
    base = replace(base, model=model)
    context = Context(base, head, has_renames=bool(renames))
    found, journeys = list(_renames(renames, context)), dict[str | None, JourneyReview]()
    for kind in DECLARATION_KINDS:
        if kind.is_in_program:
            pairs = _paired(kind.word, kind.made(base.model), kind.made(head.model), context)
            found += _changes(kind.word, pairs, kind.made, context)
            if kind.word == "journey":
                journeys = {r.name: r for r in _reviews(pairs, context)}
    notes = tuple(_notes(base, head))
    if journey is not None:
        found = [change for change in found if _is_about(change, journey)]
        journeys = {name: r for name, r in journeys.items() if name == journey}
    return Report(
        project=head.model.settings.name,
        base=sides[0],
        head=sides[1],
        changes=tuple(sorted(found, key=_severity)),
        journeys=tuple(journeys.values()),
        notes=notes,
    )


def _severity(change: Change) -> tuple[int, str]:
    return CLASSES.index(change.change_class), change.address.partition(".")[0]


def _is_about(change: Change, journey: str) -> bool:
    parts = change.address.split(".")
    return (
        parts[:2] == ["journey", journey]
        or f"journey {journey}" in change.affects
        or (parts[0] in ("policy", "profile") and not change.affects)
    )


def _renames(renames: list[tuple[str, str, str]], context: Context) -> Iterator[Change]:
    for kind, old, new in renames:
        if kind in RENAMED_PARTS:
            yield RENAMED_PARTS[kind](old, new, context)
        else:
            made = KIND_OF[kind].made(context.head.model)
            yield presence.renamed(kind, old, new, made[new], context)


# --- pairs ------------------------------------------------------------------------------------


def _paired(word: str, old: Mapping[str, Any], new: Mapping[str, Any], context: Context) -> _Pairs:
    """Pair declarations by name. Those of renamed ones are the same on both sides by now."""
    broken = context.base.broken | context.head.broken
    gone = [n for n in old if n not in new and (word, n) not in broken]
    come = [n for n in new if n not in old and (word, n) not in broken]
    both = [(n, n) for n in old if n in new and (word, n) not in broken]
    if word in ("journey", "policy"):
        for one, other in renamed(word, old, new, context.head.model, broken):
            gone.remove(one)
            come.remove(other)
            both.append((one, other))
    return _Pairs(tuple(both), tuple(gone), tuple(come))


# --- changes ----------------------------------------------------------------------------------


def _changes(
    word: str,
    pairs: _Pairs,
    made: Callable[[Model], Mapping[str, Any]],
    context: Context,
) -> Iterator[Change]:
    old, new = made(context.base.model), made(context.head.model)
    if word == "journey":
        return _journeys(pairs, context)
    tell = _policies if word == "policy" else _declarations
    return tell(word, pairs, old, new, context)


def _policies(
    word: str,
    pairs: _Pairs,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    context: Context,
) -> Iterator[Change]:
    for one, other in pairs.both:
        yield from policy_changes(other, old[one], new[other], context)
    for name in pairs.gone:
        yield from policy_changes(name, old[name], None, context)
    for name in pairs.come:
        yield from policy_changes(name, None, new[name], context)


def _declarations(
    word: str,
    pairs: _Pairs,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    context: Context,
) -> Iterator[Change]:
    for one, other in pairs.both:
        if not same(old[one], new[other]):
            tell = CHANGED.get(type(new[other]))
            if tell is not None:
                yield from tell(other, old[one], new[other], context)
            else:
                yield presence.changed(word, other, new[other], context)
    for name in pairs.come:
        tell_added = ADDED.get(type(new[name]), partial(presence.added, word))
        yield tell_added(name, new[name], context)
    for name in pairs.gone:
        tell_removed = REMOVED.get(type(old[name]), partial(presence.removed, word))
        yield tell_removed(name, old[name], context)


def _journeys(pairs: _Pairs, context: Context) -> Iterator[Change]:
    for one, other in pairs.both:
        if one != other:
            yield journey_renamed(one, other, context)
        elif not _is_same_journey(one, context):
            found = list(journey_changes(one, other, context))
            yield from found or _without_words(one, context)
    for name in pairs.come:
        yield from journey_added(name, context)
    for name in pairs.gone:
        yield from journey_removed(name, context)


def _without_words(name: str, context: Context) -> Iterator[Change]:
    """Yield the change of a journey that compiles to something else where no rule has found a change."""
    before, after = context.base.lowered.get(name), context.head.lowered.get(name)
    if before is None or after is None or context.has_renames:
        return
    if without_types(canonical(before)) != without_types(canonical(after)):
        yield unexplained(name, context)


def _is_same_journey(name: str, context: Context) -> bool:
    """Tell whether a journey is as before, with all that it refers to."""
    before, after = context.base.lowered.get(name), context.head.lowered.get(name)
    return before is not None and after is not None and before.version == after.version


def _reviews(pairs: _Pairs, context: Context) -> Iterator[JourneyReview]:
    base, head = context.base, context.head
    changed = [(o, n) for o, n in pairs.both if o != n or not _is_same_journey(o, context)]
    for old, new in changed:
        yield journey_review(old, new, base, head)
    for name in pairs.come:
        yield journey_review(None, name, base, head)
    for name in pairs.gone:
        yield journey_review(name, None, base, head)


def _notes(base: Compiled, head: Compiled) -> Iterator[str]:
    for side, label in ((base, "the base"), (head, "the new version")):
        for word, name in sorted(side.broken):
            yield f"{word} `{name}` is not compared: it has errors in {label}"
    settings = base.model.settings, head.model.settings
    for field, what in (
        ("timezone", "time zone"),
        ("language", "language"),
        ("region", "region of phone numbers"),
    ):
        one, other = (getattr(s, field) for s in settings)
        if one != other:
            yield f"cij.toml: the {what} of the project is `{other}` instead of `{one}`"
