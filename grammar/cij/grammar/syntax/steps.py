"""The steps of a journey."""

from dataclasses import dataclass
from typing import Union

from cij.grammar.syntax.expressions import Duration, Expression, Path, Percent, Text, Time
from cij.grammar.syntax.nodes import Name, Node
from cij.grammar.syntax.settings import Setting

__all__ = [
    "Arm",
    "Branch",
    "Case",
    "Do",
    "Emit",
    "End",
    "First",
    "GiveConsent",
    "If",
    "LabelledStep",
    "Pattern",
    "Repeat",
    "Run",
    "Send",
    "Set",
    "Split",
    "SplitArm",
    "Step",
    "Steps",
    "Switch",
    "Wait",
    "WaitEvent",
    "WaitFirst",
    "WaitUntil",
    "Weekday",
    "Winner",
    "WithdrawConsent",
]


@dataclass(frozen=True, slots=True)
class Pattern(Node):
    """`opened(reward) as look where …`: an event, optionally of one labelled send, optionally with a
    filter. Only in a wait it may have a name."""

    event: Name
    label: Name | None
    where: Expression | None
    name: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledStep(Node):
    """The base of all steps. The span includes the label."""

    label: Name | None = None


Steps = tuple["Step", ...]


@dataclass(frozen=True, slots=True)
class Send(LabelledStep):
    """`send email loyal20 {…}`. `send best of (a, b)` has no channel and several messages."""

    channel: Name | None
    messages: tuple[Name, ...]
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Wait(LabelledStep):
    """`wait 1 day at 09:00`."""

    duration: Duration
    at: Time | None


@dataclass(frozen=True, slots=True)
class Weekday(Node):
    """`monday`, in lower case."""

    name: str


@dataclass(frozen=True, slots=True)
class WaitUntil(LabelledStep):
    """`wait until 2026-12-31 09:00`, `wait until monday at 09:00 [in "Europe/Madrid"]`, `wait until
    trigger.departure - 1 day`."""

    moment: Expression | Weekday
    at: Time | None
    zone: Text | None = None


@dataclass(frozen=True, slots=True)
class WaitEvent(LabelledStep):
    """`wait for E(label) where … up to D {…} else {…}`."""

    pattern: Pattern
    up_to: Duration
    then: Steps
    otherwise: Steps


@dataclass(frozen=True, slots=True)
class Arm(Node):
    """`on E {…}` or `when C {…}`. Exactly one of `pattern` and `condition` is set."""

    pattern: Pattern | None
    condition: Expression | None
    steps: Steps


@dataclass(frozen=True, slots=True)
class WaitFirst(LabelledStep):
    """`wait up to D { on E {…} when C {…} else {…} }`."""

    up_to: Duration
    arms: tuple[Arm, ...]
    otherwise: Steps


@dataclass(frozen=True, slots=True)
class Branch(Node):
    """`if C {…}` or `else if C {…}`."""

    condition: Expression
    steps: Steps


@dataclass(frozen=True, slots=True)
class If(LabelledStep):
    branches: tuple[Branch, ...]
    otherwise: Steps


@dataclass(frozen=True, slots=True)
class Case(Node):
    """`case "a", "b" {…}`."""

    values: tuple[Expression, ...]
    steps: Steps


@dataclass(frozen=True, slots=True)
class Switch(LabelledStep):
    value: Expression
    cases: tuple[Case, ...]
    otherwise: Steps


@dataclass(frozen=True, slots=True)
class SplitArm(Node):
    """`45% short {…}`."""

    share: Percent
    name: Name
    steps: Steps


@dataclass(frozen=True, slots=True)
class Winner(Node):
    """`winner by GOAL after 1000`, a line inside a split."""

    goal: Name
    after: int


@dataclass(frozen=True, slots=True)
class Split(LabelledStep):
    name: Name
    arms: tuple[SplitArm, ...]
    winner: Winner | None


@dataclass(frozen=True, slots=True)
class First(LabelledStep):
    """`first 1000 NAME {…} else {…}`."""

    count: int
    name: Name
    then: Steps
    otherwise: Steps


@dataclass(frozen=True, slots=True)
class Do(LabelledStep):
    action: Name
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Set(LabelledStep):
    """`set FIELD = expression`."""

    field: Path
    value: Expression


@dataclass(frozen=True, slots=True)
class GiveConsent(LabelledStep):
    """`give consent TOPIC by CHANNEL`. Without a channel it is for all of the topic."""

    topic: Name
    channel: Name | None


@dataclass(frozen=True, slots=True)
class WithdrawConsent(LabelledStep):
    """`withdraw consent TOPIC by CHANNEL`. Without a channel it is for all of the topic."""

    topic: Name
    channel: Name | None


@dataclass(frozen=True, slots=True)
class Emit(LabelledStep):
    event: Name
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Repeat(LabelledStep):
    """`repeat up to 3 times every 7 days until C {…}`."""

    times: int
    every: Duration | None
    until: Expression | None
    steps: Steps


@dataclass(frozen=True, slots=True)
class Run(LabelledStep):
    fragment: Name
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class End(LabelledStep):
    outcome: Name | None


Step = Union[
    Send,
    Wait,
    WaitUntil,
    WaitEvent,
    WaitFirst,
    If,
    Switch,
    Split,
    First,
    Do,
    Set,
    GiveConsent,
    WithdrawConsent,
    Emit,
    Repeat,
    Run,
    End,
]
