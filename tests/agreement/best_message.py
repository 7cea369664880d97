"""`send best of`: the message that a customer is most likely to react to."""

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

from cij.grammar import syntax
from tests.agreement.contact_rules import ADDRESS
from tests.agreement.customer_state import CustomerState, Message
from tests.agreement.interpreter_state import InterpreterState

_REACTIONS = ("opened", "clicked")
# Shares are compared to four places.
_UNIT = 10_000


class BestMessage(InterpreterState):
    """Chooses between the messages of one step.

    A scenario lasts less than 90 days, so all that was sent counts.
    """

    def _best(self, step: syntax.Send, customer: CustomerState) -> syntax.Send:
        """Return the send of the message with the highest score; of equal ones the first written."""
        best = max(step.messages, key=lambda m: self._score(m.text, customer))
        channel = replace(best, text=self.contents[best.text].channel)
        return replace(step, messages=(best,), channel=channel)

    def _score(self, name: str, customer: CustomerState) -> tuple[bool, int, int]:
        content = self.contents[name]
        consents = not content.needs_consent or customer.consents[content.topic, content.channel]
        can = bool(consents and customer.fields[ADDRESS[content.channel]])
        mine = [m for m in self._sent([customer]) if m.channel == content.channel]
        opened = {
            customer.about.get(h.seq)
            for h in customer.arrived
            if h.name in _REACTIONS and h.fields["channel"] == content.channel
        }
        everybody = [m for m in self._sent(self.customers) if m.name == name]
        reacted = {id(m) for c in self.customers for m in self._reacted_to(c) if m.name == name}
        return can, _share(len(opened - {None}), len(mine)), _share(len(reacted), len(everybody))

    def _sent(self, customers: Iterable[CustomerState]) -> list[Message]:
        """Return what has left. What this tick sends leaves after it."""
        return [
            m
            for c in customers
            for m in c.messages
            if m.outcome == "delivered" and m.at < self.real
        ]

    def _reacted_to(self, customer: CustomerState) -> list[Message]:
        found = [customer.about.get(h.seq) for h in customer.arrived if h.name in _REACTIONS]
        return [message for message in found if message is not None]


def _share(reacted: int, sent: int) -> int:
    """Return the share, with one message more of each kind; a half is rounded up."""
    return int(Fraction(reacted + 1, sent + 2) * _UNIT + Fraction(1, 2))
