"""Syntax tree: what the author wrote, nothing inferred.

Nodes are frozen and compare by content: spans and comments stand outside equality, so two texts
that differ only in layout give equal trees.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Union

from cij.grammar.span import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Anything with a place in a file."""

    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name(Node):
    """An identifier; `text` is without back-quotes, in NFC."""

    text: str


# --- expressions ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text(Node):
    """`"…"` or dedented `\"\"\"…\"\"\"`, escapes resolved, in NFC."""

    value: str


@dataclass(frozen=True, slots=True)
class Number(Node):
    """`1_000` or `0.92`; `is_integer` when it was written without a decimal point."""

    value: Decimal
    is_integer: bool


@dataclass(frozen=True, slots=True)
class Boolean(Node):
    value: bool


@dataclass(frozen=True, slots=True)
class Duration(Node):
    """`7 days`; `unit` is singular: minute, hour, day, week, month or year (also second)."""

    count: int
    unit: str


@dataclass(frozen=True, slots=True)
class Money(Node):
    """`50 EUR`."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Percent(Node):
    """`20%`, as written: `value` is 20."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Date(Node):
    value: date


@dataclass(frozen=True, slots=True)
class DateTime(Node):
    """`2026-12-31 09:00`, a local time without a zone."""

    value: datetime


@dataclass(frozen=True, slots=True)
class Time(Node):
    value: time


@dataclass(frozen=True, slots=True)
class TimeRange(Node):
    """`21:00..08:00`; may pass midnight."""

    start: time
    end: time


@dataclass(frozen=True, slots=True)
class Path(Node):
    """`points`, `shop.email`, `trigger.total`."""

    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class WithinLast(Node):
    """`within last 90 days`."""

    duration: Duration


@dataclass(frozen=True, slots=True)
class Since(Node):
    """`since EXPRESSION`."""

    moment: "Expression"


@dataclass(frozen=True, slots=True)
class WindowBetween(Node):
    """`between A and B`, inside an aggregate."""

    start: "Expression"
    end: "Expression"


Window = Union[WithinLast, Since, WindowBetween]


@dataclass(frozen=True, slots=True)
class Argument(Node):
    """One argument of a call; only aggregates take a window and a filter."""

    value: "Expression"
    window: Window | None = None
    where: "Expression | None" = None


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`lower(trim(email))`, `count(purchase within last 90 days where channel = "web")`."""

    function: Path
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    """`[a, b]`."""

    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Rate(Node):
    """`1_000 per day`; `unit` as in Duration."""

    count: int
    unit: str


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`operator` is `-` or `not`."""

    operator: str
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`operator` is one of or, and, =, !=, <, <=, >, >=, contains, starts with, ??, +, -, *, /."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class InList(Node):
    """`x in [a, b]`, `x not in [a, b]`."""

    value: "Expression"
    items: ListOf
    is_negated: bool


@dataclass(frozen=True, slots=True)
class InSegment(Node):
    """`in segment employees`, `not in segment employees`."""

    segment: Name
    is_negated: bool


@dataclass(frozen=True, slots=True)
class InTop(Node):
    """`lifetime_value in top 10%`."""

    value: "Expression"
    percent: Percent
    is_negated: bool


@dataclass(frozen=True, slots=True)
class Between(Node):
    """`x between 1 and 5`, both ends included."""

    value: "Expression"
    low: "Expression"
    high: "Expression"
    is_negated: bool


@dataclass(frozen=True, slots=True)
class Known(Node):
    """`x is known`, or with `is_negated` `x is unknown`."""

    value: "Expression"
    is_negated: bool


@dataclass(frozen=True, slots=True)
class AtEntry(Node):
    """`at entry points`: the value kept at entry."""

    path: Path


Expression = Union[
    Text,
    Number,
    Boolean,
    Duration,
    Money,
    Percent,
    Date,
    DateTime,
    Time,
    TimeRange,
    Path,
    Call,
    ListOf,
    Rate,
    Unary,
    Binary,
    InList,
    InSegment,
    InTop,
    Between,
    Known,
    AtEntry,
]


