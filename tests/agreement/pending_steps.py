"""Pending steps that the syntax tree does not have: of loops, of held messages, of fragments."""

from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from typing import Any

from cij.grammar import syntax


@dataclass(frozen=True)
class Iteration:
    """The beginning of an iteration of a loop; the first is number 0."""

    loop: syntax.Repeat
    number: int


@dataclass(frozen=True)
class IterationEnd:
    """The end of an iteration."""

    loop: syntax.Repeat
    number: int


@dataclass(frozen=True)
class Pause:
    """The wait between two iterations."""

    loop: syntax.Repeat

    @property
    def up_to(self) -> syntax.Duration:
        assert self.loop.every is not None
        return self.loop.every


@dataclass(frozen=True)
class Released:
    """A send that was held before. Its message counts as created at `since`, the first attempt."""

    send: syntax.Send
    since: datetime


@dataclass(frozen=True)
class Held:
    """The wait in front of a held send: `why` is a cap or quiet hours. It is tried again at `until`."""

    released: Released
    why: str
    until: datetime

    @property
    def otherwise(self) -> tuple[Released]:
        return (self.released,)


def name_of(step: Any) -> str | None:
    """Return the name of a step in the history; None for steps that the history leaves out."""
    if isinstance(step, (syntax.Repeat, syntax.Run)):
        return None
    if isinstance(step, Held):
        return f"{name_of(step.released)}:{'hold' if step.why == 'quiet hours' else 'capped'}"
    if isinstance(step, Released):
        return name_of(step.send)
    if isinstance(step, (Iteration, IterationEnd, Pause)):
        assert step.loop.label is not None
        if isinstance(step, Iteration) and step.loop.until is None:
            return None
        word = {Iteration: "until", IterationEnd: "again", Pause: "pause"}[type(step)]
        return f"{step.loop.label.text}:{word}"
    assert step.label is not None
    return str(step.label.text)


def unfolded(run: syntax.Run, fragment: syntax.Fragment) -> syntax.Steps:
    """Return the steps of a fragment with the arguments in place of its parameters."""
    assert run.label is not None
    names = (name.text for name in fragment.parameters)
    given = dict(zip(names, run.arguments, strict=True))
    found = _put(fragment.steps, given, f"{run.label.text}.")
    assert isinstance(found, tuple)
    return found


def _put(node: Any, given: dict[str, syntax.Expression], prefix: str) -> Any:
    if isinstance(node, tuple):
        return tuple(_put(part, given, prefix) for part in node)
    if isinstance(node, syntax.Path) and len(node.parts) == 1:
        return given.get(node.parts[0], node)
    if not is_dataclass(node) or isinstance(node, (syntax.Name, type)):
        return node
    changes = {f.name: _put(getattr(node, f.name), given, prefix) for f in fields(node)}
    if changes.get("label") is not None:
        changes["label"] = replace(changes["label"], text=prefix + changes["label"].text)
    # The key of a setting is a name, not a value.
    if isinstance(node, syntax.Setting):
        changes["key"] = node.key
    return replace(node, **changes)
