"""Waits: what begins them, and what ends them (S12, S13)."""

from datetime import datetime
from typing import Any

from cij.grammar import syntax
from tests.agreement.customer_state import CustomerState, Passage
from tests.agreement.deadlines import due
from tests.agreement.drawing_customers import DONE
from tests.agreement.goals import Goals
from tests.agreement.reading import (
    arms,
)
from tests.reference_evaluator import Occurrence


class Waits(Goals):
    """Begins waits, and finds the event, condition or timer that ends one."""

    def _rest(self, step: Any, customer: CustomerState, passage: Passage) -> None:
        zone = self.zone(customer, passage.journey)
        at = due(step, self.now, zone, lambda node: self.value(node, customer, passage))
        # S12: a past instant goes on at once.
        if at > self.now or not isinstance(step, syntax.WaitUntil):
            passage.wait, passage.due = step, at

    def _wake(
        self, customer: CustomerState, passage: Passage, steps: syntax.Steps, why: str
    ) -> None:
        passage.todo = (*steps, *passage.todo)
        passage.wait, passage.due = None, None
        passage.as_of = max(passage.since, self.now)
        customer.woken.append((passage, why))

    def _wake_by(self, customer: CustomerState, passage: Passage, event: Occurrence) -> None:
        """S13: the earliest event wins; of equal ones, the arm written first."""
        if passage.wait is None:
            return
        found = self._candidates(customer, passage, [event, *customer.upcoming])
        if found and found[0][2] == event.seq:
            self._wake_at(customer, passage, found[0][1], event, event.event)

    def _candidates(
        self, customer: CustomerState, passage: Passage, events: list[Occurrence]
    ) -> list[tuple[datetime, int, int]]:
        """Return (instant, arm, event) of all matches. A condition is tested at the first event."""
        assert passage.due is not None
        return sorted(
            (event.at, number, event.seq)
            for number, (pattern, condition, _) in enumerate(arms(passage.wait))
            for event in (events if pattern else events[:1])
            if event.at <= passage.due and self._reaches(passage, event)
            if self._matches(customer, passage, pattern, event)
            if self.holds(condition, customer, passage)
        )

    def _matches(
        self,
        customer: CustomerState,
        passage: Passage,
        pattern: syntax.Pattern | None,
        event: Occurrence,
    ) -> bool:
        if pattern is None:
            return True
        if event.event != (DONE if pattern.event.text == "done" else pattern.event.text):
            return False
        if pattern.label is not None:
            # In a loop this is the message of the same iteration.
            sent = [m for m in passage.messages if m.step == pattern.label.text]
            if not sent or customer.about.get(event.seq) is not sent[-1]:
                return False
        elif event.at < passage.counts_from or event.seq == passage.woken_by:
            return False
        return self.holds(pattern.where, customer, passage, event)

    def _wake_at(
        self, customer: CustomerState, passage: Passage, number: int, event: Occurrence, why: str
    ) -> None:
        pattern, _, steps = arms(passage.wait)[number]
        if pattern is not None and pattern.name is not None:
            passage.noted[pattern.name.text] = {"at": event.at, **event.fields}
        passage.counts_from = max(passage.counts_from, event.at)
        passage.woken_by = event.seq
        self._wake(customer, passage, steps, why)

    def _came_before(self, customer: CustomerState, passage: Passage) -> None:
        """S13: an interaction counts from the sending of its message, even if it came before the wait."""
        labelled = [p for p, *_ in arms(passage.wait) if p is not None and p.label is not None]
        past = [
            e
            for e in customer.processed
            if any(self._matches(customer, passage, p, e) for p in labelled)
        ]
        if not past:
            return
        found = self._candidates(customer, passage, [*past, *customer.upcoming])
        for _, number, seq in found[:1]:
            event = next((e for e in past if e.seq == seq), None)
            if event is not None and arms(passage.wait)[number][0] in labelled:
                self._wake_at(customer, passage, number, event, "came before")

    def _held_arm(
        self, step: Any, customer: CustomerState, passage: Passage
    ) -> syntax.Steps | None:
        """Return the steps of a condition that holds already when the wait would begin."""
        for pattern, condition, steps in arms(step):
            if pattern is None and self.holds(condition, customer, passage):
                return steps
        return None

    def _time_out(self, customer: CustomerState, passage: Passage) -> None:
        otherwise = getattr(passage.wait, "otherwise", ())
        self._wake(customer, passage, otherwise, "timer")
