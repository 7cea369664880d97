"""Changes of the branches of a step: conditions of an `if`, shares of a split, events of a wait."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cij.compiler import model, program as pg
from cij.compiler.review.condition_proofs import LEAVES_WAIT, TAKES_BRANCH, prove
from cij.compiler.review.review_report import Change, Proof
from cij.compiler.review.shares import switches
from cij.compiler.review.step_spots import Arm, Spot, arms, hidden_effects
from cij.compiler.review.step_words import messages_after, short, step_words
from cij.compiler.unparse import name_words, percent_words, words
from cij.compiler.wording import joined, listed

if TYPE_CHECKING:
    from cij.compiler.review.step_changes import Steps


def arm_changes(old: Spot, new: Spot, steps: "Steps") -> Iterator[Change]:
    """Yield the changes of the branches of a step that is on both sides."""
    if _is_split(old.step) and _is_split(new.step):
        yield from _split(old, new, steps)
        return
    for before, after in steps.match.arm_pairs[new.name]:
        if before is None and after is not None:
            yield _added(after, new, steps)
        elif after is None and before is not None:
            yield _removed(before, old, new, steps)
        elif before is not None and after is not None and _differs(before, after):
            yield _guard(before, after, new, steps)


def _is_split(step: model.Step) -> bool:
    return isinstance(step, model.Choose) and bool(step.arms) and bool(step.arms[0].name)


def _differs(before: Arm, after: Arm) -> bool:
    # The names of events and steps are part of the text. The changes of steps report a rename of a step.
    if before.guard is None or after.guard is None:
        return before.text != after.text
    return before.guard != after.guard and words(before.guard) != words(after.guard)


def _sends(steps: model.Steps) -> str:
    found = [m for m in dict.fromkeys(_messages(steps))]
    return listed(found) if found else "no message"


def _messages(steps: model.Steps) -> Iterator[str]:
    for step in steps:
        if isinstance(step, model.Send):
            yield step.message
        for block in model.blocks(step):
            yield from _messages(block)


def _lines(steps: model.Steps) -> str:
    shown = [s for s in steps if not (isinstance(s, model.Act) and s.is_hidden)]
    return "; ".join(step_words(s) for s in shown) or "go on"


def _added(arm: Arm, new: Spot, steps: "Steps") -> Change:
    return steps.change(
        new,
        "added",
        "structure added",
        f"new branch where {arm.text}",
        f"Customers for whom it holds get {_sends(arm.steps)} there.",
        after=_lines(arm.steps),
        who=_who(arm, steps),
        decide="Should these customers be treated in another way?",
    )


def _removed(arm: Arm, old: Spot, new: Spot, steps: "Steps") -> Change:
    gone = [
        spot
        for spot in steps.match.old.values()
        if isinstance(spot.step, model.Wait)
        and spot.name not in steps.match.pairs
        and spot.name in _names(arm.steps)
    ]
    inside, decide = steps.inside.gone_waits(gone)
    return steps.change(
        new,
        "removed",
        "structure removed",
        f"the branch where {arm.text} is gone",
        f"Customers for whom it holds do not get {_sends(arm.steps)} there any more; they go on like the others.",
        before=_lines(arm.steps),
        who=_who(arm, steps),
        inside=inside,
        decide=decide or "Is it right that these customers are treated like the others?",
    )


def _who(arm: Arm, steps: "Steps") -> str:
    return f"customers of journey `{steps.name}` where {arm.text}"


def _names(steps: model.Steps) -> set[str]:
    found = set[str]()
    for step in steps:
        found.add(step.name)
        for block in model.blocks(step):
            found |= _names(block)
    return found


def _guard(before: Arm, after: Arm, new: Spot, steps: "Steps") -> Change:
    proof: Proof | None = None
    is_wait = isinstance(new.step, model.Wait)
    if before.guard is not None and after.guard is not None:
        base, head = steps.context.base.model, steps.context.head.model
        wording = LEAVES_WAIT if is_wait else TAKES_BRANCH
        proof = prove(before.guard, after.guard, base, head, wording)
    is_same = proof is not None and proof.verdict == "equivalent"
    return steps.change(
        new,
        "changed",
        "none" if is_same else "audience",
        f"{short(new)} {'ends by something else' if is_wait else 'has another condition'}",
        _effect(proof, after, new, steps),
        before=words(before.guard) if before.guard is not None else before.text,
        after=words(after.guard) if after.guard is not None else after.text,
        proof=proof,
        decide="" if is_same else "Are these the right customers?",
    )


_TAKEN = {
    "equivalent": "The same customers",
    "narrower": "Fewer customers",
    "wider": "More customers",
    "disjoint": "Other customers",
    "overlapping": "Other customers",
    "not proved": "Perhaps other customers",
}


def _effect(proof: Proof | None, after: Arm, new: Spot, steps: "Steps") -> str:
    taken = _TAKEN[proof.verdict] if proof is not None else "Other customers"
    verb = "leave the wait by it" if isinstance(new.step, model.Wait) else "take the branch"
    rest = _otherwise(after, new, steps)
    others = f" Those who do not take it may get {listed(rest)}." if rest else ""
    return f"{taken} {verb}, {_what_happens(after)}.{others}"


def _what_happens(arm: Arm) -> str:
    """Return what customers get in a branch, and whether they leave there."""
    sends = list(dict.fromkeys(_messages(arm.steps)))
    leaves = not model.reaches_end(arm.steps)
    if sends:
        return f"where they get {listed(sends)}{' and leave' if leaves else ''}"
    return "where they leave the journey" if leaves else "where they get no message"


def _otherwise(arm: Arm, new: Spot, steps: "Steps") -> list[str]:
    """Return the messages that only those may get who do not take a branch."""
    if not isinstance(new.step, model.Choose):
        return []
    found = [m for other in arms(new.step) if other != arm for m in _messages(other.steps)]
    if not model.reaches_end(arm.steps):
        found += messages_after(new.name, steps.match.new)
    return [m for m in dict.fromkeys(found) if m not in set(_messages(arm.steps))]


# --- splits -----------------------------------------------------------------------------------


def _split(old: Spot, new: Spot, steps: "Steps") -> Iterator[Change]:
    one, other = old.step, new.step
    assert isinstance(one, model.Choose) and isinstance(other, model.Choose)
    if hidden_effects(one) != hidden_effects(other):
        yield from _winner(one, other, new, steps)
    moved = [
        f"{percent_words(share)} of customers come into {_arm(after)} instead of {_arm(before)}"
        for before, after, share in switches(one.arms, other.arms)
    ]
    if not moved and [a.name for a in one.arms] == [a.name for a in other.arms]:
        return
    given = [f"`{arm.name}` gets {_sends(arm.steps)}" for arm in other.arms]
    yield steps.change(
        new,
        "changed",
        "audience",
        f"`{new.name}` has other shares",
        f"{joined(moved)}; the others stay in their arm. {joined(given)}."
        if moved
        else f"The arms have other names. {joined(given)}.",
        before=step_words(one),
        after=step_words(other),
        inside=f"{steps.inside.stay()} Nobody who has passed the split changes arms.",
        decide="Should the shares change while a comparison runs? Results before and after do not mix.",
    )


def _winner(old: model.Choose, new: model.Choose, spot: Spot, steps: "Steps") -> Iterator[Change]:
    before, after = (_winner_words(step) for step in (old, new))
    if before == after:
        return
    yield steps.change(
        spot,
        "added" if before is None else "removed" if after is None else "changed",
        "audience",
        f"the winner of `{spot.name}` is found in another way",
        "No arm wins any more: everybody keeps the arm of their share."
        if after is None
        else "After so many customers everybody gets the arm that led most of its customers to the goal.",
        before=before,
        after=after,
        decide="Is this how the better arm should be found?",
    )


def _winner_words(step: model.Choose) -> str | None:
    found = [e for e in hidden_effects(step) if isinstance(e, pg.ArmEffect)]
    return f"winner by {name_words(found[0].goal)} after {found[0].after}" if found else None


def _arm(name: str) -> str:
    return f"`{name}`" if name else "no arm"
