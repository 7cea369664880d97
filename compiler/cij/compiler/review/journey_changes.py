"""Changes of journeys: new and gone ones, and what their heads say of who enters, when and how often."""

from collections.abc import Callable, Iterator
from typing import Any

from cij.compiler import model, program as pg
from cij.compiler.expression import Period
from cij.compiler.proofs.bounds import seconds, send_bound
from cij.compiler.review.both_sides import Context, same, where
from cij.compiler.review.change_class import ChangeClass
from cij.compiler.review.competition import competition
from cij.compiler.review.condition_proofs import ENTERS, KEPT_OUT, prove
from cij.compiler.review.goal_changes import goal_changes
from cij.compiler.review.lineage import all_steps
from cij.compiler.review.review_answers import COUNT, inside
from cij.compiler.review.review_report import Change, Proof
from cij.compiler.review.rule_changes import rule_changes
from cij.compiler.review.step_changes import step_changes
from cij.compiler.unparse import (
    duration_words,
    end_words,
    event_words,
    moment_words,
    percent_words,
    schedule_words,
    words,
)
from cij.compiler.wording import joined, listed, plural

_WEEK = Period(count=7, unit="day")


def sends_of(journey: model.Journey) -> list[str]:
    """Return the messages of a journey, in the order of its steps."""
    steps = all_steps(journey.steps)
    return list(dict.fromkeys(s.message for s in steps if isinstance(s, model.Send)))


def journey_added(name: str, context: Context) -> Iterator[Change]:
    """Yield the change of a new journey, and one for the journeys that it competes with."""
    journey = context.head.model.journeys[name]
    sends = sends_of(journey)
    most = send_bound(journey, _WEEK).count
    limit = "any number" if most is None else plural(most, "message")
    is_draft = journey.head.is_draft
    yield Change(
        address=f"journey.{name}",
        action="added",
        change_class="structure added",
        what=f"new journey `{name}`",
        after=entry_words(journey.head, context),
        effect="It is a draft, so nobody enters in a real run."
        if is_draft
        else f"Customers who enter get {listed(sends) or 'no message'}, at most {limit} in 7 days.",
        who=entry_words(journey.head, context),
        inside="Nobody is inside yet.",
        decide="" if is_draft else f"Should these customers get that? {COUNT} would enter.",
        place=where(model.place(journey.span)),
    )
    if not is_draft:
        yield from competition(journey, context)


def journey_removed(name: str, context: Context) -> Iterator[Change]:
    """Yield the change of a journey that is gone."""
    journey = context.base.model.journeys[name]
    sends = sends_of(journey)
    yield Change(
        address=f"journey.{name}",
        action="removed",
        change_class="structure removed",
        what=f"journey `{name}` is gone",
        before=entry_words(journey.head, context),
        effect=f"Nobody enters any more. New customers do not get {listed(sends) or 'its messages'}.",
        who=entry_words(journey.head, context),
        inside="People inside finish the version they entered with. `cij stop` ends it for them at once.",
        decide="Should the people inside finish it, or should it end for them now?",
        place=where(model.place(journey.span)),
    )


def unexplained(name: str, context: Context) -> Change:
    """Return the change of a journey that differs in something that has no words here."""
    journey = context.head.model.journeys[name]
    return Change(
        address=f"journey.{name}",
        action="changed",
        change_class="audience",
        what=f"journey `{name}` compiles to something else",
        effect="What that means for customers has no words here: look at the text, and at `cij explain`.",
        who=entry_words(journey.head, context),
        inside=inside([name], context),
        decide="What does the change of the text mean?",
        place=where(model.place(journey.span)),
    )


def journey_renamed(old: str, new: str, context: Context) -> Change:
    """Return the change of a journey that has another name."""
    journey = context.head.model.journeys[new]
    return Change(
        address=f"journey.{new}",
        previous=f"journey.{old}",
        action="renamed",
        change_class="audience",
        what=f"journey `{old}` is now called `{new}`",
        before=old,
        after=new,
        effect="cij runs it as a new journey: customers who were in the old one may enter again and get its messages a second time.",
        who=entry_words(journey.head, context),
        inside=f"People inside `{old}` finish it. They do not count as having been in `{new}`.",
        decide="Is the new name worth that customers may get the messages twice?",
        place=where(model.place(journey.span)),
    )


