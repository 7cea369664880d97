"""Entering a journey: S6, S7, and the queue in front of a limit."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from fractions import Fraction

from cij.grammar import syntax
from tests.agreement.customer_state import CustomerState, Journey, Passage
from tests.agreement.entry_queue import Queue, Waiting
from tests.agreement.entry_times import EntryTimes
from tests.agreement.reading import (
    as_text,
    is_within,
)
from tests.agreement.walking import Walking
from tests.reference_evaluator import Occurrence, stepped


class Entering(Walking):
    """Decides who enters a journey, and when."""

    def _enter_on(self, customer: CustomerState, journey: Journey, event: Occurrence) -> None:
        times = self.entry_times[journey.name]
        if event.at < times.opens or event.at >= times.closes or not times.is_open(self.now):
            return
        row = self.row(customer, journey, None, event)
        for header in journey.headers(syntax.EnterOn):
            where = header.pattern.where
            is_this = header.pattern.event.text == event.event
            if is_this and (where is None or self.world.holds(where, row)):
                key = as_text(event.fields[journey.per]) if journey.per else ""
                self._enqueue(journey, Waiting(customer, key, event.at, self.now, event))
                return

    def _look(self, is_dirty: bool, is_first: bool) -> dict[str, list[str]]:
        """Evaluate the segments, and return which ones each customer joined.

        All customers are evaluated when the refresh of a segment is due or a customer changed;
        else only those who had an event that the segment uses. At an instant that a late tick makes up,
        only segments are looked at that a schedule calls or an event touches.
        """
        joined: dict[str, list[str]] = {customer.drawn.id: [] for customer in self.customers}
        wanted = {
            s
            for d in self.entry_times.values()
            if self.now in d.called_at or self._begins(d)
            for s in d.segments
        }
        if is_dirty:
            self.stale |= self.entered
        for name in sorted(self.entered):
            is_touched = any(c.active & self.events[name] for c in self.customers)
            if self.now < self.real and name not in wanted and not is_touched:
                continue
            is_due = (
                (is_first and name in wanted)
                or name not in self.looked
                or self.now >= self._next_look(name)
            )
            is_due = is_due or name in self.stale
            self.stale.discard(name)
            if is_due:
                self.looked[name] = self.now
            for customer in self.customers:
                if is_due or customer.active & self.events[name]:
                    joined[customer.drawn.id] += self._member(customer, name)
        return joined

    def _begins(self, times: EntryTimes) -> bool:
        """Tell whether a journey begins: now, or at the first tick after its start."""
        return times.is_open(self.now) and not times.is_begun

    def _member(self, customer: CustomerState, name: str) -> list[str]:
        """Evaluate one segment for one customer. Return it if the customer joined."""
        is_in, was_in = self.world.is_in(name, self.row(customer, None)), name in customer.segments
        (customer.segments.add if is_in else customer.segments.discard)(name)
        return [name] if is_in and not was_in else []

    def _next_look(self, name: str) -> datetime:
        return self.looked[name] + self.refresh[name]

    def _doors(self, is_first: bool) -> Iterator[tuple[Journey, syntax.EnterSegment, bool]]:
        """Yield the ways into journeys from segments that are open now (S6), and whether each is for
        all members, as at the start or on schedule, or for those who join."""
        for journey in self.journeys:
            times = self.entry_times[journey.name]
            is_start = is_first and self._begins(times)
            for header in journey.headers(syntax.EnterSegment) if times.is_open(self.now) else ():
                if header.every is not None:
                    if is_first and times.is_called(header, self.now):
                        yield journey, header, True
                elif is_start or not header.is_once:
                    yield journey, header, is_start

    def _join(
        self,
        customer: CustomerState,
        joined: list[str],
        doors: Sequence[tuple[Journey, syntax.EnterSegment, bool]],
    ) -> None:
        for journey in self.journeys if customer.rights else ():
            self._use_right(customer, journey)
        for journey, header, is_for_members in doors:
            name = header.segment.text
            if name not in (customer.segments if is_for_members else joined):
                continue
            if header.every is None and self._is_kept_out(customer, journey):
                customer.rights.setdefault(journey.name, name)
            else:
                self._enqueue(journey, Waiting(customer, "", self.now, self.now, None, name))

    def _is_kept_out(self, customer: CustomerState, journey: Journey) -> bool:
        """S7: tell whether an earlier passage keeps a customer out, but not for good."""
        again = journey.headers(syntax.Again)
        if not again or again[0].rule == "never":
            return False
        return any(self._blocks(p, customer) for p in customer.of(journey))

    def _use_right(self, customer: CustomerState, journey: Journey) -> None:
        """S7: the right lasts while the customer stays in the segment, and is used as soon as possible.

        Instants that a late tick makes up (S12) are those of schedules and limits: no right is used there.
        """
        name = customer.rights.get(journey.name)
        if name is None:
            return
        if name not in customer.segments:
            del customer.rights[journey.name]
        elif (
            self.now == self.real
            and not self._is_kept_out(customer, journey)
            and self._admits(journey)
        ):
            del customer.rights[journey.name]
            waiting = Waiting(customer, "", self.now, self.now, None, name)
            self._enqueue(journey, waiting)

    def _admits(self, journey: Journey) -> bool:
        return journey.name not in self.paused and self.entry_times[journey.name].is_open(self.now)

    def next_rights(self) -> Iterator[datetime]:
        """Yield when each right becomes free that somebody has."""
        for customer in [c for c in self.customers if c.rights]:
            found = (self._next_right(customer, journey) for journey in self.journeys)
            yield from (at for at in found if at)

    def _next_right(self, customer: CustomerState, journey: Journey) -> datetime | None:
        """Return when a right becomes free; None while it waits for the end of a passage."""
        passages = customer.of(journey)
        is_open = journey.name not in self.paused and self.entry_times[journey.name].is_open(
            self.real
        )
        if journey.name not in customer.rights or not is_open:
            return None
        ends = [p.ended[0] for p in passages if p.ended]
        if len(ends) < len(passages):
            return None
        after = journey.headers(syntax.Again)[0].after
        last = max(ends)
        found = stepped(last, after, 1, self.zone(customer, journey)) if after else last
        assert isinstance(found, datetime)
        return found

    def _enqueue(self, journey: Journey, waiting: Waiting) -> None:
        self.arriving.setdefault(journey.name, []).append(waiting)

    def _let_in(self, queue: Queue, now: datetime, earliest: datetime) -> None:
        """Let customers enter in order while the limit has room: when they came, or at `earliest`."""
        self.admissions += 1
        is_waiting = bool(queue.line) or queue.rate is not None
        queue.add(self.arriving.pop(queue.journey.name, []))
        if self.entry_times[queue.journey.name].stopped_at is not None:
            queue.line.clear()
        is_settled = earliest == now == self.real
        if queue.journey.name in self.resumed and is_waiting and not is_settled:
            # S22: not as of an instant in the pause.
            return
        if queue.journey.name in self.paused:
            return
        earliest = max(earliest, queue.begin(now))
        while queue.line and queue.has_room(now):
            first = queue.line.pop(0)
            as_of = max(first.since, earliest)
            self.as_of(as_of)
            if self._may_enter(queue.journey, first):
                queue.entered.append(as_of)
                at = first.at if first.since == as_of else as_of
                self._admit(first.customer, queue.journey, first.trigger, first.key, at)

    def _leave_queues(self, customer: CustomerState, event: Occurrence) -> None:
        """Drop waiting customers whose event is one of a goal or an exit."""
        for queue in self.queues.values():
            mine = [w for w in queue.line if w.customer is customer and event.at >= w.at]
            queue.leave([w for w in mine if self._is_over(queue, w, event)])

    def _is_over(self, queue: Queue, waiting: Waiting, event: Occurrence) -> bool:
        passage = queue.passage(waiting, self.now)
        goals, exits = queue.journey.goals, queue.journey.exits
        patterns = [*(g.pattern for g in goals if not g.is_stay), *(e.pattern for e in exits)]
        return any(p and self._fits(p, waiting.customer, passage, event) for p in patterns)

    def _may_enter(self, journey: Journey, waiting: Waiting) -> bool:
        customer = waiting.customer
        if waiting.segment is not None and waiting.segment not in customer.segments:
            return False
        before = [p for p in customer.of(journey) if p.key == waiting.key or not journey.per]
        if any(self._blocks(p, customer) for p in before):
            return False
        suppress = journey.settings.get("suppress")
        row = self.row(customer, journey, waiting.trigger)
        return suppress is None or not self.world.holds(suppress, row)

    def _admit(
        self,
        customer: CustomerState,
        journey: Journey,
        trigger: Occurrence | None,
        key: str,
        at: datetime,
    ) -> None:
        number = len(customer.of(journey)) + 1
        share = journey.settings.get("holdout")
        is_held_out = share is not None and is_within(
            f"holdout {journey.name}", customer.drawn.id, Fraction(0), Fraction(share.value) / 100
        )
        serial = self.admissions, customer.drawn.id, key
        passage = Passage(journey, number, serial, trigger, key, self.now, at, is_held_out, ())
        passage.entered_from = at
        passage.entry = self.row(customer, journey).person
        passage.woken_by = trigger.seq if trigger else None
        passage.since = self.now
        customer.of(journey).append(passage)
        self._wake(customer, passage, journey.node.steps, "entered")

    def _blocks(self, passage: Passage, customer: CustomerState) -> bool:
        """S7."""
        again = passage.journey.headers(syntax.Again)
        if not again or again[0].rule == "never" or passage.ended is None:
            return True
        if again[0].rule == "always":
            # It sent something late, at the real instant: they were still inside.
            return passage.ended[0] > self.now
        zone = self.zone(customer, passage.journey)
        return bool(stepped(passage.ended[0], again[0].after, 1, zone) > self.now)
