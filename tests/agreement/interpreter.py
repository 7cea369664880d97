"""The reference interpreter of journeys: S4 to S23 to the letter, one customer at a time.

    Interpreter(scenario).run()

It walks the syntax tree of a journey step by step and event by event, with Python's own calendar.
It shares no code with lowering, plans or SQL. `reference_evaluator` evaluates the conditions.

The class is built in layers, each a module: state, sending, goals, waits, walking, entering.
"""

from datetime import datetime

from tests.agreement.customer_state import CALL, CustomerState, Passage, lines
from tests.agreement.drawing_customers import DONE
from tests.agreement.entering import Entering
from tests.agreement.reading import (
    arms,
    exit_state,
    occurrence_of,
)
from tests.agreement.scenario import Arrival
from tests.reference_evaluator import Occurrence, World


class Interpreter(Entering):
    """Goes from instant to instant, and at each instant from customer to customer."""

    def run(self) -> dict[str, list[str]]:
        """Return the trace of each customer."""
        self.moment(self.scenario.start)
        while (at := self._next()) is not None and at <= self.scenario.end:
            self.moment(at)
        return {customer.drawn.id: list(lines(customer)) for customer in self.customers}

    def _next(self) -> datetime | None:
        found = [*self.happens, *self.changes, *(order.at for order in self.scenario.orders)]
        found += [
            p.due
            for customer in self.customers
            for p in customer.all_passages
            if p.due and not p.ended
        ]
        found += [self._next_look(name) for name in self.entered]
        found += [at for times in self.entry_times.values() for at in times.instants]
        found += [at for q in self.queues.values() if (at := q.next_period(self.now)) is not None]
        return min((at for at in found if at > self.now), default=None)

    def moment(self, now: datetime) -> None:
        """Do all that happens at one instant, until no journey emits or sets anything more."""
        before, self.now = self.now, now
        self.world = World(now, (), self.conditions, self.measures)
        self.views.clear()
        for customer in self.customers:
            self._change(customer, before)
            self._arrive(customer, before)
        self.is_dirty = now in self.changes
        is_refreshed, is_first = self.is_dirty, True
        self._obey()
        while True:
            self._take_in()
            self._settle(is_refreshed, is_first)
            is_refreshed = is_first = False
            if not self.is_dirty and not any(customer.raised for customer in self.customers):
                return

    def _settle(self, is_refreshed: bool, is_first: bool) -> None:
        is_dirty, self.is_dirty = self.is_dirty, False
        joined = self._look(is_dirty, is_first)
        for customer in self.customers:
            if is_refreshed:
                self._new_data(customer)
            if is_dirty:
                self._watch(customer)
                self._go(customer)
            self._join(customer, joined[customer.drawn.id], is_first)
        for queue in self.queues.values():
            self._let_in(queue)
        for customer in self.customers:
            self._timers(customer)

    def _change(self, customer: CustomerState, before: datetime) -> None:
        for change in customer.drawn.changes:
            if before < change.at <= self.now:
                customer.fields |= change.fields
                customer.consents |= change.consents

    def _obey(self) -> None:
        """S22, S23."""
        for order in self.scenario.orders:
            if order.at == self.now and self.entry_times[order.journey].stopped_at is None:
                {"pause": self.paused.add, "resume": self._resume, "stop": self._stop}[order.word](
                    order.journey
                )

    def _resume(self, name: str) -> None:
        """Events of the pause end waits now, in the order of their times."""
        self.paused.discard(name)
        for customer in self.customers:
            fresh, missed = customer.upcoming, self.missed.pop((name, customer.drawn.id), [])
            customer.upcoming = sorted(missed, key=lambda e: (e.at, e.seq))
            while customer.upcoming:
                event = customer.upcoming.pop(0)
                for passage in customer.passages.get(name, []):
                    if not passage.ended and self._reaches(passage, event):
                        self._wake_by(customer, passage, event)
                self._go(customer)
            customer.upcoming = fresh

    def _stop(self, name: str) -> None:
        """End all passages of the journey, and empty its queue."""
        self.entry_times[name].stopped_at = self.now
        self.paused.discard(name)
        for customer in self.customers:
            for passage in customer.passages.get(name, []):
                if not passage.ended:
                    passage.ended = (self.now, "stopped", "stopped")
                    passage.wait, passage.due, passage.todo = None, None, ()

    def _arrive(self, customer: CustomerState, before: datetime) -> None:
        for arrival in customer.drawn.arrivals:
            if before < arrival.arrives <= self.now:
                customer.arrived.append(arrival)
                self._note(customer, arrival)
                about = customer.about.get(arrival.seq)
                self.suppressed.follow(arrival, customer.drawn.id, about, customer.fields)
        fresh = [
            h
            for h in customer.arrived
            if h.at <= self.now and (h.arrives > before or h.at > before)
        ]
        customer.upcoming = [occurrence_of(h) for h in sorted(fresh, key=lambda h: (h.at, h.seq))]

    def _take_in(self) -> None:
        """Process the events of this instant; events that these make journeys emit come afterwards.

        Customers affect each other only in the queue of a limit. So each round processes one event
        of every customer, and then the queues.
        """
        for customer in self.customers:
            customer.upcoming, customer.raised = [*customer.upcoming, *customer.raised], []
            customer.active = {event.event for event in customer.upcoming}
        while moving := [customer for customer in self.customers if customer.upcoming]:
            for customer in moving:
                event = customer.upcoming.pop(0)
                customer.processed.append(event)
                for passage in [p for journey in self.journeys for p in customer.of(journey)]:
                    self._react(customer, passage, event)
                self._go(customer)
                self._leave_queues(customer, event)
            for customer in moving:
                for journey in self.journeys:
                    self._enter_on(customer, journey, customer.processed[-1])
            for queue in self.queues.values():
                self._let_in(queue)
            for customer in moving:
                self._go(customer)

    def _note(self, customer: CustomerState, arrival: Arrival) -> None:
        if arrival.about is not None:
            sent = sorted(
                (m.at, p.journey.name, m.step, p.number, m)
                for p in customer.all_passages
                for m in p.messages
                if m.outcome == "delivered" and m.at < self.now
                if (m.channel == CALL) == (arrival.name == DONE)
            )
            if sent:
                customer.about[arrival.seq] = sent[arrival.about % len(sent)][-1]
        granted = {"subscribed": True, "unsubscribed": False}.get(arrival.name)
        if granted is None:
            return
        # S20: consent changes at once. The latest event counts; of two at one instant, the refusal.
        for topic, channel in customer.consents:
            said, by = arrival.fields.get("topic"), arrival.fields.get("channel")
            if said in (None, topic) and by in (None, channel):
                words = customer.consent_words.setdefault((topic, channel), [])
                words.append((arrival.at, not granted))
                customer.consents[topic, channel] = not max(words)[1]

    def _react(self, customer: CustomerState, passage: Passage, event: Occurrence) -> None:
        """S8: goals first, then exits, then the wait of the passage."""
        if event.at >= passage.entered_from and event is not passage.trigger:
            reached = [g for g in passage.journey.goals if self._reach(g, customer, passage, event)]
            if passage.ended:
                return
            for goal in reached:
                if not goal.is_stay:
                    why = event.event if goal.pattern else goal.name.text
                    return self._end(passage, f"goal:{goal.name.text}", why)
            for n, leave in enumerate(passage.journey.exits):
                if self._is_left(leave, customer, passage, event):
                    return self._end(passage, exit_state(passage.journey, n), event.event)
        if passage.journey.name in self.paused:
            missed = self.missed.setdefault((passage.journey.name, customer.drawn.id), [])
            missed += [event] * (event not in missed)
        elif not passage.ended and self._reaches(passage, event):
            self._wake_by(customer, passage, event)
        return None

    def _watch(self, customer: CustomerState) -> None:
        """Test the conditions of waits, after data changed."""
        for passage in [p for p in customer.all_passages if p.journey.name not in self.paused]:
            for pattern, condition, steps in arms(passage.wait):
                if pattern is None and self.holds(condition, customer, passage):
                    passage.counts_from, passage.woken_by = self.now, None
                    self._wake(customer, passage, steps, "condition")
                    break

    def _timers(self, customer: CustomerState) -> None:
        """End the waits whose timer is over. Customers who entered now move with them."""
        while True:
            for passage in [p for p in customer.all_passages if p.journey.name not in self.paused]:
                if not passage.ended and passage.due and passage.due <= self.now:
                    passage.counts_from, passage.woken_by = self.now, None
                    self._time_out(customer, passage)
            if not customer.woken:
                return
            self._go(customer)