def journey_changes(old_name: str, new_name: str, context: Context) -> Iterator[Change]:
    """Yield the changes of a journey that is on both sides."""
    old, new = context.base.model.journeys[old_name], context.head.model.journeys[new_name]
    yield from _entries(old, new, context)
    yield from _settings(old, new, context)
    yield from _other_settings(old, new, context)
    yield from goal_changes(old, new, context)
    yield from step_changes(old, new, context)
    yield from rule_changes(old, new)


# --- who enters -------------------------------------------------------------------------------


def entry_words(head: pg.Head, context: Context) -> str:
    """Return who enters a journey, with the condition of the segment."""
    return joined([_entry(entry, context) for entry in head.entries], "or") or "nobody"


def _entry(entry: pg.Entry, context: Context, *, is_short: bool = False) -> str:
    if isinstance(entry, pg.EventEntry):
        return f"customers with the event `{event_words(entry.event, None, entry.where)}`"
    part = context.head.model.segments.get(entry.segment)
    part = part or context.base.model.segments.get(entry.segment)
    condition = f" (`{words(part.condition)}`)" if part is not None and not is_short else ""
    return f"customers in segment `{entry.segment}`{condition}{_when(entry)}"


def _when(entry: pg.SegmentEntry) -> str:
    if entry.every is not None:
        return f", {schedule_words(entry.every)}"
    return ", once" if entry.is_once else ""


def _entries(old: model.Journey, new: model.Journey, context: Context) -> Iterator[Change]:
    one, other = old.head.entries, new.head.entries
    said = [[_entry(e, context, is_short=True) for e in entries] for entries in (one, other)]
    if same(list(one), list(other)) or said[0] == said[1]:
        return
    proof = _entry_proof(one, other, context)
    is_same = proof is not None and proof.verdict == "equivalent"
    yield _head_change(
        new,
        "entry",
        "none" if is_same else "audience",
        "other customers enter",
        joined([_entry(e, context) for e in one], "or"),
        joined([_entry(e, context) for e in other], "or"),
        "The same customers enter." if is_same else _entry_effect(proof),
        "" if is_same else f"Are these the right customers? {COUNT} would enter.",
        context,
        proof,
    )
    if not is_same and not new.head.is_draft:
        yield from competition(new, context, is_new=False)


def _entry_effect(proof: Proof | None) -> str:
    match proof.verdict if proof is not None else "":
        case "narrower":
            return "Fewer customers enter and get the messages, and nobody new."
        case "wider":
            return "More customers enter and get the messages."
    return "Other customers enter and get the messages."


def _entry_proof(
    old: tuple[pg.Entry, ...], new: tuple[pg.Entry, ...], context: Context
) -> Proof | None:
    """Compare entries that differ in one condition only."""
    if len(old) != 1 or len(new) != 1:
        return None
    before, after = old[0], new[0]
    base, head = context.base.model, context.head.model
    if isinstance(before, pg.EventEntry) and isinstance(after, pg.EventEntry):
        if before.event != after.event:
            return None
        return prove(before.where, after.where, base, head, ENTERS)
    if isinstance(before, pg.SegmentEntry) and isinstance(after, pg.SegmentEntry):
        if (before.is_once, before.every) != (after.is_once, after.every):
            return None
        if before.segment in base.segments and after.segment in head.segments:
            one, other = base.segments[before.segment], head.segments[after.segment]
            return prove(one.condition, other.condition, base, head, ENTERS)
    return None


# --- settings of the head ---------------------------------------------------------------------


def _text(value: Any) -> str:
    if isinstance(value, Period):
        return duration_words(value)
    if isinstance(value, pg.Limit):
        return f"at most {value.count} per {value.unit}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, pg.BaseNode):
        return words(value)  # type: ignore[arg-type]
    return str(value)


def _again(head: pg.Head) -> str:
    return f"after {duration_words(head.again_after)}" if head.again_after else head.again


