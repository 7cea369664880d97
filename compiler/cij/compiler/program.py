"""The program: the only persisted form. JSON with a versioned schema and a content hash.

A minor version of the format adds fields that an older reader may ignore; a major one does not.
Conditions are typed expression trees, never SQL text. Everything is in the order of the files.
"""

import hashlib
import json
from functools import cache
from typing import Annotated, Any, Literal, Union, get_origin

from pydantic import BaseModel, Field as PydanticField

from cij.compiler.action import (
    Action as Action,
    ActionParameter as ActionParameter,
    ActionResult as ActionResult,
    done_by as done_by,
)
from cij.compiler.base_node import BaseNode as BaseNode, Place as Place
from cij.compiler.effect import (
    ArmEffect as ArmEffect,
    ConsentEffect as ConsentEffect,
    DoEffect as DoEffect,
    Effect as Effect,
    EmitEffect as EmitEffect,
    IterationEffect as IterationEffect,
    NoteEventEffect as NoteEventEffect,
    SendEffect as SendEffect,
    SetEffect as SetEffect,
    TakeEffect as TakeEffect,
    raised_by as raised_by,
)
from cij.compiler.export_part import Export as Export
from cij.compiler.expression import Expression, Period
from cij.compiler.head import (
    AgainRule as AgainRule,
    Entry as Entry,
    EventEntry as EventEntry,
    Exit as Exit,
    Goal as Goal,
    Head as Head,
    KeptField as KeptField,
    Limit as Limit,
    Removed as Removed,
    Renamed as Renamed,
    Schedule as Schedule,
    SegmentEntry as SegmentEntry,
)
from cij.compiler.outcomes import OUTCOMES as OUTCOMES
from cij.compiler.policy import Never as Never, Policy as Policy
from cij.compiler.source_table import Source as Source, SourceColumn as SourceColumn
from cij.compiler.types import Type

FORMAT_VERSION = "1.0"


# --- data -------------------------------------------------------------------------------------


class ConsentMapping(BaseNode):
    """What a source says about consent; no channel means every channel of the topic."""

    topic: str
    channel: str | None = None
    value: Expression


class Mapping(BaseNode):
    """What one source gives to the customer."""

    source: str
    fields: dict[str, Expression]
    consents: tuple[ConsentMapping, ...] = ()
    place: Place


class RenamedSource(BaseNode):
    """A source of customers had the name `old` before. `new` is its name now."""

    old: str
    new: str


class ExactMatch(BaseNode):
    """Two records are one customer when all these fields are known and equal.

    Values that more than `at_most` records have are placeholders, and join nobody (S26).
    """

    kind: Literal["exact"] = "exact"
    name: str
    fields: tuple[str, ...]
    at_most: int = 20


class Prefer(BaseNode):
    """The first source in this order that knows the field."""

    kind: Literal["prefer"] = "prefer"
    sources: tuple[str, ...]


class Latest(BaseNode):
    """The value of the record that has the latest time; `columns` maps source to its column.

    With `is_known` it is the latest record that has a value (S5). Records without a time, and those of
    other sources, come after all of these, in the order of the mappings.
    """

    kind: Literal["latest"] = "latest"
    columns: dict[str, str]
    is_known: bool = False


class Own(BaseNode):
    """The field belongs to the journeys: `set` writes it, and no source does."""

    kind: Literal["own"] = "own"


Merge = Annotated[Union[Prefer, Latest, Own], PydanticField(discriminator="kind")]


class ProfileField(BaseNode):
    name: str
    type: Type
    is_nullable: bool = True
    merge: Merge


class Profile(BaseNode):
    """The unified customer. Fields with a role by their name: email, phone, language, timezone.

    After `gone_after_s` seconds in no source the passages of a customer end (S24).
    """

    name: str
    fields: tuple[ProfileField, ...]
    mappings: tuple[Mapping, ...]
    matches: tuple[ExactMatch, ...]
    gone_after_s: int = 30 * 86400
    renamed: tuple[RenamedSource, ...] = ()
    place: Place


class EventFieldDefinition(BaseNode):
    """`value` is an expression over the source's columns; none when events come by intake only."""

    name: str
    type: Type
    value: Expression | None = None


