"""The state of the interpreter: customers, journeys, the instant; and how conditions read it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cij.grammar import syntax
from tests.agreement.contact_rules import Rules, SuppressionList, contents
from tests.agreement.customer_state import CALL, CustomerState, Journey, Passage
from tests.agreement.entry_queue import Queue, Waiting
from tests.agreement.entry_times import EntryTimes
from tests.agreement.reading import (
    clauses,
    events_in,
    refresh,
    setting,
    zone_exists,
)
from tests.agreement.scenario import Scenario
from tests.reference_evaluator import Occurrence, Person, Row, World


@dataclass
class InterpreterState:
    """One scenario at one instant.

    `real` is the instant of the tick, `since` the one up to which everything has been done. `now` is the
    own instant of what happens: when it was due (S12). `raised` counts the events that journeys emit.
    `is_dirty` is true once a journey set a field; `stale` are the segments that are then due.
    """

    scenario: Scenario
    # The instants of ticks. Without them there is one whenever something is due.
    ticks: Sequence[datetime] | None = None
    now: datetime = datetime.min
    real: datetime = datetime.min
    since: datetime = datetime.min
    customers: list[CustomerState] = field(default_factory=list)
    looked: dict[str, datetime] = field(default_factory=dict)
    raised: int = 0
    is_dirty: bool = False
    stale: set[str] = field(default_factory=set)
    # What conditions read of a customer, by id and zone; dropped when the customer changes.
    views: dict[tuple[str, str], Person] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.journeys = [Journey(n) for n in self.scenario.nodes if isinstance(n, syntax.Journey)]
        self.everybody = [
            CustomerState(c, dict(c.fields), dict(c.consents)) for c in self.scenario.customers
        ]
        # The places of `first N` that are taken, by journey and name.
        self.taken: Counter[tuple[str, str]] = Counter()
        self.admissions = 0
        # The passages that took each arm of a split with a winner, and the arms that have won.
        self.in_arms: dict[tuple[str, str], list[tuple[str, Passage]]] = {}
        self.winners: dict[tuple[str, str], str] = {}
        self.entry_times = {j.name: EntryTimes(j, self.scenario) for j in self.journeys}
        self.queues = {j.name: Queue(j, self.entry_times[j.name].zone) for j in self.journeys}
        self.arriving: dict[str, list[Waiting]] = {}
        self.paused: set[str] = set()
        self.resumed: set[str] = set()
        self.missed: dict[tuple[str, str], list[Occurrence]] = {}
        segments = self.scenario.of_kind("segment")
        self.conditions = {n.name.text: clauses(n) for n in segments}
        self.refresh = {n.name.text: refresh(n) for n in segments}
        measures = self.scenario.of_kind("measure")
        self.measures = {n.name.text: setting(n, "value") for n in measures}
        self.entered = {
            h.segment.text for j in self.journeys for h in j.headers(syntax.EnterSegment)
        }
        self.rules = Rules([n for n in self.scenario.nodes if isinstance(n, syntax.Policy)])
        self.suppressed = SuppressionList()
        self.contents = contents(self.scenario.of_kind("message"), self.scenario.of_kind("topic"))
        nodes = [n for n in self.scenario.nodes if isinstance(n, syntax.Fragment)]
        self.fragments = {n.name.text: n for n in nodes}
        self.events = {n.name.text: events_in(n, self.conditions) for n in segments}
        arrivals = [h for c in self.scenario.customers for h in c.arrivals]
        # By the identity of the occurrence, which customers keep.
        self.arrived_at: dict[int, datetime] = {}
        self.until = datetime.min
        self.happens = {at for h in arrivals for at in (h.arrives, h.at)} | self.scenario.parting
        self.changes = {x.at for c in self.scenario.customers for x in c.changes}
        self.changes |= {c.comes for c in self.scenario.customers if c.comes}
        self.world = World(self.now, (), self.conditions, self.measures)

    def as_of(self, instant: datetime) -> None:
        """Go on as of an instant: what conditions read and waits count from."""
        if instant != self.now:
            self.now = instant
            self.world = World(instant, (), self.conditions, self.measures)
            self.views.clear()

    def own(self, event: Occurrence) -> datetime:
        """S12, S25: an event acts when it happened; one from before the last tick when it arrived."""
        if event.at >= self.since:
            return event.at
        return min(max(self.arrived_at[id(event)], self.since), self.real)

    def zone(self, customer: CustomerState, journey: Journey | None) -> str:
        """S4: the zone of the customer, else of the journey, else of the project."""
        if zone_exists(customer.fields["timezone"]):
            return str(customer.fields["timezone"])
        own = journey.settings.get("timezone") if journey else None
        return own.value if own else self.scenario.zone

    def row(
        self,
        customer: CustomerState,
        journey: Journey | None,
        trigger: Occurrence | None = None,
        event: Occurrence | None = None,
    ) -> Row:
        zone = self.zone(customer, journey)
        key = (customer.drawn.id, zone)
        if key not in self.views:
            events = tuple(event for event in customer.seen if event.at <= self.now)
            consents = dict(customer.consents)
            self.views[key] = Person(
                customer.drawn.id, zone, dict(customer.fields), consents, events
            )
        return Row(self.views[key], event, trigger)

    def holds(
        self, node: Any, customer: CustomerState, passage: Passage, event: Any = None
    ) -> bool:
        row = self.row(customer, passage.journey, passage.trigger, event)
        return node is None or self.world.holds(node, self._inside(row, customer, passage))

    def value(self, node: Any, customer: CustomerState, passage: Passage) -> Any:
        row = self.row(customer, passage.journey, passage.trigger)
        return self.world.value(node, self._inside(row, customer, passage))

    def _inside(self, row: Row, customer: CustomerState, passage: Passage) -> Row:
        return replace(row, entry=passage.entry, results=self._results(customer, passage))

    def _results(self, customer: CustomerState, passage: Passage) -> dict[str, dict[str, Any]]:
        """Return by step the latest values that the calls of a passage returned; and named events."""
        found: dict[str, dict[str, Any]] = {}
        for h in sorted(customer.arrived, key=lambda h: (h.at, h.seq)):
            call = customer.about.get(h.seq)
            if call in passage.messages and h.at <= self.now:
                known = {name: value for name, value in h.fields.items() if value is not None}
                found.setdefault(call.step, {}).update(known)
        outcomes = {m.step: {"outcome": m.outcome} for m in passage.messages if m.channel != CALL}
        return found | passage.noted | outcomes

    def _forget_view(self, customer: CustomerState) -> None:
        for key in [key for key in self.views if key[0] == customer.drawn.id]:
            del self.views[key]

    def _end(self, passage: Passage, state: str, why: str) -> None:
        # S12: what happened before the passage sent something late ends it no earlier than that.
        at = max(self.now, passage.since)
        passage.visits.append((at, state, why))
        cause, _, name = state.partition(":")
        outcome = {"goal": "converted", "exit": name.split(" #")[0]}.get(cause, state)
        passage.ended = (at, outcome, cause if name else "end")
        passage.wait, passage.due, passage.todo = None, None, ()