# Field or function, class, what changed, effect, question.
_Read = Callable[[pg.Head], str | None]
HEAD_CHANGES: tuple[tuple[str, _Read, ChangeClass, str, str, str], ...] = (
    ("again", _again, "audience", "customers may enter again under another rule",
     "Customers enter, and get the messages, more or less often than before.",
     "How often may one customer get all of its messages?"),
    ("per", lambda h: h.per, "audience", "there is one passage for each of something else",
     "One customer may be in the journey more or less often at the same time.", "Is that right?"),
    ("suppress", lambda h: _text(h.suppress) if h.suppress is not None else None, "audience",
     "other customers are kept out", "Customers for whom the condition holds do not enter.",
     "Are these the customers who should get nothing?"),
    ("limit", lambda h: _text(h.limit) if h.limit is not None else None, "timing",
     "another number of customers may enter at a time",
     "Customers above the limit enter later.", "Can the team and the systems behind it cope?"),
    ("starts", lambda h: moment_words(h.starts) if h.starts else None, "timing",
     "it starts at another time", "Nobody enters before.", "Is the date agreed?"),
    ("ends", lambda h: end_words(h.ends) if h.ends else None, "timing",
     "it ends at another time", "Nobody enters from then on; people inside go on.",
     "Is the date agreed?"),
    ("draft", lambda h: "a draft" if h.is_draft else "live", "audience",
     "it is a draft, or not any more",
     "A draft lets nobody in; without the word customers enter at the next run.",
     f"Is it ready to go live? {COUNT} would enter."),
    ("priority", lambda h: str(h.priority), "policy", "it has another priority",
     "Where a cap has room for fewer messages than want it, those of the higher priority go first.",
     "Which journey should win?"),
    ("holdout", lambda h: percent_words(h.holdout) if h.holdout else None, "audience",
     "another share of customers is held out", "These customers go through it without any message.",
     "Is the share agreed? Results before and after do not compare."),
    ("language", lambda h: _text(h.language) if h.language is not None else None, "content",
     "the language comes from somewhere else", "Customers may read messages in another language.",
     "Is that the language they chose?"),
    ("timezone", lambda h: h.timezone, "timing", "another time zone counts",
     "Customers without a zone of their own get messages at other times.", ""),
    ("in_flight", lambda h: h.in_flight, "policy", "people inside are treated in another way",
     "With `pin` people inside finish the version they entered with; with `adopt` they go over to the new one at once.",
     "Should the people inside get the new version?"),
)  # fmt: skip


_OFTEN = {"never": 0, "after": 1, "always": 2}


def _again_effect(old: pg.Head, new: pg.Head) -> str:
    """Return whether customers may enter more often; a month counts 28 days, as everywhere in proofs."""
    one, other = (
        (_OFTEN[h.again], -seconds(h.again_after) if h.again_after else 0) for h in (old, new)
    )
    often = "more" if other > one else "less"
    return f"Customers may enter, and get the messages, {often} often than before."


def _settings(old: model.Journey, new: model.Journey, context: Context) -> Iterator[Change]:
    for field, read, change_class, what, effect, decide in HEAD_CHANGES:
        before, after = read(old.head), read(new.head)
        if before != after:
            proof = _suppress_proof(old, new, context) if field == "suppress" else None
            told = _again_effect(old.head, new.head) if field == "again" else effect
            yield _head_change(
                new,
                field,
                change_class,
                what,
                before,
                after,
                told,
                decide,
                context,
                proof,
            )


# Fields of the head that other functions report, or that follow from those.
_TOLD = frozenset(
    ("name", "version", "doc", "entries", "again_after", "is_draft", "kept", "renamed", "removed")
)


def _other_settings(old: model.Journey, new: model.Journey, context: Context) -> Iterator[Change]:
    """Yield the changes of settings that have no row in the table. They have no sentence about the effect."""
    rows = {field for field, *_ in HEAD_CHANGES}
    for field in pg.Head.model_fields:
        before, after = getattr(old.head, field), getattr(new.head, field)
        if field not in rows and field not in _TOLD and not same(before, after):
            effect = "What it decides about customers changes; `cij explain` says what that is."
            yield _head_change(
                new,
                field,
                "audience",
                f"the setting `{field}` changes",
                str(before),
                str(after),
                effect,
                "Is that right?",
                context,
            )


def _suppress_proof(old: model.Journey, new: model.Journey, context: Context) -> Proof | None:
    one, other = old.head.suppress, new.head.suppress
    if one is None or other is None:
        return None
    return prove(one, other, context.base.model, context.head.model, KEPT_OUT)


def _head_change(
    journey: model.Journey,
    field: str,
    change_class: ChangeClass,
    what: str,
    before: str | None,
    after: str | None,
    effect: str,
    decide: str,
    context: Context,
    proof: Proof | None = None,
) -> Change:
    return Change(
        address=f"journey.{journey.name}.{field}",
        action="added" if before is None else "removed" if after is None else "changed",
        change_class=change_class,
        what=f"journey `{journey.name}`: {what}",
        before=before,
        after=after,
        effect=effect,
        who=entry_words(journey.head, context),
        inside=inside([journey.name], context),
        decide=decide,
        proof=proof,
        place=where(model.place(journey.span)),
    )
