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
from tests.reference_evaluator import Occurrence


class Interpreter(Entering):
    """Goes from instant to instant, and at each instant from customer to customer."""

    def run(self) -> dict[str, list[str]]:
        """Return the trace of each customer."""
        if self.ticks is None:
            self.moment(self.scenario.start)
            while (at := self._next()) is not None and at <= self.scenario.end:
                self.moment(at)
        for at in self.ticks or ():
            self.moment(at)
        is_late = self.ticks is not None
        return {c.drawn.id: list(lines(c, is_late=is_late)) for c in self.everybody}

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
        found += self.next_rights()
        return min((at for at in found if at > self.real), default=None)

    def moment(self, now: datetime) -> None:
        """Do all that happens in one tick, until no journey emits anything more."""
        before, self.real = self.real, now
        self.as_of(now)
        self.customers = [c for c in self.everybody if (c.drawn.comes or now) <= now]
        for customer in self.customers:
            self._change(customer, before)
            self._arrive(customer, before)
        is_refreshed = any(before < at <= now for at in self.changes)
        self.is_dirty = is_refreshed or self.is_dirty
        self._obey()
        while (at := self._missed()) is not None:
            self._step(at, False)
        self._step(now, is_refreshed)
        self._deliver()

    def _deliver(self) -> None:
        """What has left is an event of the next tick, and what changed since the customer's last
        event may meet a goal then (S8)."""
        for customer in self.customers:
            for m in customer.messages:
                if m.outcome == "delivered" and m.at == self.real:
                    self.raised += 1
                    event = occurrence_of(Arrival(m.at, m.at, "delivered", 10**6 + self.raised, {}))
                    customer.pending.append(event)
                    self.arrived_at[id(event)] = m.at

    def _missed(self) -> datetime | None:
        """S12: return the next instant of a schedule or a limit that a late tick has to make up."""
        if self.ticks is None or self.since == datetime.min:
            return None
        live = [j.name for j in self.journeys if self.entry_times[j.name].stopped_at is None]
        found = [
            self.queues[name].next_room(self.since)
            for name in live
            if self.entry_times[name].is_begun and name not in self.paused
        ]
        found += [at for name in live for at in self.entry_times[name].called_at]
        return min((at for at in found if at and self.since < at < self.real), default=None)

    def _step(self, at: datetime, is_refreshed: bool) -> None:
        self.until, is_first = at, True
        for customer in self.customers:
            customer.active = set()
            customer.upcoming = [e for e in customer.pending if self.own(e) <= at]
            customer.pending = [e for e in customer.pending if self.own(e) > at]
        while True:
            self._take_in(at)
            self.as_of(at)
            self._settle(is_refreshed, is_first)
            is_refreshed = is_first = False
            is_over = at < self.real or not self._is_more()
            if is_over and not (self.is_dirty and self.ticks is None):
                break
            for customer in self.customers:
                customer.active = set()
        for customer in self.customers:
            # What is emitted as of an instant that is made up is an event of the rest of the tick.
            customer.pending, customer.raised = [*customer.pending, *customer.raised], []
        self.since = at
        for times in self.entry_times.values():
            times.is_begun |= times.is_open(at)

    def _is_more(self) -> bool:
        """Tell whether something was emitted, or a passage ended that kept its customer out (S7)."""
        if any(customer.raised for customer in self.customers):
            return True
        return any(at <= self.real for at in self.next_rights())

    def _settle(self, is_refreshed: bool, is_first: bool) -> None:
        is_dirty, is_last = self.is_dirty, self.now == self.real
        joined = self._look(is_dirty, is_first)
        self.is_dirty = is_dirty and not is_last
        for customer in self.customers if is_refreshed else ():
            self._new_data(customer)
        if is_dirty and is_last:
            for customer in self.customers:
                self._watch(customer)
            self._go_all(self.customers)
            self.as_of(self.until)
        doors = [*self._doors(is_first)]
        for customer in self.customers:
            self._join(customer, joined[customer.drawn.id], doors)
        for queue in self.queues.values():
            if self.entry_times[queue.journey.name].is_open(self.until):
                self._let_in(queue, self.until, self.until)
                self.as_of(self.until)
            else:
                self.arriving.pop(queue.journey.name, None)
                queue.line.clear()
        self._timers()

    def _change(self, customer: CustomerState, before: datetime) -> None:
        for change in customer.drawn.changes:
            if before < change.at <= self.now:
                customer.fields |= change.fields
                customer.consents |= change.consents

    def _obey(self) -> None:
        """S22, S23."""
        self.resumed.clear()
        for order in self.scenario.orders:
            if order.at == self.now and self.entry_times[order.journey].stopped_at is None:
                {"pause": self.paused.add, "resume": self._resume, "stop": self._stop}[order.word](
                    order.journey
                )

    def _resume(self, name: str) -> None:
        """Events of the pause end waits now, in the order of their times."""
        self.paused.discard(name)
        self.resumed.add(name)
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
                customer.arrive(arrival, occurrence_of(arrival))
                self._note(customer, arrival)
                about = customer.about.get(arrival.seq)
                self.suppressed.follow(arrival, customer.drawn.id, about, customer.fields)
        fresh = [
            h
            for h in customer.arrived
            if h.at <= self.now and (h.arrives > before or h.at > before)
        ]
        for h in fresh:
            customer.pending.append(occurrence_of(h))
            self.arrived_at[id(customer.pending[-1])] = h.arrives

    def _take_in(self, until: datetime) -> None:
        """Process events up to an instant and timers before it, in the order of their time for each
        customer (S12); events that these make journeys emit as well.

        Customers affect each other only in the queue of a limit. So each round processes one event
        of every customer, and then the queues.
        """
        for customer in self.customers:
            customer.active |= {event.event for event in customer.upcoming}
        while True:
            for customer in self.customers:
                customer.active |= {event.event for event in customer.raised}
                mine = [*customer.upcoming, *customer.raised]
                customer.upcoming = sorted(mine, key=lambda e: (self.own(e), e.at, e.seq))
                customer.raised = []
            moving = [customer for customer in self.customers if customer.upcoming]
            if moving:
                # Not `any`: the timers of all of them come before the round.
                woken = [self._timers_before(c, self.own(c.upcoming[0])) for c in moving]
                self._go_all(moving)
                if not any(woken):
                    self._round(moving)
                continue
            # Not `any` here either: everybody's first timers go together.
            woken = [self._timers_before(c, until) for c in self.customers]
            if not any(woken):
                return
            self._go_all(self.customers)

    def _timers_before(self, customer: CustomerState, until: datetime) -> bool:
        """End the waits whose timer was over first, if that was before an instant."""
        due = {
            p: self._own_of_timer(p)
            for p in customer.all_passages
            if not p.ended and p.due and p.due <= self.real and p.journey.name not in self.paused
        }
        first = min(due.values(), default=until)
        if first >= until:
            return False
        self.as_of(first)
        for passage in [p for p, at in due.items() if at == first]:
            passage.counts_from, passage.woken_by = first, None
            self._time_out(customer, passage)
        return True

    def _own_of_timer(self, passage: Passage) -> datetime:
        """S22: what fell due in a pause happens when the journey goes on."""
        assert passage.due is not None
        is_resumed = passage.journey.name in self.resumed
        return self.real if is_resumed else max(passage.due, self.since)

    def _round(self, moving: list[CustomerState]) -> None:
        last = max(self.own(customer.upcoming[0]) for customer in moving)
        for customer in moving:
            event = customer.upcoming.pop(0)
            customer.processed.append(event)
            self.as_of(self.own(event))
            for passage in [p for journey in self.journeys for p in customer.of(journey)]:
                self._react(customer, passage, event)
        self._go_all(moving)
        for customer in moving:
            event = customer.processed[-1]
            self.as_of(self.own(event))
            self._leave_queues(customer, event)
        for customer in moving:
            self.as_of(self.own(customer.processed[-1]))
            for journey in self.journeys:
                self._enter_on(customer, journey, customer.processed[-1])
        for queue in [q for q in self.queues.values() if q.journey.name in self.arriving]:
            self._let_in(queue, last, self.since)
        self._go_all(moving)

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
                # A refusal works at once, whatever time it or an earlier consent is dated.
                said_yes = [] if granted else [at for at, is_no in words if not is_no]
                words.append((max([arrival.at, *said_yes]), not granted))
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

    def _timers(self) -> None:
        """End the waits whose timer is over. Customers who entered now move with them."""
        while True:
            for customer in self.customers:
                self._time_out_all(customer)
            if not any(customer.woken for customer in self.customers):
                return
            self._go_all(self.customers)

    def _time_out_all(self, customer: CustomerState) -> None:
        for passage in [p for p in customer.all_passages if p.journey.name not in self.paused]:
            # S22: what fell due in a pause happens when the journey goes on.
            is_later = passage.journey.name in self.resumed and self.until < self.real
            is_due = not passage.ended and passage.due and passage.due <= self.until
            if is_due and not is_later:
                self.as_of(self.until)
                passage.counts_from, passage.woken_by = self.now, None
                self._time_out(customer, passage)
