"""Changes of the steps of a journey: what customers get, when, and what happens to those who wait there."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cij.compiler import model, program as pg
from cij.compiler.proofs.bounds import seconds
from cij.compiler.review.arm_changes import arm_changes
from cij.compiler.review.both_sides import Context, where
from cij.compiler.review.change_class import ChangeClass
from cij.compiler.review.review_report import Action, Change
from cij.compiler.review.step_inside import Inside
from cij.compiler.review.step_matching import Match, matched
from cij.compiler.review.step_spots import Spot, arms, same_step
from cij.compiler.review.step_words import (
    messages_after,
    path_words,
    quoted,
    sends_after,
    short,
    step_words,
)
from cij.compiler.unparse import seconds_words, words
from cij.compiler.wording import joined, listed


@dataclass(slots=True)
class Steps:
    """One journey while its steps are compared."""

    name: str
    match: Match
    inside: Inside
    context: Context

    def change(
        self,
        spot: Spot,
        action: Action,
        change_class: ChangeClass,
        what: str,
        effect: str,
        **rest: Any,
    ) -> Change:
        """Return a change of a step, with the answers that all have in common."""
        who = f"customers of journey `{self.name}` who come to {short(spot)}{path_words(spot)}"
        return Change(
            address=f"journey.{self.name}.step.{spot.name}",
            action=action,
            change_class=change_class,
            what=f"journey `{self.name}`: {what}",
            effect=effect,
            place=where(model.place(spot.step.span)),
            **{"inside": self.inside.stay(), "who": who, **rest},
        )


def step_changes(old: model.Journey, new: model.Journey, context: Context) -> Iterator[Change]:
    """Yield the changes of the steps of a journey that is on both sides."""
    match = matched(old, new)
    steps = Steps(new.name, match, Inside(old.name, new.name, context), context)
    back = match.back
    for name, spot in match.new.items():
        if name in back:
            yield from _kept(match.old[back[name]], spot, steps)
        elif not _is_in_new_part(spot, steps):
            yield _added(spot, steps)
    for name, spot in match.old.items():
        if name not in match.pairs and not _is_in_gone_part(spot, steps):
            yield _removed(spot, steps)


# --- steps that are new or gone ---------------------------------------------------------------


def _is_in_new_part(spot: Spot, steps: Steps) -> bool:
    """Tell whether a step stands in a step or a branch that is new: that change names it."""
    if spot.parent is None:
        return False
    if spot.parent not in steps.match.back:
        return True
    arm = arms(steps.match.new[spot.parent].step)[spot.arm]
    pairs = steps.match.arm_pairs[spot.parent]
    return any(new == arm and old is None for old, new in pairs)


def _is_in_gone_part(spot: Spot, steps: Steps) -> bool:
    if spot.parent is None:
        return False
    if spot.parent not in steps.match.pairs:
        return True
    arm = arms(steps.match.old[spot.parent].step)[spot.arm]
    pairs = steps.match.arm_pairs[steps.match.pairs[spot.parent]]
    return any(old == arm and new is None for old, new in pairs)


def _added(spot: Spot, steps: Steps) -> Change:
    effect = _EFFECTS_ADDED[type(spot.step)](spot, steps.match.new)
    return steps.change(
        spot,
        "added",
        "structure added",
        f"new step {quoted(spot)}",
        effect,
        after=step_words(spot.step),
        decide=_decide_added(spot),
    )


def _decide_added(spot: Spot) -> str:
    match spot.step:
        case model.Send():
            return "Is one more message here right, beside those that these customers get already?"
        case model.Wait():
            return "Is it right that what follows comes later?"
    return "Is the new step at the right place?"


def _inner_sends(spot: Spot, known: Mapping[str, Spot]) -> list[str]:
    found = []
    for name, inner in known.items():
        if isinstance(inner.step, model.Send) and spot.name in _parents(name, known):
            found.append(inner.step.message)
    return list(dict.fromkeys(found))


def _parents(name: str, known: Mapping[str, Spot]) -> Iterator[str]:
    parent = known[name].parent
    while parent is not None:
        yield parent
        parent = known[parent].parent


def _sent(spot: Spot, known: Mapping[str, Spot]) -> str:
    assert isinstance(spot.step, model.Send)
    return f"Customers who come here get `{spot.step.message}` by {spot.step.channel}, one message more."


def _later(spot: Spot, known: Mapping[str, Spot]) -> str:
    after = messages_after(spot.name, known)
    what = f"What follows ({listed(after)})" if after else "What follows"
    return f"{what} comes later, after `{step_words(spot.step)}`."


def _parting(spot: Spot, known: Mapping[str, Spot]) -> str:
    sends = _inner_sends(spot, known)
    what = f"some of them get {listed(sends)}" if sends else "no message is sent inside"
    return f"Customers take different branches here; {what}."


_Effect = Callable[[Spot, Mapping[str, Spot]], str]
_EFFECTS_ADDED: Mapping[type, _Effect] = {
    model.Send: _sent,
    model.Act: lambda s, known: f"For customers who come here `{step_words(s.step)}` happens.",
    model.Wait: _later,
    model.Choose: _parting,
    model.Repeat: lambda s, known: f"Customers get {_or_nothing(s, known)} several times.",
    model.Group: lambda s, known: f"Customers go through the fragment: {_or_nothing(s, known)}.",
    model.End: lambda s, known: "Customers who come here leave the journey.",
}


def _or_nothing(spot: Spot, known: Mapping[str, Spot]) -> str:
    return listed(_inner_sends(spot, known)) or "no message"


def _removed(spot: Spot, steps: Steps) -> Change:
    effect = _EFFECTS_REMOVED[type(spot.step)](spot, steps.match.old)
    inside, decide = steps.inside.gone(spot, steps.match)
    return steps.change(
        spot,
        "removed",
        "structure removed",
        f"step {quoted(spot)} is gone",
        effect,
        before=step_words(spot.step),
        inside=inside,
        decide=decide or "Is it right that nobody comes to this step any more?",
    )


def _not_sent(spot: Spot, known: Mapping[str, Spot]) -> str:
    assert isinstance(spot.step, model.Send)
    return f"Customers do not get `{spot.step.message}` here any more."


def _sooner(spot: Spot, known: Mapping[str, Spot]) -> str:
    after = messages_after(spot.name, known)
    what = f"What follows ({listed(after)})" if after else "What follows"
    lost = _inner_sends(spot, known)
    more = f" Nobody gets {listed(lost)} here any more." if lost else ""
    return f"{what} comes earlier, without `{step_words(spot.step)}`.{more}"


_EFFECTS_REMOVED: Mapping[type, _Effect] = {
    model.Send: _not_sent,
    model.Act: lambda s, known: f"`{step_words(s.step)}` does not happen any more.",
    model.Wait: _sooner,
    model.Choose: lambda s, known: (
        f"All customers go the same way here; nobody gets {_or_nothing(s, known)} here."
    ),
    model.Repeat: lambda s, known: f"Nobody gets {_or_nothing(s, known)} here any more.",
    model.Group: lambda s, known: f"Nobody gets {_or_nothing(s, known)} here any more.",
    model.End: lambda s, known: "Customers who come here go on instead of leaving.",
}


# --- steps that are on both sides -------------------------------------------------------------


def _kept(old: Spot, new: Spot, steps: Steps) -> Iterator[Change]:
    if old.name != new.name and (old.is_labelled or new.is_labelled):
        yield _renamed(old, new, steps)
    if new.name in steps.match.moved:
        yield _moved(old, new, steps)
    if not same_step(old.step, new.step, steps.match.names):
        yield from _CHANGED[type(new.step)](old, new, steps)


def _renamed(old: Spot, new: Spot, steps: Steps) -> Change:
    inside, decide = steps.inside.renamed(old, new, steps.match)
    return steps.change(
        new,
        "renamed",
        "none" if not decide else "structure removed",
        f"step `{old.name}` is now called `{new.name}`",
        "Customers who enter from now on see no difference.",
        previous=f"journey.{steps.name}.step.{old.name}",
        before=old.name,
        after=new.name,
        inside=inside,
        decide=decide,
    )


def _moved(old: Spot, new: Spot, steps: Steps) -> Change:
    sends = _crossed(old, new, steps)
    inside, decide = steps.inside.moved(old, new, steps.match)
    is_wait = isinstance(new.step, model.Wait)
    return steps.change(
        new,
        "moved",
        "timing" if is_wait or old.path == new.path else "audience",
        f"step {quoted(new)} stands at another place",
        _moved_effect(old, new, sends),
        before=_position(old, steps.match.old),
        after=_position(new, steps.match.new),
        inside=inside,
        decide=decide,
    )


def _position(spot: Spot, known: Mapping[str, Spot]) -> str:
    block = [s for s in known.values() if (s.parent, s.arm) == (spot.parent, spot.arm)]
    place = block.index(spot)
    within = path_words(spot)
    if place == 0:
        return f"first{within or ' of all steps'}"
    return f"after {short(block[place - 1])}{within}"


def _crossed(old: Spot, new: Spot, steps: Steps) -> tuple[list[str], list[str]]:
    """Return the messages that came after the step and come before it now, and the other way round."""
    match = steps.match
    before = {
        match.pairs[step]: message
        for step, message in sends_after(old.name, match.old).items()
        if step in match.pairs
    }
    back = match.back
    after = {s: m for s, m in sends_after(new.name, match.new).items() if s in back}
    sooner = dict.fromkeys(m for s, m in before.items() if s not in after)
    return list(sooner), list(dict.fromkeys(m for s, m in after.items() if s not in before))


def _moved_effect(old: Spot, new: Spot, crossed: tuple[list[str], list[str]]) -> str:
    sooner, later = crossed
    if not isinstance(new.step, model.Wait):
        if old.path != new.path:
            return (
                f"Other customers come to it: {path_words(new).strip() or 'all who get that far'}."
            )
        return "It happens earlier or later than before."
    parts = []
    if sooner:
        goes = "goes" if len(sooner) == 1 else "go"
        parts.append(f"{listed(sooner)} {goes} out before the wait instead of after it, so earlier")
    if later:
        goes = "goes" if len(later) == 1 else "go"
        parts.append(f"{listed(later)} {goes} out after the wait instead of before it, so later")
    if not parts:
        return "Customers wait at another place; no message is sent between the two places."
    return f"{joined(parts)}."


def _send(old: Spot, new: Spot, steps: Steps) -> Iterator[Change]:
    one, other = old.step, new.step
    assert isinstance(one, model.Send) and isinstance(other, model.Send)
    if (one.message, one.channel) != (other.message, other.channel):
        is_channel = one.channel != other.channel
        by = (f" by {other.channel}", f" by {one.channel}") if is_channel else ("", "")
        yield steps.change(
            new,
            "changed",
            "audience" if is_channel else "content",
            f"{short(new)} sends another message",
            f"Customers get `{other.message}`{by[0]} instead of `{one.message}`{by[1]}.",
            before=step_words(one),
            after=step_words(other),
            decide=f"Does `{other.message}` say what these customers should read, in all languages?",
        )
    elif one.parameters != other.parameters:
        yield _given(old, new, one.parameters, other.parameters, steps)


def _given(
    old: Spot, new: Spot, before: Mapping[str, Any], after: Mapping[str, Any], steps: Steps
) -> Change:
    names = [n for n in dict.fromkeys((*before, *after)) if before.get(n) != after.get(n)]
    shown = (
        ", ".join(f"{n} = {words(values[n])}" for n in names if n in values) or "nothing"
        for values in (before, after)
    )
    one, other = shown
    return steps.change(
        new,
        "changed",
        "content",
        f"{short(new)} gives other values",
        f"Customers get it with another {listed(names)}.",
        before=one,
        after=other,
        decide="Are the new values right?",
    )


def _act(old: Spot, new: Spot, steps: Steps) -> Iterator[Change]:
    one, other = old.step, new.step
    assert isinstance(one, model.Act) and isinstance(other, model.Act)
    calls = [e for e in (one.effect, other.effect) if isinstance(e, pg.DoEffect)]
    if len(calls) == 2 and calls[0].action == calls[1].action:
        yield _given(old, new, calls[0].parameters, calls[1].parameters, steps)
        return
    writes = isinstance(other.effect, (pg.SetEffect, pg.ConsentEffect, pg.EmitEffect))
    yield steps.change(
        new,
        "changed",
        "audience" if writes else "content",
        f"{short(new)} does something else",
        "Conditions and events that read it come out differently."
        if writes
        else "Another system gets another call.",
        before=step_words(one),
        after=step_words(other),
        decide="Is the new value right for all that read it?"
        if writes
        else "Is the new call right?",
    )


def _wait(old: Spot, new: Spot, steps: Steps) -> Iterator[Change]:
    one, other = old.step, new.step
    assert isinstance(one, model.Wait) and isinstance(other, model.Wait)
    if one.timer != other.timer:
        direction, delta = _delta(one.timer, other.timer)
        after = messages_after(new.name, steps.match.new)
        what = f"What follows ({listed(after)})" if after else "What follows"
        inside = steps.inside.timer(old, new, steps.match)
        yield steps.change(
            new,
            "changed",
            "timing",
            f"{short(new)} waits {direction or 'to another time'}",
            f"{what} comes {delta or 'at another time'}.",
            before=step_words(one),
            after=step_words(other),
            inside=inside,
            decide=f"Should it come {delta or 'at the new time'}?",
        )
    yield from arm_changes(old, new, steps)


def _delta(old: pg.Timer, new: pg.Timer) -> tuple[str, str]:
    """Return `longer` and `4 days later` for two plain waits; empty texts for others."""
    if not (isinstance(old, pg.AfterPeriod) and isinstance(new, pg.AfterPeriod)):
        return "", ""
    delta = seconds(new.period) - seconds(old.period)
    if delta == 0 or old.at != new.at:
        return "", ""
    return (
        ("longer", f"{seconds_words(delta)} later")
        if delta > 0
        else ("shorter", f"{seconds_words(-delta)} earlier")
    )


def _choose(old: Spot, new: Spot, steps: Steps) -> Iterator[Change]:
    return arm_changes(old, new, steps)


def _plain(change_class: ChangeClass, what: str, effect: str, decide: str) -> Any:
    def told(old: Spot, new: Spot, steps: Steps) -> Iterator[Change]:
        before, after = step_words(old.step), step_words(new.step)
        yield steps.change(
            new,
            "changed",
            change_class,
            f"{short(new)} {what}",
            effect,
            before=before,
            after=after,
            decide=decide,
        )

    return told


_CHANGED: Mapping[type, Callable[[Spot, Spot, Steps], Iterator[Change]]] = {
    model.Send: _send,
    model.Act: _act,
    model.Wait: _wait,
    model.Choose: _choose,
    model.Repeat: _plain(
        "timing",
        "repeats in another way",
        "Customers get what is inside more or less often, or at other times.",
        "How often should a customer get it at most?",
    ),
    model.Group: _plain(
        "structure added", "runs another fragment", "Other steps happen here.", "Are they right?"
    ),
    model.End: _plain(
        "content",
        "ends with another outcome",
        "Customers leave under another name in reports.",
        "Does anything count the old outcome?",
    ),
}
