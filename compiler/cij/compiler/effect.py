"""Effects: what an ActState does. One class for each."""

from typing import Annotated, Literal, Union

from pydantic import Field as PydanticField

from cij.compiler.base_node import BaseNode
from cij.compiler.expression import Expression


class SendEffect(BaseNode):
    """Queue a message. Parameter values are read when the step runs (S11)."""

    kind: Literal["send"] = "send"
    channel: str
    message: str
    parameters: dict[str, Expression]


class DoEffect(BaseNode):
    """Call an action. Parameter values are read when the step runs (S11)."""

    kind: Literal["do"] = "do"
    action: str
    parameters: dict[str, Expression]


class SetEffect(BaseNode):
    """Write a field that belongs to the journeys. What stands behind it reads the new value."""

    kind: Literal["set"] = "set"
    field: str
    value: Expression


class ConsentEffect(BaseNode):
    """Note that the customer gave or withdrew a consent. The steps after it read the new state.

    It raises `subscribed` or `unsubscribed`: the ledger of consents reads them (S20).
    """

    kind: Literal["consent"] = "consent"
    topic: str
    channels: tuple[str, ...]
    is_given: bool


class NoteEventEffect(BaseNode):
    """Remember the event that ended the wait before, under the name of the step."""

    kind: Literal["note_event"] = "note_event"
    event: str


class EmitEffect(BaseNode):
    """Raise an event of the customer, at the instant of the step."""

    kind: Literal["emit"] = "emit"
    event: str
    fields: dict[str, Expression]


class IterationEffect(BaseNode):
    """Begin the next iteration of a loop, or (not `is_next`) leave the loop.

    One number of the passage, `turn` in the store, counts the iterations of all loops around a step:
    a loop adds `unit` for each of its `size` iterations, and the loops inside it count below `unit`.
    """

    kind: Literal["turn"] = "turn"
    unit: int
    size: int
    is_next: bool


class TakeEffect(BaseNode):
    """Take one of the places of `first N`."""

    kind: Literal["take"] = "take"
    counter: str


class ArmEffect(BaseNode):
    """Remember which arm of a split was taken, so that a winner can be found."""

    kind: Literal["arm"] = "arm"
    split: str
    arm: str
    goal: str
    after: int


Effect = Annotated[
    Union[
        SendEffect,
        DoEffect,
        SetEffect,
        ConsentEffect,
        NoteEventEffect,
        EmitEffect,
        IterationEffect,
        TakeEffect,
        ArmEffect,
    ],
    PydanticField(discriminator="kind"),
]


def raised_by(effect: Effect) -> str | None:
    """Return the event that an effect raises; None for one that raises none."""
    match effect:
        case EmitEffect(event=event):
            return event
        case ConsentEffect(is_given=is_given):
            return "subscribed" if is_given else "unsubscribed"
    return None


def changes_customer(effect: Effect) -> bool:
    """Tell whether an effect changes what conditions of the steps behind it read."""
    return isinstance(effect, (SetEffect, ConsentEffect, NoteEventEffect))