# --- settings and blocks ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Setting(Node):
    """`key = value`; the key may be dotted: `consent.rewards = true`."""

    key: Path
    value: Expression


@dataclass(frozen=True, slots=True)
class Where(Node):
    """`where CONDITION`."""

    condition: Expression


@dataclass(frozen=True, slots=True)
class Except(Node):
    """`except CONDITION`, in a segment."""

    condition: Expression


@dataclass(frozen=True, slots=True)
class Add(Node):
    """`add 10 when CONDITION`, in a score."""

    amount: Expression
    condition: Expression


@dataclass(frozen=True, slots=True)
class Stage(Node):
    """`stage NAME when CONDITION`, in a lifecycle."""

    name: Name
    condition: Expression


@dataclass(frozen=True, slots=True)
class Block(Node):
    """`word argument { items }`: `fields {…}`, `from shop {…}`, `locale "en" {…}`."""

    word: Name
    argument: Name | Text | None
    items: tuple["Item", ...]


Item = Union[Setting, Where, Except, Add, Stage, Block]


# --- steps ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pattern(Node):
    """`opened(reward) where …`: an event, maybe of one labelled send, maybe filtered."""

    event: Name
    label: Name | None
    where: Expression | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledStep(Node):
    """What all steps share. The span covers the label too."""

    label: Name | None = None


Steps = tuple["Step", ...]


@dataclass(frozen=True, slots=True)
class Send(LabelledStep):
    """`send email loyal20 {…}`; `send best of (a, b)` has no channel and several messages."""

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
    """`monday`, lower case."""

    name: str


@dataclass(frozen=True, slots=True)
class WaitUntil(LabelledStep):
    """`wait until 2026-12-31 09:00`, `wait until monday at 09:00`, `wait until trigger.departure - 1 day`."""

    moment: Expression | Weekday
    at: Time | None


@dataclass(frozen=True, slots=True)
class WaitEvent(LabelledStep):
    """`wait for E(label) where … up to D {…} else {…}`."""

    pattern: Pattern
    up_to: Duration
    then: Steps
    otherwise: Steps


@dataclass(frozen=True, slots=True)
class Arm(Node):
    """`on E {…}` or `when C {…}`: exactly one of `pattern` and `condition` is there."""

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
    Emit,
    Repeat,
    Run,
    End,
]


# --- the head of a journey --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Schedule(Node):
    """`every monday at 09:00`, `every day at 09:00`, `every 2 weeks at 09:00`."""

    weekday: Weekday | None
    period: Duration | None
    at: Time


@dataclass(frozen=True, slots=True)
class EnterSegment(Node):
    segment: Name
    is_once: bool
    every: Schedule | None


@dataclass(frozen=True, slots=True)
class EnterOn(Node):
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Again(Node):
    """`again never`, `again always`, `again after D`: `rule` is never, always or after."""

    rule: str
    after: Duration | None


@dataclass(frozen=True, slots=True)
class Exit(Node):
    """`exit [NAME] on E` or `exit [NAME] when C`: exactly one of pattern and condition."""

    name: Name | None
    pattern: Pattern | None
    condition: Expression | None


@dataclass(frozen=True, slots=True)
class Goal(Node):
    """`goal NAME on E [within D] [and stay]` or `goal NAME when C …`."""

    name: Name
    pattern: Pattern | None
    condition: Expression | None
    within: Duration | None
    is_stay: bool


@dataclass(frozen=True, slots=True)
class Renamed(Node):
    """`renamed opened to looked`."""

    old: Name
    new: Name


@dataclass(frozen=True, slots=True)
class Removed(Node):
    """`removed X then go to Y | end [NAME] | finish`: `then` is `go to`, `end` or `finish`."""

    step: Name
    then: str
    target: Name | None


Header = Union[EnterSegment, EnterOn, Again, Exit, Goal, Renamed, Removed, Setting]


