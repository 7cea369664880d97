"""Goals and exits: S8."""

from datetime import datetime

from cij.grammar import syntax
from tests.agreement.customer_state import CustomerState, Passage
from tests.agreement.reading import (
    as_text,
    exit_state,
)
from tests.agreement.sending import Sending
from tests.reference_evaluator import Occurrence, stepped


class Goals(Sending):
    """Decides whether an event or a condition reaches a goal or an exit."""

    def _reaches(self, passage: Passage, event: Occurrence) -> bool:
        per = passage.journey.per
        if per is None or per not in event.fields:
            return True
        return event.fields[per] is not None and as_text(event.fields[per]) == passage.key

    def _reach(
        self, goal: syntax.Goal, customer: CustomerState, passage: Passage, event: Occurrence
    ) -> bool:
        """Return whether this event reaches the goal, and keep the conversion. A goal is reached once."""
        if not self._is_open(goal, customer, passage, event.at):
            return False
        if goal.pattern is None:
            is_reached = self.holds(goal.condition, customer, passage)
        else:
            is_reached = self._fits(goal.pattern, customer, passage, event)
        if is_reached:
            passage.conversions[goal.name.text] = event.at
        return is_reached

    def _is_open(
        self, goal: syntax.Goal, customer: CustomerState, passage: Passage, at: datetime
    ) -> bool:
        """A goal with a window counts inside it, even after the end; one without, only before the end."""
        if goal.name.text in passage.conversions:
            return False
        if goal.within is None:
            return not passage.ended
        zone = self.zone(customer, passage.journey)
        return bool(at <= stepped(passage.entered_from, goal.within, 1, zone))

    def _fits(
        self, pattern: syntax.Pattern, customer: CustomerState, passage: Passage, event: Occurrence
    ) -> bool:
        is_this = pattern.event.text == event.event and self._reaches(passage, event)
        return is_this and self.holds(pattern.where, customer, passage, event)

    def _is_left(
        self, leave: syntax.Exit, customer: CustomerState, passage: Passage, event: Occurrence
    ) -> bool:
        if leave.pattern is None:
            return self.holds(leave.condition, customer, passage)
        return self._fits(leave.pattern, customer, passage, event)

    def _new_data(self, customer: CustomerState) -> None:
        """Goals with a condition that do not end the passage are also tested when data is refreshed."""
        for passage in customer.all_passages:
            for goal in passage.journey.goals:
                if goal.condition is not None and (goal.is_stay or passage.ended):
                    self._reach_now(goal, customer, passage)

    def _reach_now(self, goal: syntax.Goal, customer: CustomerState, passage: Passage) -> bool:
        is_open = self._is_open(goal, customer, passage, self.now)
        if goal.condition is None or not is_open:
            return False
        is_reached = self.holds(goal.condition, customer, passage)
        if is_reached:
            passage.conversions[goal.name.text] = self.now
        return is_reached

    def _way_out(self, customer: CustomerState, passage: Passage) -> str | None:
        """Return the goal or exit whose condition ends a passage that was woken."""
        reached = [g for g in passage.journey.goals if self._reach_now(g, customer, passage)]
        for goal in reached:
            if not goal.is_stay:
                return f"goal:{goal.name.text}"
        for n, leave in enumerate(passage.journey.exits):
            if leave.condition is not None and self.holds(leave.condition, customer, passage):
                return exit_state(passage.journey, n)
        return None
