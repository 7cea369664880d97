"""Stories: the `test` blocks of a project, resolved and typed. Never part of the program.

Every time of day or date in a story is local to the project's zone, also for customers of other zones.
"""

from dataclasses import dataclass, field
from typing import Union

from cij.compiler.expression import Constant, Expression, Period
from cij.compiler.program import Event, Place

# What the condition of an expectation looks at, as the name of the event that stands for it.
MESSAGE, CALL = "message", "call"


@dataclass(frozen=True, slots=True)
class Line:
    """A statement, with its place and with what the author wrote in one line."""

    place: Place
    words: str


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """What a customer says to a topic; no channel means every channel of it."""

    topic: str
    channel: str | None
    is_granted: bool


@dataclass(frozen=True, slots=True)
class Given(Line):
    """A customer, or new values for one that was given before. Fields that are not named are missing."""

    customer: str
    fields: dict[str, Constant] = field(default_factory=dict)
    consents: tuple[ConsentGiven, ...] = ()


@dataclass(frozen=True, slots=True)
class GivenRow(Line):
    """A row of an entity by its key. Fields that are not named are missing."""

    entity: str
    key: str
    fields: dict[str, Constant] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Happens(Line):
    """An event of a customer, now. `of` is the step of the send that an interaction belongs to."""

    event: str
    of: str | None
    customer: str
    fields: dict[str, Constant] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class After(Line):
    """Time passes, and all that falls due in it is done.

    Where an event follows on the same line (`is_joined`), it comes before what is due at its instant.
    """

    period: Period
    is_joined: bool = False


@dataclass(frozen=True, slots=True)
class Down(Line):
    """Time passes in which nothing is done. What fell due is done in one tick at its end (S12)."""

    period: Period


@dataclass(frozen=True, slots=True)
class Row:
    """A condition over one message or call, and the event whose fields it reads."""

    fields: Event
    condition: Expression


@dataclass(frozen=True, slots=True)
class ExpectSent(Line):
    """`at` is a local time to the minute, `2026-03-02 10:00`, or None for any.

    `key` is the entry key of the passage that sends, or None for any.
    """

    channel: str
    message: str
    customer: str
    at: str | None
    key: str | None = None
    where: Row | None = None


@dataclass(frozen=True, slots=True)
class ExpectNothing(Line):
    """No message since the story began."""

    customer: str


@dataclass(frozen=True, slots=True)
class ExpectNoOther(Line):
    """Every message so far was expected by an earlier line."""

    customer: str


@dataclass(frozen=True, slots=True)
class ExpectEnded(Line):
    """Any passage of the customer has ended, with this outcome if there is one. `key` as above."""

    customer: str
    outcome: str | None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ExpectWaiting(Line):
    """`until` as `at` of ExpectSent, and `key` as there."""

    customer: str
    step: str
    until: str | None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ExpectMember(Line):
    customer: str
    segment: str
    is_negated: bool


@dataclass(frozen=True, slots=True)
class ExpectDone(Line):
    """An action was called for the customer; each call is expected once."""

    action: str
    customer: str
    where: Row | None = None


@dataclass(frozen=True, slots=True)
class ExpectHas(Line):
    """A condition about the customer holds now."""

    customer: str
    condition: Expression


Expectation = Union[
    ExpectSent,
    ExpectNothing,
    ExpectNoOther,
    ExpectEnded,
    ExpectWaiting,
    ExpectMember,
    ExpectHas,
    ExpectDone,
]
Statement = Union[Given, GivenRow, Happens, After, Down, Expectation]


@dataclass(frozen=True, slots=True)
class Story:
    """One test of one journey. `clock` is the local time at which it begins.

    `case` is the name of its row, which is in the title too, if the test has a table of cases.
    """

    title: str
    journey: str
    place: Place
    clock: str
    statements: tuple[Statement, ...]
    case: str | None = None
