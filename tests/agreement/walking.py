"""Walking the steps of a journey up to the next wait: S8 to S11, S14."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction
from typing import Any

from cij.grammar import syntax
from tests.agreement.customer_state import CustomerState, Passage
from tests.agreement.pending_steps import (
    Held,
    Iteration,
    IterationEnd,
    Pause,
    Released,
    name_of,
    unfolded,
)
from tests.agreement.reading import (
    occurrence_of,
    split_arm,
)
from tests.agreement.scenario import Arrival
from tests.agreement.waits import Waits


def _turn(customer: CustomerState) -> tuple[datetime, tuple[int, str, str]]:
    """Return the order in which a customer reaches `first N`; all others are independent."""
    mine = [(p.counts_from, p.serial) for p, _ in customer.woken if p.journey.name[0] == "p"]
    return min(mine, default=(datetime.max, (0, "", "")))


class Walking(Waits):
    """Walks customers through steps."""

    def _go_all(self, customers: Iterable[CustomerState]) -> None:
        """Move the woken passages of customers who move together: who began first takes a place first."""
        mine = sorted(customers, key=_turn)
        self._choose_winners(mine)
        for customer in mine:
            self._go(customer)

    def _go(self, customer: CustomerState) -> None:
        """S18: move all woken passages, by the priority of their journeys."""
        while customer.woken:
            self._walk(customer, *customer.next_woken())

    def _walk(self, customer: CustomerState, passage: Passage, why: str) -> None:
        """S8, S10: goals and exits by condition, then all steps up to the next wait.

        S12: all that is as of the instant at which it was due. What is sent or done leaves at the real
        one, and what follows counts from then.
        """
        self.as_of(passage.as_of)
        if (state := self._way_out(customer, passage)) is not None:
            return self._end(passage, state, why)
        while passage.todo and passage.wait is None:
            step, *rest = passage.todo
            passage.todo = tuple(rest)
            arm = self._held_arm(step, customer, passage)
            if arm is not None:
                passage.todo = (*arm, *passage.todo)
                continue
            if isinstance(step, (syntax.Send, Released, syntax.Do)):
                self.as_of(self.real)
            chosen = ""
            if isinstance(step, syntax.Send) and len(step.messages) > 1:
                passage.visits.append((self.now, f"{name_of(step)}: best", why))
                step, why = self._best(step, customer), ""
                chosen = f": {step.messages[0].text}"
            step = self._held_if_due(step, customer, passage)
            if (name := name_of(step)) is not None:
                name += chosen
                passage.visits.append((self.now, name, why))
                why = ""
            self._do(step, customer, passage)
            why = "timer" if isinstance(step, syntax.WaitUntil) else why
            if passage.ended:
                return None
        passage.since = self.now
        if passage.wait is not None:
            return self._came_before(customer, passage)
        return self._end(passage, "completed", why)

    def _do(self, step: Any, customer: CustomerState, passage: Passage) -> None:
        match step:
            case syntax.Send() | Released():
                self._send(step, customer, passage)
            case Held():
                passage.wait, passage.due = step, step.until
            case syntax.If():
                taken = [
                    b.steps for b in step.branches if self.holds(b.condition, customer, passage)
                ]
                passage.todo = (*[*taken, step.otherwise][0], *passage.todo)
            case syntax.Switch():
                passage.todo = (*self._case(step, customer, passage), *passage.todo)
            case syntax.First():
                passage.todo = (*self._place(step, passage), *passage.todo)
            case syntax.Split():
                passage.todo = (*self._arm(step, customer, passage), *passage.todo)
            case syntax.End():
                outcome = step.outcome.text if step.outcome else "completed"
                passage.ended = (self.now, outcome, "end")
            case (
                syntax.Set()
                | syntax.Emit()
                | syntax.Do()
                | syntax.GiveConsent()
                | syntax.WithdrawConsent()
            ):
                self._act(step, customer, passage)
            case syntax.Run() | syntax.Repeat() | Iteration() | IterationEnd():
                passage.todo = (*self._inner(step, customer, passage), *passage.todo)
            case _:
                self._rest(step, customer, passage)

    def _arm(self, step: syntax.Split, customer: CustomerState, passage: Passage) -> syntax.Steps:
        """Return the steps of the arm that has won, else of the customer's own arm (S14)."""
        key = passage.journey.name, step.name.text
        arms = {arm.name.text: arm for arm in step.arms}
        own = split_arm(step, customer.drawn.id)
        arm = arms[self.winners[key]] if key in self.winners else own
        if arm is not None and step.winner:
            self.in_arms.setdefault(key, []).append((arm.name.text, passage))
        return arm.steps if arm else ()

    def _choose_winners(self, customers: Iterable[CustomerState]) -> None:
        """Choose the winners of splits that somebody is about to reach, before they do."""
        woken = [p for c in customers for p, _ in c.woken if p.todo]
        for passage, step in [(p, p.todo[0]) for p in woken]:
            if isinstance(step, syntax.Split) and step.winner:
                self._choose(step.winner, (passage.journey.name, step.name.text))

    def _choose(self, rule: syntax.Winner, key: tuple[str, str]) -> None:
        taken = self.in_arms.get(key, [])
        people = Counter(arm for arm, _ in taken)
        won = Counter(arm for arm, p in taken if rule.goal.text in p.conversions)
        if key not in self.winners and len(taken) >= rule.after and won:
            best = min(people, key=lambda arm: (-Fraction(won[arm], people[arm]), arm))
            self.winners[key] = best

    def _place(self, step: syntax.First, passage: Passage) -> syntax.Steps:
        """Return the steps for those who take one of the first places, or for the others."""
        key = passage.journey.name, step.name.text
        if self.taken[key] >= step.count:
            return step.otherwise
        self.taken[key] += 1
        return step.then

    def _inner(self, step: Any, customer: CustomerState, passage: Passage) -> tuple[Any, ...]:
        """Return the steps that a fragment or a loop puts in front of the steps to come."""
        match step:
            case syntax.Run():
                return unfolded(step, self.fragments[step.fragment.text])
            case syntax.Repeat():
                return (Iteration(step, 0),)
            case Iteration(loop=loop, number=number):
                if loop.until is None or not self.holds(loop.until, customer, passage):
                    return (*loop.steps, IterationEnd(loop, number))
            case IterationEnd(loop=loop, number=number) if number + 1 < loop.times:
                pause = [Pause(loop)] * (loop.every is not None)
                return (*pause, Iteration(loop, number + 1))
        return ()

    def _act(self, step: Any, customer: CustomerState, passage: Passage) -> None:
        """Set a field, emit an event, or call an action."""
        ways: dict[type, Any] = {
            syntax.Set: self._set,
            syntax.Emit: self._raise,
            syntax.Do: self._call,
            syntax.GiveConsent: self._agree,
            syntax.WithdrawConsent: self._agree,
        }
        ways[type(step)](step, customer, passage)

    def _set(self, step: syntax.Set, customer: CustomerState, passage: Passage) -> None:
        """S9: customers of the holdout group set nothing."""
        if not passage.is_held_out:
            customer.fields[step.field.text] = self.value(step.value, customer, passage)
            self.is_dirty = True
            self._forget_view(customer)

    def _raise(self, step: syntax.Emit, customer: CustomerState, passage: Passage) -> None:
        if not passage.is_held_out:
            fields = {s.key.text: self.value(s.value, customer, passage) for s in step.settings}
            self._happen(step.event.text, fields, customer)

    def _agree(self, step: Any, customer: CustomerState, passage: Passage) -> None:
        """S20: a refusal takes back all that was said before it. It counts for the held-out, too."""
        is_refusal = isinstance(step, syntax.WithdrawConsent)
        channel = step.channel.text if step.channel else None
        topic = step.topic.text
        for about in [a for a in customer.consents if a[0] == topic and channel in (None, a[1])]:
            words = customer.consent_words.setdefault(about, [])
            granted = [at for at, is_no in words if not is_no] if is_refusal else []
            words.append((max([self.now, *granted]), is_refusal))
            customer.consents[about] = not max(words)[1]
        self.is_dirty = True
        fields = {"topic": topic, "channel": channel}
        self._happen("unsubscribed" if is_refusal else "subscribed", fields, customer)

    def _happen(self, event: str, fields: dict[str, Any], customer: CustomerState) -> None:
        self.raised += 1
        arrival = Arrival(self.real, self.now, event, 10**6 + self.raised, fields)
        customer.arrive(arrival, occurrence_of(arrival))
        customer.raised.append(occurrence_of(arrival))
        self.arrived_at[id(customer.raised[-1])] = self.real
        self._forget_view(customer)

    def _case(self, step: syntax.Switch, customer: CustomerState, passage: Passage) -> syntax.Steps:
        value = self.value(step.value, customer, passage)
        for case in step.cases:
            items = [self.value(item, customer, passage) for item in case.values]
            if value is not None and value in items:
                return case.steps
        return step.otherwise