class Entity(BaseNode):
    """Another table that customers and events relate to. Its key is the key of its source.

    `fields` have values over the columns of the source; one may lead to another entity.
    """

    name: str
    source: str
    fields: tuple[EventFieldDefinition, ...]
    place: Place


class CustomerReference(BaseNode):
    """`shop(customer_id)`: the column of the event's source holds the key of a profile source."""

    source: str
    column: str


class RecordChange(BaseNode):
    """An event is a change of a record: between two refreshes, of one of `columns` or (none) any.

    With `existing` the records that are there when the event is first known count as created.
    """

    on: Literal["created", "updated", "deleted"]
    columns: tuple[str, ...] = ()
    existing: bool = False


class Event(BaseNode):
    """Something a customer does.

    An interaction is an event with a message that was sent; it has the built-in field `channel`.
    Every event has `at`, the instant at which it happened. Only rows of the source for which `where`
    is true become events.
    """

    name: str
    source: str | None = None
    customer: CustomerReference | None = None
    at: Expression | None = None
    where: Expression | None = None
    fields: tuple[EventFieldDefinition, ...]
    record: RecordChange | None = None
    is_interaction: bool = False
    place: Place | None = None


class Measure(BaseNode):
    name: str
    value: Expression
    place: Place


class Segment(BaseNode):
    """`refresh_s`: how often a condition that depends on time is looked at again."""

    name: str
    condition: Expression
    refresh_s: int
    place: Place


# --- content ----------------------------------------------------------------------------------


class Topic(BaseNode):
    """A consent topic. `none` is for service messages that need no consent (transactional)."""

    name: str
    purpose: str
    channels: tuple[str, ...]
    consent: Literal["opt_in", "opt_out", "none"]
    place: Place


class Content(BaseNode):
    """One locale of a message. `subject` and `body` are Liquid; `format` is that of the body."""

    locale: str
    subject: str
    body: str
    format: Literal["text", "markdown", "html"]


class Message(BaseNode):
    """`locales` are in the order of the file; `fallback` is the locale when none fits.

    With `expires` it is worth nothing that long after its step, and then not sent any more.

    `parameters` are the names that a send must give; `fields` the customer's fields it reads,
    as dotted names under which the template knows them.
    """

    name: str
    channel: str
    topic: str
    sender: str | None = None
    reply_to: str | None = None
    fallback: str
    locales: tuple[Content, ...]
    parameters: tuple[str, ...]
    fields: tuple[str, ...]
    expires: Period | None = None
    place: Place


# --- journeys ---------------------------------------------------------------------------------


class AfterPeriod(BaseNode):
    """Due a period from the arrival; with `at`, at the first such local time from then on."""

    kind: Literal["after"] = "after"
    period: Period
    at: str | None = None


class UntilMoment(BaseNode):
    """Due at the instant of an expression; with `at`, at that local time of its day.

    `zone` is the zone of local times; None for that of the customer.
    """

    kind: Literal["until"] = "until"
    moment: Expression
    at: str | None = None
    zone: str | None = None


class UntilWeekday(BaseNode):
    """Due at the next such weekday (1 is Monday) at the local time, later than the arrival.

    `zone` is the zone of the local time; None for that of the customer.
    """

    kind: Literal["weekday"] = "weekday"
    weekday: int
    at: str
    zone: str | None = None


Timer = Annotated[
    Union[AfterPeriod, UntilMoment, UntilWeekday], PydanticField(discriminator="kind")
]


class Await(BaseNode):
    """An event that ends a wait. `of` is the step of the send that an interaction belongs to.

    `unit` makes the iteration of the passage comparable with that of the send: the digits below it
    belong to loops that the send is not in. `order` is the number among all arms.
    """

    event: str
    of: str | None = None
    unit: int = 1
    order: int = 0
    where: Expression | None = None
    target: str


class Condition(BaseNode):
    """A condition that ends a wait as soon as it holds. `order` is its number among all arms."""

    condition: Expression
    order: int
    target: str


class BaseState(BaseNode):
    """`id` is unique in the journey; `step` is the label or derived name of the step it is of.

    What the compiler adds by itself is hidden: neither history nor graphs show it.
    """

    id: str
    step: str
    is_hidden: bool = False
    place: Place


