"""The state of one customer in the interpreter: passages, messages, events; and the trace."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from cij.grammar import syntax
from tests.agreement.scenario import Arrival, Customer
from tests.reference_evaluator import Occurrence, Person

# The channel of calls, which are no messages.
CALL = "action"


@dataclass(frozen=True, eq=False)
class Message:
    """A message or call of a step, with its outcome and the reason if it was not sent.

    Two that look alike are two: a reaction to one is none to the other.
    """

    at: datetime
    step: str
    name: str
    outcome: str
    reason: str
    channel: str
    topic: str
    address: str | None
    locale: str | None
    parameters: tuple[tuple[str, object], ...]


@dataclass(eq=False)
class Passage:
    """A customer in a journey.

    `todo` are the steps to come, `wait` is the step at which the customer waits. An event may end
    that wait if it is not older than `counts_from` and is not `woken_by`, which ended the last one.
    """

    journey: "Journey"
    number: int
    # Its place in the order in which passages began: those of one batch are in the order of customers.
    serial: tuple[int, str, str]
    trigger: Occurrence | None
    key: str
    entered_at: datetime
    counts_from: datetime
    is_held_out: bool
    todo: tuple[Any, ...]
    wait: Any = None
    due: datetime | None = None
    woken_by: int | None = None
    entered_from: datetime = datetime.min
    entry: Person | None = None
    ended: tuple[datetime, str, str] | None = None
    visits: list[tuple[datetime, str, str]] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    conversions: dict[str, datetime] = field(default_factory=dict)
    # The fields of the events that ended waits, by the names that the waits give them.
    noted: dict[str, dict[str, Any]] = field(default_factory=dict)
    # The instant of the last move, and that of the next one while the passage is woken.
    since: datetime = datetime.min
    as_of: datetime = datetime.min


@dataclass
class Journey:
    """A declaration of a journey, with its head by kind."""

    node: syntax.Journey
    _headers: dict[type, list[Any]] = field(default_factory=dict)

    def headers(self, kind: type) -> list[Any]:
        if kind not in self._headers:
            self._headers[kind] = [h for h in self.node.headers if isinstance(h, kind)]
        return self._headers[kind]

    @cached_property
    def name(self) -> str:
        return self.node.name.text

    @cached_property
    def settings(self) -> dict[str, Any]:
        return {h.key.text: h.value for h in self.headers(syntax.Setting)}

    @cached_property
    def goals(self) -> list[syntax.Goal]:
        return self.headers(syntax.Goal)

    @cached_property
    def exits(self) -> list[syntax.Exit]:
        return self.headers(syntax.Exit)

    @cached_property
    def priority(self) -> int:
        return int(self.settings["priority"].value) if "priority" in self.settings else 0

    @cached_property
    def per(self) -> str | None:
        return self.settings["per"].text if "per" in self.settings else None


@dataclass
class CustomerState:
    """What has happened to one customer so far.

    `arrived` are all events handed in, `seen` the same for conditions. Of those that have happened, `pending` are for later in this tick,
    `upcoming` are to be processed now, in order, and `processed` are done; `raised` are those that
    journeys emitted. `about` gives the message of an interaction by `seq`.
    """

    drawn: Customer
    fields: dict[str, Any]
    consents: dict[tuple[str, str], bool]
    arrived: list[Arrival] = field(default_factory=list)
    seen: list[Occurrence] = field(default_factory=list)
    processed: list[Occurrence] = field(default_factory=list)
    pending: list[Occurrence] = field(default_factory=list)
    upcoming: list[Occurrence] = field(default_factory=list)
    raised: list[Occurrence] = field(default_factory=list)
    active: set[str] = field(default_factory=set)
    about: dict[int, Message] = field(default_factory=dict)
    consent_words: dict[tuple[str, str], list[tuple[datetime, bool]]] = field(default_factory=dict)
    segments: set[str] = field(default_factory=set)
    passages: dict[str, list[Passage]] = field(default_factory=dict)
    # Segments joined while an earlier passage kept the customer out, by journey (S7).
    rights: dict[str, str] = field(default_factory=dict)
    # Passages that have to move, and the reason for each.
    woken: list[tuple[Passage, str]] = field(default_factory=list)

    def arrive(self, arrival: Arrival, event: Occurrence) -> None:
        self.arrived.append(arrival)
        self.seen.append(event)

    def of(self, journey: Journey) -> list[Passage]:
        return self.passages.setdefault(journey.name, [])

    def next_woken(self) -> tuple[Passage, str]:
        """Take the woken passage of the journey with the highest priority."""
        best = max(passage.journey.priority for passage, _ in self.woken)
        n = next(n for n, (p, _) in enumerate(self.woken) if p.journey.priority == best)
        return self.woken.pop(n)

    @property
    def messages(self) -> list[Message]:
        return [m for passage in self.all_passages for m in passage.messages if m.channel != CALL]

    @property
    def all_passages(self) -> Iterator[Passage]:
        return (p for found in self.passages.values() for p in found)


def lines(customer: CustomerState, *, is_late: bool) -> Iterator[str]:
    """Yield the trace in the words of `running`, which writes the same lines from a store.

    In a late tick the store has one instant for all steps up to the next wait, so it is left out.
    """
    for passage in sorted(customer.all_passages, key=lambda p: (p.journey.name, p.number)):
        head = f"{passage.journey.name}/{passage.number}"
        held = " held out" if passage.is_held_out else ""
        yield (
            f"{head} entered {passage.entered_at} from {passage.entered_from} "
            f"key {passage.key!r}{held}"
        )
        for at, state, why in passage.visits:
            yield f"{head} {'' if is_late else at} {state} ({why})"
        for m in passage.messages:
            given = dict(m.parameters)
            why = f" ({m.reason})" if m.reason else ""
            yield f"{head} {m.at} message {m.step} {m.outcome}{why} {m.locale} {given}"
        yield from (f"{head} goal {name} {at}" for name, at in sorted(passage.conversions.items()))
        if passage.ended:
            at, outcome, cause = passage.ended
            yield f"{head} ended {at} as {outcome} by {cause}"
        else:
            yield f"{head} waits until {passage.due}"
