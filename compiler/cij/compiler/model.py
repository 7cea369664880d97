"""The model: what a project means, resolved and typed. No name in it is looked up again.

Data, content and conditions have the form that the program persists; a journey has a tree of a few
kinds of step, before it becomes states. `lowering` makes the program of it.
"""

from dataclasses import dataclass, field
from typing import Union

from cij.compiler import program as pg
from cij.compiler.expression import Expression, Period
from cij.grammar.span import Span


@dataclass(frozen=True, slots=True)
class Send:
    """Queue a message. `name` is the label or the derived name of the step.

    `id` distinguishes the sends of one `send best of`.
    """

    name: str
    span: Span
    message: str
    channel: str
    parameters: dict[str, Expression]
    id: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """Any other effect: do, set, emit, and (hidden) what the compiler adds by itself."""

    name: str
    span: Span
    effect: pg.Effect
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class AwaitArm:
    """One event that ends a wait; `of` names the step of the send that it belongs to.

    `order` is its number among all arms as they are written.
    """

    event: str
    of: str | None
    where: Expression | None
    steps: "Steps"
    order: int = 0


@dataclass(frozen=True, slots=True)
class WhenArm:
    """A condition that ends a wait; `order` is its number among all arms as they are written."""

    condition: Expression
    order: int
    steps: "Steps"


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until the timer or the first of the arms; then the steps of that arm, or `otherwise`."""

    name: str
    span: Span
    timer: pg.Timer
    arms: tuple[AwaitArm, ...] = ()
    otherwise: "Steps" = ()
    conditions: tuple[WhenArm, ...] = ()


@dataclass(frozen=True, slots=True)
class ChooseArm:
    """A guard and what is done where it is the first that holds. The arms of a split have names."""

    guard: Expression
    steps: "Steps"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Choose:
    """Branch at once: if, switch, split."""

    name: str
    span: Span
    arms: tuple[ChooseArm, ...]
    otherwise: "Steps"


@dataclass(frozen=True, slots=True)
class Repeat:
    """A loop of at most `times` iterations, `every` apart, while `until` does not hold."""

    name: str
    span: Span
    times: int
    every: Period | None
    until: Expression | None
    steps: "Steps"


@dataclass(frozen=True, slots=True)
class Group:
    """The steps of a fragment, where it is run."""

    name: str
    span: Span
    fragment: str
    steps: "Steps"


@dataclass(frozen=True, slots=True)
class End:
    """Leave with an outcome."""

    name: str
    span: Span
    outcome: str


Step = Union[Send, Act, Wait, Choose, Repeat, Group, End]
Steps = tuple[Step, ...]


def blocks(step: Step) -> tuple[Steps, ...]:
    """Return the blocks inside a step, in the order in which they are written."""
    match step:
        case Wait():
            arms = (*(a.steps for a in step.arms), *(a.steps for a in step.conditions))
            return (*arms, step.otherwise)
        case Choose():
            return (*(a.steps for a in step.arms), step.otherwise)
        case Repeat() | Group():
            return (step.steps,)
    return ()


def takes_time(timer: pg.Timer) -> bool:
    """Tell whether a timer is never due at once: an instant may be past (S12)."""
    match timer:
        case pg.AfterPeriod(period=period, at=at):
            return any(count for count, _ in period.lengths) or at is not None
        case pg.UntilMoment():
            return False
    return True


def goes_on(step: Step) -> bool:
    """Tell whether what follows a step can be reached."""
    match step:
        case End():
            return False
        case Repeat(until=until) if until is not None:
            return True
        case Send() | Act():
            return True
    return any(reaches_end(block) for block in blocks(step))


def reaches_end(steps: Steps) -> bool:
    """Tell whether the end of a block can be reached."""
    return not steps or goes_on(steps[-1])


def sent_messages(steps: Steps) -> set[str]:
    """Return the messages that a block of steps may send."""
    found: set[str] = set()
    for step in steps:
        if isinstance(step, Send):
            found.add(step.message)
        for block in blocks(step):
            found |= sent_messages(block)
    return found


@dataclass(frozen=True, slots=True)
class Goal:
    name: str
    event: str | None
    where: Expression | None
    condition: Expression | None
    within: Period | None
    is_stay: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Exit:
    name: str
    event: str | None
    where: Expression | None
    condition: Expression | None
    span: Span


@dataclass(frozen=True, slots=True)
class Journey:
    """A journey before lowering: the head that it keeps in the program, and a tree of steps."""

    head: pg.Head
    span: Span
    goals: tuple[Goal, ...]
    exits: tuple[Exit, ...]
    steps: Steps

    @property
    def name(self) -> str:
        return self.head.name


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """What a program takes from cij.toml: its name and the fallbacks of S4, of locales and of S29.

    `region` is the code of the country, such as `ES`, of phone numbers without a country code.
    """

    name: str
    timezone: str
    language: str = "en"
    region: str | None = None


@dataclass(slots=True)
class Model:
    """All declarations by name, in the order of the files. Filled kind by kind."""

    settings: ProjectSettings
    sources: dict[str, pg.Source] = field(default_factory=dict)
    topics: dict[str, pg.Topic] = field(default_factory=dict)
    entities: dict[str, pg.Entity] = field(default_factory=dict)
    profile: pg.Profile | None = None
    events: dict[str, pg.Event] = field(default_factory=dict)
    measures: dict[str, pg.Measure] = field(default_factory=dict)
    segments: dict[str, pg.Segment] = field(default_factory=dict)
    exports: dict[str, pg.Export] = field(default_factory=dict)
    messages: dict[str, pg.Message] = field(default_factory=dict)
    actions: dict[str, pg.Action] = field(default_factory=dict)
    policies: dict[str, pg.Policy] = field(default_factory=dict)
    journeys: dict[str, Journey] = field(default_factory=dict)


def place(span: Span) -> pg.Place:
    """Return the place that a part of the program remembers."""
    return pg.Place(file=span.file, line=span.line, column=span.column)
