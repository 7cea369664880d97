"""The steps of a journey as a flat list that knows the tree: what steps are matched and compared by."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cij.compiler import expression as ex, model, program as pg
from cij.compiler.program import canonical
from cij.compiler.unparse import event_words, words

# What the compiler calls a step without a label; longer derived names have a space.
_DERIVED = ("if", "switch", "repeat")


@dataclass(frozen=True, slots=True)
class Arm:
    """One block inside a step. `key` tells it from the others, `text` says when it is taken."""

    key: str
    text: str
    steps: model.Steps
    guard: ex.Expression | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Spot:
    """A step and where it stands: in which arm of which step, and at which place there.

    `path` are the conditions on the way to it, as texts.
    """

    step: model.Step
    parent: str | None
    arm: int
    index: int
    path: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.step.name

    @property
    def is_labelled(self) -> bool:
        return is_label(self.step.name)


def is_label(name: str) -> bool:
    """Tell whether an author has given this name to a step."""
    last = name.rpartition(".")[2]
    return " " not in name and last not in _DERIVED


def spots(journey: model.Journey) -> dict[str, Spot]:
    """Return the steps that an author wrote, by name, in the order of the text."""
    return {spot.name: spot for spot in _in_block(journey.steps, None, 0, ())}


def _in_block(
    steps: model.Steps, parent: str | None, arm: int, path: tuple[str, ...]
) -> Iterator[Spot]:
    for index, step in enumerate(steps):
        if isinstance(step, model.Act) and step.is_hidden:
            continue
        yield Spot(step, parent, arm, index, path)
        for number, inner in enumerate(arms(step)):
            inside = (*path, inner.text) if inner.text else path
            yield from _in_block(inner.steps, step.name, number, inside)


def arms(step: model.Step) -> list[Arm]:
    """Return the blocks inside a step, in the order of `model.blocks`."""
    match step:
        case model.Wait():
            found = [
                Arm(
                    f"on {a.event} {a.of}",
                    f"`{event_words(a.event, a.of, a.where)}` comes",
                    a.steps,
                )
                for a in step.arms
            ]
            found += [
                Arm(canonical(c.condition), f"`{words(c.condition)}`", c.steps, c.condition)
                for c in step.conditions
            ]
            return [*found, Arm("timeout", "nothing comes" if found else "", step.otherwise)]
        case model.Choose():
            guarded = [
                Arm(a.name or canonical(a.guard), _arm_text(a), a.steps, a.guard, a.name)
                for a in step.arms
            ]
            return [*guarded, Arm("else", "no other branch fits", step.otherwise)]
        case model.Repeat() | model.Group():
            return [Arm("", "", step.steps)]
    return []


def _arm_text(arm: model.ChooseArm) -> str:
    return f"the arm is `{arm.name}`" if arm.name else f"`{words(arm.guard)}`"


def own(step: model.Step) -> list[Any]:
    """Return what a step says by itself, without the steps inside, in a form that can be compared."""
    match step:
        case model.Send():
            return ["send", step.channel, step.message, step.parameters]
        case model.Act():
            return ["act", step.effect]
        case model.Wait():
            return ["wait", step.timer, [(a.event, a.of, a.where) for a in step.arms]] + [
                c.condition for c in step.conditions
            ]
        case model.Choose():
            return ["choose", [(a.name, a.guard) for a in step.arms], *hidden_effects(step)]
        case model.Repeat():
            return ["repeat", step.times, step.every, step.until]
        case model.Group():
            return ["run", step.fragment]
        case model.End():
            return ["end", step.outcome]


def hidden_effects(step: model.Choose) -> list[pg.Effect]:
    """Return what the compiler does at the beginning of branches, such as counting for a winner."""
    blocks = [*(arm.steps for arm in step.arms), step.otherwise]
    first = [s for block in blocks for s in block if isinstance(s, model.Act) and s.is_hidden]
    return [s.effect for s in first]


# The fields of nodes that hold the name of a step.
_STEP_FIELDS = frozenset(("step", "of", "counter", "split"))


def print_of(step: model.Step, names: Mapping[str, str]) -> str:
    """Return the fingerprint of what a step says; `names` has the new names of renamed steps."""
    text = canonical(own(step))
    if not any(name in text for name in names):
        return text
    told = _named(json.loads(text), names, is_wait=isinstance(step, model.Wait))
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


# What follows from the type of a value, which another change tells.
_TYPES = re.compile(r'"(?:type":\{[^{}]*\}|is_nullable":(?:true|false)),?')


def same_step(old: model.Step, new: model.Step, names: Mapping[str, str]) -> bool:
    """Tell whether two steps say the same by themselves, with the names of the newer side."""
    one, other = print_of(old, names), print_of(new, {})
    return one == other or without_types(one) == without_types(other)


def without_types(text: str) -> str:
    """Return a canonical text without the types of values."""
    return _TYPES.sub("", text)


def _named(value: Any, names: Mapping[str, str], *, is_wait: bool) -> Any:
    if isinstance(value, dict):
        return {
            key: names.get(inner, inner)
            if key in _STEP_FIELDS and isinstance(inner, str)
            else _named(inner, names, is_wait=False)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        # An event that a wait is for is written as event, step and condition.
        if is_wait and len(value) == 3 and isinstance(value[0], str) and value[1] is not None:
            return [
                value[0],
                names.get(value[1], value[1]) if isinstance(value[1], str) else value[1],
                _named(value[2], names, is_wait=False),
            ]
        return [_named(inner, names, is_wait=is_wait) for inner in value]
    return value
