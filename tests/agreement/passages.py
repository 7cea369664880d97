"""Who is where: a customer in a journey, and the trace that he leaves."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from cij.grammar import syntax
from tests.agreement.tale import Customer, Happening
from tests.reference_evaluator import Occurrence, Person

# The channel of what is no message.
CALL = "action"


@dataclass(frozen=True)
class Message:
    """A message that a step queued, or why it did not; or a call."""

    at: datetime
    step: str
    outcome: str
    reason: str
    channel: str
    topic: str
    address: str | None
    locale: str | None
    parameters: tuple[tuple[str, object], ...]


@dataclass(eq=False)
class Passage:
    """A customer in a journey. `todo` are the steps ahead; `rest` the one where he waits."""

    journey: "Journey"
    number: int
    trigger: Occurrence | None
    key: str
    entered_at: datetime
    counts_from: datetime
    is_held_out: bool
    todo: tuple[Any, ...]
    rest: Any = None
    due: datetime | None = None
    woken_by: int | None = None
    entered_from: datetime = datetime.min
    entry: Person | None = None
    ended: tuple[datetime, str, str] | None = None
    visits: list[tuple[datetime, str, str]] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    conversions: dict[str, datetime] = field(default_factory=dict)


@dataclass
class Journey:
    """The declaration, with its head sorted out."""

    node: syntax.Journey

    def headers(self, kind: type) -> list[Any]:
        return [h for h in self.node.headers if isinstance(h, kind)]

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
class Life:
    """What there is about one customer so far. `taken` are events whose turn has come."""

    customer: Customer
    fields: dict[str, Any]
    consents: dict[tuple[str, str], bool]
    arrived: list[Happening] = field(default_factory=list)
    taken: list[Occurrence] = field(default_factory=list)
    ahead: list[Occurrence] = field(default_factory=list)
    raised: list[Occurrence] = field(default_factory=list)
    active: set[str] = field(default_factory=set)
    about: dict[int, Message] = field(default_factory=dict)
    words: dict[tuple[str, str], list[tuple[datetime, bool]]] = field(default_factory=dict)
    segments: set[str] = field(default_factory=set)
    passages: dict[str, list[Passage]] = field(default_factory=dict)
    # Who is woken and has not moved yet, and why.
    woken: list[tuple[Passage, str]] = field(default_factory=list)

    def of(self, journey: Journey) -> list[Passage]:
        return self.passages.setdefault(journey.name, [])

    def foremost(self) -> tuple[Passage, str]:
        """Take who goes next of those who are woken: first whose journey comes before others."""
        best = max(passage.journey.priority for passage, _ in self.woken)
        n = next(n for n, (p, _) in enumerate(self.woken) if p.journey.priority == best)
        return self.woken.pop(n)

    @property
    def messages(self) -> list[Message]:
        return [m for passage in self.all for m in passage.messages if m.channel != CALL]

    @property
    def all(self) -> Iterator[Passage]:
        return (p for found in self.passages.values() for p in found)


def lines(life: Life) -> Iterator[str]:
    for passage in sorted(life.all, key=lambda p: (p.journey.name, p.number)):
        head = f"{passage.journey.name}/{passage.number}"
        held = " held out" if passage.is_held_out else ""
        yield (
            f"{head} entered {passage.entered_at} from {passage.entered_from} "
            f"key {passage.key!r}{held}"
        )
        yield from (f"{head} {at} {state} ({why})" for at, state, why in passage.visits)
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
