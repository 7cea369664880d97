"""Changes of conditions and values that many journeys read: segments, measures."""

from collections.abc import Iterator

from cij.compiler import program as pg
from cij.compiler.expression import Expression
from cij.compiler.review.both_sides import Context, journeys_of, same, where
from cij.compiler.review.change_class import ChangeClass
from cij.compiler.review.condition_proofs import IN_SEGMENT, prove
from cij.compiler.review.lineage import Node
from cij.compiler.review.review_answers import COUNT, inside, used_by, who_uses
from cij.compiler.review.review_report import Change, Proof
from cij.compiler.unparse import seconds_words, words
from cij.compiler.wording import listed

_FEWER = {
    "narrower": "Fewer customers are in the segment, and nobody new.",
    "wider": "More customers are in the segment, and nobody leaves it.",
    "disjoint": "All members change: nobody who was in it can stay.",
    "overlapping": "Some customers join the segment and others leave it.",
    "not proved": "Customers may join the segment, and others may leave it.",
}


def _differs(old: Expression, new: Expression) -> bool:
    """Tell whether two expressions say something else; other types alone follow from other changes."""
    return not same(old, new) and words(old) != words(new)


def segment_changes(
    name: str, old: pg.Segment, new: pg.Segment, context: Context
) -> Iterator[Change]:
    """Yield the changes of a segment that is on both sides."""
    users = context.users(Node("segment", name))
    if _differs(old.condition, new.condition):
        proof = prove(
            old.condition, new.condition, context.base.model, context.head.model, IN_SEGMENT
        )
        yield _condition(name, old, new, proof, context)
    if old.refresh_s != new.refresh_s:
        yield Change(
            address=f"segment.{name}",
            action="changed",
            change_class="timing",
            what=f"segment `{name}` is looked at in another interval",
            before=seconds_words(old.refresh_s),
            after=seconds_words(new.refresh_s),
            effect="Customers whom time alone brings into the segment enter sooner or later than before.",
            who=who_uses(users),
            inside="Nothing changes for people inside.",
            affects=used_by(users),
            place=where(new.place),
        )


def _condition(
    name: str, old: pg.Segment, new: pg.Segment, proof: Proof, context: Context
) -> Change:
    users = context.users(Node("segment", name))
    entered = _entered_from(name, context)
    is_same = proof.verdict == "equivalent"
    is_used = bool(journeys_of(users)) and not is_same
    effect = "The same customers are in the segment." if is_same else _FEWER[proof.verdict]
    return Change(
        address=f"segment.{name}",
        action="changed",
        change_class="none" if is_same else "audience",
        what=f"segment `{name}` has another condition",
        before=words(old.condition),
        after=words(new.condition),
        effect=f"{effect} {_entering(entered, proof)}".strip(),
        who=who_uses(users, otherwise="nobody: no journey uses it"),
        inside=_inside(entered, users, context) if is_used else "",
        decide=_decide(proof, entered) if is_used else "",
        proof=proof,
        affects=used_by(users),
        place=where(new.place),
    )


def _entered_from(name: str, context: Context) -> list[str]:
    return [
        journey.name
        for journey in context.head.model.journeys.values()
        if any(isinstance(e, pg.SegmentEntry) and e.segment == name for e in journey.head.entries)
    ]


def _entering(entered: list[str], proof: Proof) -> str:
    if not entered or proof.verdict == "equivalent":
        return ""
    names = listed(entered)
    match proof.verdict:
        case "narrower":
            return f"So fewer customers enter {names} and get its messages."
        case "wider":
            return f"So more customers enter {names} and get its messages."
    return f"So other customers enter {names} and get its messages."


def _inside(entered: list[str], users: tuple[Node, ...], context: Context) -> str:
    left = f"Nobody leaves {listed(entered)} because they leave the segment. " if entered else ""
    return left + inside(journeys_of(users), context)


def _decide(proof: Proof, entered: list[str]) -> str:
    if proof.verdict == "narrower":
        return "Is it right that the customers who no longer match get nothing?"
    if proof.verdict == "wider":
        what = f"enter {listed(entered)}" if entered else "be counted in"
        return (
            f"Should the customers who newly match {what}? {COUNT}; they may enter at the next run."
        )
    return f"Are these the right customers? {COUNT} would enter and leave."


def measure_changes(
    name: str, old: pg.Measure, new: pg.Measure, context: Context
) -> Iterator[Change]:
    """Yield the change of a measure that is on both sides."""
    if not _differs(old.value, new.value):
        return
    users = context.users(Node("measure", name))
    in_conditions = any(n.kind in ("segment", "journey", "measure") for n in users)
    change_class: ChangeClass = "audience" if in_conditions else "content"
    yield Change(
        address=f"measure.{name}",
        action="changed",
        change_class=change_class,
        what=f"measure `{name}` is computed in another way",
        before=words(old.value),
        after=words(new.value),
        effect=_measure_effect(users),
        who=who_uses(users),
        inside=inside(journeys_of(users), context),
        decide=f"Are the new values right for all that use them? {COUNT} enter and leave."
        if in_conditions
        else "",
        affects=used_by(users),
        place=where(new.place),
    )


def _measure_effect(users: tuple[Node, ...]) -> str:
    segments = [n.name for n in users if n.kind == "segment"]
    messages = [n.name for n in users if n.kind == "message"]
    found = []
    if segments:
        found.append(f"other customers may be in {listed(segments)}")
    if messages:
        found.append(f"{listed(messages)} may print other values")
    if not found:
        found.append(
            "conditions that read it may come out differently" if users else "nothing reads it"
        )
    text = ", and ".join(found)
    return f"{text[0].upper()}{text[1:]}."
