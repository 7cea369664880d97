"""What is ahead of somebody in a loop or in front of a send, and the steps of a fragment."""

from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from typing import Any

from cij.grammar import syntax


@dataclass(frozen=True)
class Turn:
    """The beginning of a turn, the first of which is 0."""

    loop: syntax.Repeat
    number: int


@dataclass(frozen=True)
class Tail:
    """The end of a turn."""

    loop: syntax.Repeat
    number: int


@dataclass(frozen=True)
class Pause:
    """The wait between two turns."""

    loop: syntax.Repeat

    @property
    def up_to(self) -> syntax.Duration:
        assert self.loop.every is not None
        return self.loop.every


@dataclass(frozen=True)
class Released:
    """A send that was held before; its message is as old as the first time."""

    send: syntax.Send
    since: datetime


@dataclass(frozen=True)
class Held:
    """The rest in front of a send: `why` is a cap or quiet hours, looked at again at `until`."""

    released: Released
    why: str
    until: datetime

    @property
    def otherwise(self) -> tuple[Released]:
        return (self.released,)


def name_of(step: Any) -> str | None:
    """Return what a history calls a step; None for what it does not mention."""
    if isinstance(step, (syntax.Repeat, syntax.Run)):
        return None
    if isinstance(step, Held):
        return f"{name_of(step.released)}:{'hold' if step.why == 'quiet hours' else 'capped'}"
    if isinstance(step, Released):
        return name_of(step.send)
    if isinstance(step, (Turn, Tail, Pause)):
        assert step.loop.label is not None
        if isinstance(step, Turn) and step.loop.until is None:
            return None
        word = {Turn: "until", Tail: "again", Pause: "pause"}[type(step)]
        return f"{step.loop.label.text}:{word}"
    assert step.label is not None
    return str(step.label.text)


def unfolded(run: syntax.Run, fragment: syntax.Fragment) -> syntax.Steps:
    """Return the steps of a fragment with what is given in the place of its parameters."""
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
    # The key of a parameter of a message is no value.
    if isinstance(node, syntax.Setting):
        changes["key"] = node.key
    return replace(node, **changes)
