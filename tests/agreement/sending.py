"""Messages and calls: S9, S16 to S20."""

from datetime import datetime
from typing import Any

from cij.grammar import syntax
from tests.agreement.best_message import BestMessage
from tests.agreement.contact_rules import ADDRESS, EXEMPT, Cap
from tests.agreement.customer_state import CALL, CustomerState, Message, Passage
from tests.agreement.pending_steps import Held, Released
from tests.agreement.reading import (
    as_shown,
)
from tests.reference_evaluator import stepped


class Sending(BestMessage):
    """Decides what becomes of a send or a call."""

    def _send(
        self, step: syntax.Send | Released, customer: CustomerState, passage: Passage
    ) -> None:
        """S9, S16, S20: the checks in their order."""
        since, step = (step.since, step.send) if isinstance(step, Released) else (None, step)
        assert step.label is not None and step.channel is not None
        content, channel = self.contents[step.messages[0].text], step.channel.text
        zone = self.zone(customer, passage.journey)
        outcome, reason = "delivered", ""
        if passage.is_held_out:
            outcome, reason = "withheld", "in the holdout group"
        elif refusal := self._refusal(step, since, customer, passage):
            outcome, reason = refusal
        elif full := [c for c in self._caps(step) if c.is_full(customer.messages, self.now, zone)]:
            outcome, reason = "capped", f"{full[0].words} (policy {full[0].policy})"
        language = passage.journey.settings.get("language")
        locale = (
            self.value(language, customer, passage) if language else customer.fields["language"]
        )
        given = tuple(
            (s.key.text, as_shown(self.value(s.value, customer, passage), zone))
            for s in step.settings
        )
        address = customer.fields[ADDRESS[channel]]
        rest = (outcome, reason, channel, content.topic, address, locale, given)
        name = step.messages[0].text
        passage.messages.append(Message(self.now, step.label.text, name, *rest))

    def _call(self, step: syntax.Do, customer: CustomerState, passage: Passage) -> None:
        """Calls are no messages: neither consent nor quiet hours nor caps apply."""
        assert step.label is not None
        outcome, reason = "delivered", ""
        if passage.is_held_out:
            outcome, reason = "withheld", "in the holdout group"
        zone = self.zone(customer, passage.journey)
        given = tuple(
            (s.key.text, as_shown(self.value(s.value, customer, passage), zone))
            for s in step.settings
        )
        rest = (outcome, reason, CALL, "", None, None, given)
        passage.messages.append(Message(self.now, step.label.text, "", *rest))

    def _refusal(
        self, step: syntax.Send, since: datetime | None, customer: CustomerState, passage: Passage
    ) -> tuple[str, str] | None:
        """S16: return outcome and reason if a message may not be sent at any hour."""
        assert step.channel is not None
        content, channel = self.contents[step.messages[0].text], step.channel.text
        address = customer.fields[ADDRESS[channel]]
        if since and content.expires and self._expiry(step, since, customer, passage) <= self.now:
            return "expired", f"it was valid for {content.validity}"
        if content.needs_consent and not customer.consents[content.topic, channel]:
            return "no_consent", f"no consent to {content.topic} by {channel}"
        if self.suppressed.has(channel, customer.drawn.id, address):
            return "suppressed", "on the suppression list"
        for policy, condition in self.rules.never(channel):
            if self.world.holds(condition, self.row(customer, passage.journey)):
                return "suppressed", f"never (policy {policy})"
        if not address:
            return "no_address", f"the customer has no {ADDRESS[channel]}"
        return None

    def _expiry(
        self, step: syntax.Send, since: datetime, customer: CustomerState, passage: Passage
    ) -> datetime:
        expires = self.contents[step.messages[0].text].expires
        found = (
            stepped(since, expires, 1, self.zone(customer, passage.journey)) if expires else None
        )
        return found if isinstance(found, datetime) else datetime.max

    def _caps(self, step: syntax.Send) -> list[Cap]:
        assert step.channel is not None
        topic = self.contents[step.messages[0].text].topic
        return [cap for cap in self.rules.caps if cap.is_of(step.channel.text, topic)]

    def _held_if_due(self, step: Any, customer: CustomerState, passage: Passage) -> Any:
        """S17, S18: return a wait in place of a send that quiet hours or a cap delay.

        Customers of the holdout group wait as long as the others.
        """
        send, since = (step.send, step.since) if isinstance(step, Released) else (step, None)
        if not isinstance(send, syntax.Send) or self._refusal(send, since, customer, passage):
            return step
        zone = self.zone(customer, passage.journey)
        topic = self.contents[send.messages[0].text].topic
        released = Released(send, since or self.now)
        expiry = self._expiry(send, released.since, customer, passage)
        if topic != EXEMPT and self.rules.is_quiet(self.now, zone):
            until = self.rules.quiet_until(self.now, zone)
            return Held(released, "quiet hours", min(until, expiry))
        full = [c for c in self._caps(send) if c.is_full(customer.messages, self.now, zone)]
        if full and all(cap.waits for cap in full):
            return Held(
                released, "a cap", min(full[0].frees(customer.messages, self.now, zone), expiry)
            )
        return step