class WaitState(BaseState):
    """A place where a passage waits. The earliest await wins; then `timeout` at the timer (S13).

    Conditions are looked at when the customer has an event, when data changed, and in intervals.
    """

    kind: Literal["rest"] = "rest"
    timer: Timer
    awaits: tuple[Await, ...] = ()
    conditions: tuple[Condition, ...] = ()
    timeout: str


class Branch(BaseNode):
    """`why` is the text that history has for passages that take it; without one, the number."""

    guard: Expression
    target: str
    why: str = ""


class DecideState(BaseState):
    """The first branch whose guard holds, else `otherwise`."""

    kind: Literal["decide"] = "decide"
    branches: tuple[Branch, ...]
    otherwise: str


class ActState(BaseState):
    """One effect, then on."""

    kind: Literal["act"] = "act"
    effect: Effect
    target: str


class EndState(BaseState):
    """`cause` distinguishes an `end` step, an exit and a goal."""

    kind: Literal["end"] = "end"
    outcome: str
    cause: Literal["end", "exit", "goal"] = "end"


State = Annotated[
    Union[WaitState, DecideState, ActState, EndState], PydanticField(discriminator="kind")
]


class Journey(Head):
    """A state machine with its head. `version` is the hash of all that decides what happens (S21)."""

    goals: tuple[Goal, ...] = ()
    exits: tuple[Exit, ...] = ()
    start: str
    states: tuple[State, ...]
    place: Place

    def state(self, id: str) -> "State":
        """Return the state `id`, which is known to be there."""
        return next(s for s in self.states if s.id == id)


class Program(BaseNode):
    """A whole project, compiled. `timezone` is the project's, the last resort of S4.

    `region` is that of phone numbers without a country code (S29).
    """

    format_version: str = FORMAT_VERSION
    project: str
    timezone: str
    region: str | None = None
    sources: tuple[Source, ...]
    profile: Profile
    events: tuple[Event, ...]
    measures: tuple[Measure, ...]
    segments: tuple[Segment, ...]
    topics: tuple[Topic, ...]
    messages: tuple[Message, ...]
    actions: tuple[Action, ...] = ()
    journeys: tuple[Journey, ...]
    entities: tuple[Entity, ...] = ()
    policies: tuple[Policy, ...] = ()
    exports: tuple[Export, ...] = ()
    hash: str = ""


def canonical(part: Any) -> str:
    """Return the JSON text that hashes are taken of: sorted keys, no places, docs, hashes, defaults."""
    return json.dumps(
        _without_places(part), sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )


def content_hash(part: Any) -> str:
    """Return the sha-256 of the canonical text of pydantic parts, or lists and dicts of them."""
    return hashlib.sha256(canonical(part).encode()).hexdigest()


_NOT_HASHED = {"place", "doc", "hash", "version"}


def _without_places(value: Any) -> Any:
    # Only parts lose these names: a dict may hold an author's field that is called `version`.
    if isinstance(value, BaseModel):
        kept: dict[str, Any] = {}
        for name, is_tag, default in _hashed(type(value)):
            inner = getattr(value, name)
            if (is_tag and isinstance(inner, str)) or inner != default:
                kept[name] = inner if isinstance(inner, str) else _without_places(inner)
        return kept
    if isinstance(value, dict):
        return {k: _without_places(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_places(v) for v in value]
    return value


@cache
def _hashed(part: type[BaseModel]) -> tuple[tuple[str, bool, Any], ...]:
    """Return what to hash of a part: name, whether it may be a tag, and the default left out.

    A default is left out so that a field which a later format adds changes no version of what does
    not use it. A tag has a default and says what a part is. Nothing equals the default of a field
    that has none.
    """
    return tuple(
        (name, get_origin(field.annotation) is Literal, field.default)
        for name, field in part.model_fields.items()
        if name not in _NOT_HASHED
    )


def to_json(program: Program) -> str:
    """Return the program as the text of a `.json` file, stable for equal programs."""
    return program.model_dump_json(indent=2, exclude_none=True) + "\n"


def from_json(text: str) -> Program:
    """Read what `to_json` wrote. Raises pydantic.ValidationError on any other text."""
    return Program.model_validate_json(text)
