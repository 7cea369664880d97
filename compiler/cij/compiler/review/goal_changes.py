"""Changes of the goals and exits of a journey: who leaves it, and what counts."""

from collections.abc import Iterator, Sequence

from cij.compiler import model
from cij.compiler.expression import Expression, Period
from cij.compiler.proofs.bounds import seconds
from cij.compiler.review.both_sides import Context, same, where
from cij.compiler.review.change_class import ChangeClass
from cij.compiler.review.condition_proofs import IS_MET, prove
from cij.compiler.review.review_answers import inside
from cij.compiler.review.review_report import Action, Change, Proof
from cij.compiler.unparse import duration_words, event_words, words

_End = model.Goal | model.Exit


def goal_changes(old: model.Journey, new: model.Journey, context: Context) -> Iterator[Change]:
    """Yield the changes of the goals and exits of a journey that is on both sides."""
    yield from _ends("goal", old.goals, new.goals, new, context)
    yield from _ends("exit", old.exits, new.exits, new, context)


def _ends(
    word: str, old: Sequence[_End], new: Sequence[_End], journey: model.Journey, context: Context
) -> Iterator[Change]:
    # Several exits may have one name, so they are paired one by one.
    left = list(old)
    for end in new:
        twin = next((e for e in left if e.name == end.name), None)
        twin = twin or next((e for e in left if _says(e) == _says(end)), None)
        if twin is not None:
            left.remove(twin)
        yield from _one(word, twin, end, journey, context)
    for end in left:
        yield from _one(word, end, None, journey, context)


def _says(end: _End) -> tuple[object, ...]:
    return end.event, end.where, end.condition, getattr(end, "within", None)


def _one(
    word: str, old: _End | None, new: _End | None, journey: model.Journey, context: Context
) -> Iterator[Change]:
    def told(
        action: Action,
        change_class: ChangeClass,
        what: str,
        effect: str,
        decide: str,
        proof: Proof | None = None,
    ) -> Change:
        end = new or old
        assert end is not None
        return Change(
            address=f"journey.{journey.name}.{word}.{end.name}",
            action=action,
            change_class=change_class,
            what=f"journey `{journey.name}`: {what}",
            before=end_words(old) if old is not None else None,
            after=end_words(new) if new is not None else None,
            effect=effect,
            who=f"customers of journey `{journey.name}`",
            inside=inside([journey.name], context),
            decide=decide,
            proof=proof,
            place=where(model.place(end.span)),
        )

    if old is None and new is not None:
        yield told(
            "added",
            "structure added",
            f"new {word} `{new.name}`",
            _added_effect(word, new),
            "Is it right that they get nothing more?" if _ends_passage(new) else "",
        )
    elif new is None and old is not None:
        yield told(
            "removed",
            "structure removed",
            f"{word} `{old.name}` is gone",
            _removed_effect(old),
            "Is it right that they get the later messages too?" if _ends_passage(old) else "",
        )
    elif old is not None and new is not None:
        yield from _changed(word, old, new, told, context)


def _ends_passage(end: _End) -> bool:
    return isinstance(end, model.Exit) or not end.is_stay


def _added_effect(word: str, end: _End) -> str:
    if not _ends_passage(end):
        return "It is counted; customers who reach it go on as before."
    return f"Customers who meet it leave the journey{' as converted' if word == 'goal' else ''} and get no later message."


def _removed_effect(end: _End) -> str:
    if not _ends_passage(end):
        return "It is not counted any more; customers go on as before."
    return "Customers who meet it do not leave any more, and get the later messages too."


def _changed(word: str, old: _End, new: _End, told, context: Context) -> Iterator[Change]:  # type: ignore[no-untyped-def]
    if old.name != new.name:
        effect = "Customers see no difference; reports count it under the new name."
        yield told("renamed", "none", f"{word} `{old.name}` is now called `{new.name}`", effect, "")
    if isinstance(old, model.Goal) and isinstance(new, model.Goal):
        yield from _goal(old, new, told)
    if not _same_cause(old, new):
        proof = _proof(old, new, context)
        is_same = proof is not None and proof.verdict == "equivalent"
        yield told(
            "changed",
            "none" if is_same else "audience",
            f"{word} `{new.name}` is met by something else",
            "The same customers meet it." if is_same else _CAUSE[_ends_passage(new)],
            ""
            if is_same
            else "Is this what the journey is for?"
            if word == "goal"
            else "Do the right customers leave?",
            proof,
        )


_CAUSE = {
    True: "Other customers leave the journey early, and get no later message.",
    False: "Other customers are counted; all go on as before.",
}


def _same_cause(old: _End, new: _End) -> bool:
    pairs = ((old.where, new.where), (old.condition, new.condition))
    return old.event == new.event and all(same(a, b) or _said(a) == _said(b) for a, b in pairs)


def _said(condition: Expression | None) -> str:
    return words(condition) if condition is not None else ""


def _proof(old: _End, new: _End, context: Context) -> Proof | None:
    if old.event != new.event:
        return None
    base, head = context.base.model, context.head.model
    return prove(old.where or old.condition, new.where or new.condition, base, head, IS_MET)


def _goal(old: model.Goal, new: model.Goal, told) -> Iterator[Change]:  # type: ignore[no-untyped-def]
    if old.within != new.within:
        yield told(
            "changed",
            "timing",
            f"goal `{new.name}` is counted within {_within(new.within)} instead of {_within(old.within)}",
            _window_effect(old.within, new.within, new),
            "Is this the time in which a customer reaches the goal because of the journey? "
            "Numbers before and after do not compare.",
        )
    if old.is_stay != new.is_stay:
        yield told(
            "changed",
            "audience",
            f"customers who reach goal `{new.name}` {'stay in' if new.is_stay else 'leave'} the journey",
            "They get the later messages too." if new.is_stay else "They get no later message.",
            "Should customers who have reached the goal get more messages?",
        )


def _within(period: Period | None) -> str:
    return duration_words(period) if period is not None else "any time"


def _window_effect(old: Period | None, new: Period | None, goal: model.Goal) -> str:
    is_longer = new is None or (old is not None and seconds(new) > seconds(old))
    also = (
        ""
        if goal.is_stay
        else (
            ", and leave the journey then"
            if is_longer
            else ", so they stay and get the later messages"
        )
    )
    if is_longer:
        return f"Customers who reach it later than before count too{also}."
    return f"Customers who reach it after the new window do not count any more{also}."


def end_words(end: _End) -> str:
    """Return a goal or an exit as an author would write it, without its name."""
    cause = f"on {event_words(end.event, None, end.where)}" if end.event is not None else ""
    if end.condition is not None:
        cause = f"when {words(end.condition)}"
    if isinstance(end, model.Goal):
        within = f" within {duration_words(end.within)}" if end.within is not None else ""
        return f"{cause}{within}{' and stay' if end.is_stay else ''}"
    return cause
