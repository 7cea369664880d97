"""Steps in a few words, and what follows them."""

from collections.abc import Iterator, Mapping

from cij.compiler import model
from cij.compiler.review.shares import share_words
from cij.compiler.review.step_spots import Spot
from cij.compiler.unparse import (
    duration_words,
    event_words,
    name_words,
    timer_words,
    words,
)
from cij.compiler.unparse_effect import effect_words
from cij.compiler.wording import joined


def step_words(step: model.Step) -> str:
    """Return a step on one line, as an author would write it."""
    match step:
        case model.Send():
            given = ", ".join(f"{k} = {words(v)}" for k, v in step.parameters.items())
            return f"send {step.channel} {name_words(step.message)}" + (
                f" with {given}" if given else ""
            )
        case model.Act():
            return effect_words(step.effect)
        case model.Wait():
            return _wait(step)
        case model.Choose():
            return _choose(step)
        case model.Repeat():
            every = f" every {duration_words(step.every)}" if step.every else ""
            until = f" until {words(step.until)}" if step.until is not None else ""
            return f"repeat up to {step.times} times{every}{until}"
        case model.Group():
            return f"run {name_words(step.fragment)}"
        case model.End():
            return f"end {name_words(step.outcome)}"


def _wait(step: model.Wait) -> str:
    awaited = [event_words(a.event, a.of, a.where) for a in step.arms]
    awaited += [f"when {words(c.condition)}" for c in step.conditions]
    if not awaited:
        return f"wait {timer_words(step.timer)}"
    return f"wait for {joined(awaited, 'or')} up to {timer_words(step.timer)}"


def _choose(step: model.Choose) -> str:
    if step.arms and step.arms[0].name:
        return f"split {', '.join(f'{share_words(a)} {name_words(a.name)}' for a in step.arms)}"
    return f"if {' / '.join(words(arm.guard) for arm in step.arms)}"


def short(spot: Spot) -> str:
    """Return the name of a step for a sentence: its label, or what it does."""
    has_name = spot.is_labelled or spot.name.startswith("split ")
    return f"`{spot.name}`" if has_name else f"`{step_words(spot.step)}`"


def quoted(spot: Spot) -> str:
    """Return the name of a step, with what it does where the name does not say it."""
    if not spot.is_labelled:
        return short(spot)
    return f"`{spot.name}` (`{step_words(spot.step)}`)"


def sends_after(name: str, steps: Mapping[str, Spot]) -> dict[str, str]:
    """Return the sends to which a customer may come after a step, as message by step."""
    found: dict[str, str] = {}
    own, is_after = _chain(name, steps), False
    for spot in steps.values():
        if is_after and isinstance(spot.step, model.Send):
            there = _chain(spot.name, steps)
            if all(there[parent] == arm for parent, arm in own.items() if parent in there):
                found[spot.name] = spot.step.message
        is_after = is_after or spot.name == name
    return found


def messages_after(name: str, steps: Mapping[str, Spot]) -> list[str]:
    """Return the messages that a customer may get after a step."""
    return list(dict.fromkeys(sends_after(name, steps).values()))


def _chain(name: str, steps: Mapping[str, Spot]) -> dict[str, int]:
    """Return the steps around a step, each with the arm in which it stands."""
    return dict(_around(name, steps))


def _around(name: str, steps: Mapping[str, Spot]) -> Iterator[tuple[str, int]]:
    spot = steps[name]
    while spot.parent is not None:
        yield spot.parent, spot.arm
        spot = steps[spot.parent]


def path_words(spot: Spot) -> str:
    """Return under which conditions a step is reached: ` where …`; empty at the top."""
    return f" where {joined(spot.path)}" if spot.path else ""