# --- policies and tests -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RequireConsent(Node):
    """`every send requires consent`."""


@dataclass(frozen=True, slots=True)
class Quiet(Node):
    """`quiet 21:00..08:00`."""

    hours: TimeRange


@dataclass(frozen=True, slots=True)
class AtMost(Node):
    """`at most 3 email per 7 days`, `… per calendar week`; no channel for `messages`."""

    count: int
    channel: Name | None
    per: Duration
    is_calendar: bool


@dataclass(frozen=True, slots=True)
class NeverSend(Node):
    """`never send sms when age < 18`."""

    channel: Name | None
    condition: Expression


@dataclass(frozen=True, slots=True)
class OnCapWait(Node):
    """`on cap wait`."""


Rule = Union[RequireConsent, Quiet, AtMost, NeverSend, OnCapWait, Setting]


@dataclass(frozen=True, slots=True)
class Clock(Node):
    """`clock 2026-03-02 10:00`."""

    moment: DateTime


@dataclass(frozen=True, slots=True)
class Given(Node):
    """`given customer "ana" {…}`."""

    customer: Text
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Happens(Node):
    """`event opened(reward) by "ana" {…}`, inside or without an `after`."""

    event: Name
    label: Name | None
    customer: Text
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class After(Node):
    """`after 2 days [event …]`."""

    duration: Duration
    event: Happens | None


@dataclass(frozen=True, slots=True)
class ExpectSent(Node):
    """`expect sent email M to "ana" [at T]`."""

    channel: Name
    message: Name
    customer: Text
    at: DateTime | None


@dataclass(frozen=True, slots=True)
class ExpectNothing(Node):
    """`expect nothing sent to "bob"`."""

    customer: Text


@dataclass(frozen=True, slots=True)
class ExpectEnded(Node):
    """`expect "ana" ended [as OUTCOME]`."""

    customer: Text
    outcome: Name | None


@dataclass(frozen=True, slots=True)
class ExpectWaiting(Node):
    """`expect "ana" waiting at LABEL [until T]`."""

    customer: Text
    step: Name
    until: DateTime | None


@dataclass(frozen=True, slots=True)
class ExpectMember(Node):
    """`expect "ana" [not] in segment S`."""

    customer: Text
    segment: Name
    is_negated: bool


@dataclass(frozen=True, slots=True)
class ExpectDone(Node):
    """`expect done ACTION for "ana"`."""

    action: Name
    customer: Text


Statement = Union[
    Clock,
    Given,
    Happens,
    After,
    ExpectSent,
    ExpectNothing,
    ExpectEnded,
    ExpectWaiting,
    ExpectMember,
    ExpectDone,
]


# --- declarations -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Use(Node):
    """`use std.retail`."""

    module: Path


@dataclass(frozen=True, slots=True)
class Declaration(Node):
    """Every kind whose body is settings and blocks.

    `kind` is source, profile, entity, event, enrich, measure, predict, score, segment,
    lifecycle, topic, message, action or export; `channel` is there for a message only.
    `doc` is the comment block right above, without `#`.
    """

    kind: Name
    channel: Name | None
    name: Name
    items: tuple[Item, ...]
    doc: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Journey(Node):
    name: Name
    headers: tuple[Header, ...]
    steps: Steps
    doc: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Fragment(Node):
    """`fragment NAME(a, b) {…}`: reusable steps with parameters."""

    name: Name
    parameters: tuple[Name, ...]
    steps: Steps
    doc: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Policy(Node):
    name: Name
    rules: tuple[Rule, ...]
    doc: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Test(Node):
    """`test "…" for JOURNEY {…}`."""

    title: Text
    subject: Name
    statements: tuple[Statement, ...]
    doc: str = field(default="", compare=False)


TopLevel = Union[Use, Declaration, Journey, Fragment, Policy, Test]


@dataclass(frozen=True, slots=True)
class File(Node):
    """One `.journey` file."""

    declarations: tuple[TopLevel, ...]
