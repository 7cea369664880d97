"""Draw customers and what happens to them."""

from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from tests.agreement.drawing_conditions import DrawingConditions
from tests.agreement.scenario import Arrival, Change, Customer

EVENTS = ("opened", "opened", "unsubscribed", "unsubscribed", "subscribed", "bounced", "complained")

# The event that answers a call.
DONE = "ask.done"


class DrawingCustomers(DrawingConditions):
    """Draws one customer after the other."""

    def _customer(self, number: int) -> Customer:
        zone = self.pick(self.batch.zones)
        fields: dict[str, Any] = {
            "email": self._address(number, self.pick(["a", "a", "a", "B", None])),
            "phone": self.pick([f"+34{self.seed:06}{number:02}"] * 3 + [None]),
            "first_name": self.group,
            "language": self.pick(["en", "es", "fr", None]),
            "timezone": zone,
            "points": self.pick([None, Fraction(0), Fraction(3), Fraction(11)]),
            "spent": None,
            "born": self.pick([None, datetime(1990, 2, 28).date()]),
            "seen": self.pick([None, self._instant(), self._instant()]),
            "vip": self.pick([True, False, False, None]),
            "stage": None,
        }
        news = self.pick([True, True, True, False])
        consents = {("news", "email"): news, ("news", "sms"): self.pick([news, True])}
        happened = [self._drawn_arrival() for _ in range(self.random.randint(3, 9))]
        if self.batch.has_calls:
            happened += [self._answer() for _ in range(self.pick([12, 16]))]
        # `seq` is the place in the order of arrival.
        happened.sort(key=lambda h: (h.arrives, h.at, h.about is not None))
        happened = [replace(h, seq=n) for n, h in enumerate(happened)]
        changes = [self._refreshed(number) for _ in range(self.pick([12, 16]))]
        changes.sort(key=lambda c: c.at)
        return Customer(f"c{self.seed}.{number}", fields, consents, happened, changes)

    def _address(self, number: int, name: str | None) -> str | None:
        """Return an address that no other customer has: all share one suppression list."""
        return f"{name}{number}.{self.seed}@example.com" if name else None

    def _instant(self) -> datetime:
        return self.pick(self.batch.instants)

    def _drawn_arrival(self) -> Arrival:
        at = self._instant()
        event = self.pick(EVENTS if self.is_(3) else ("purchase", "visited"))
        arrives = at
        if self.is_(6):
            arrives = max(at, self._instant())
        elif self.is_(8) and event in ("purchase", "visited"):
            arrives = min(at, self._instant())
        about = None if event in ("purchase", "visited") else self.random.randrange(50)
        return Arrival(arrives, at, event, 0, self._fields(event), about)

    def _answer(self) -> Arrival:
        at = self._instant()
        arrives = max(at, self._instant()) if self.is_(6) else at
        return Arrival(arrives, at, DONE, 0, self._fields(DONE), self.random.randrange(50))

    def _fields(self, event: str) -> dict[str, Any]:
        numbers = [Fraction(0), Fraction(1), Fraction(2), None]
        match event:
            case "purchase":
                amount = self.pick([Fraction(10), Fraction("49.9"), Fraction(500)])
                coupon = self.pick(["a", "LOYAL20", None])
                return {
                    "amount": amount,
                    "coupon": coupon,
                    "items": self.pick(numbers),
                    "day": None,
                }
            case "visited":
                return {"page": self.pick(["a", "b", None]), "minutes": self.pick(numbers)}
            case "ask.done":
                return {"score": self.pick(numbers)}
            case "opened":
                return {"channel": "email"}
            case "bounced":
                reason = self.pick(["soft", "full", None])
                return {"channel": self.pick(["email", "sms", None]), "reason": reason}
            case "complained":
                return {"channel": self.pick(["email", None])}
        return {
            "channel": self.pick(["email", "email", None]),
            "topic": self.pick(["news", None]),
        }

    def _refreshed(self, number: int) -> Change:
        fields: dict[str, Any] = self.pick(
            [
                {"points": self.pick([Fraction(0), Fraction(11), None])},
                {"vip": self.pick([True, False, None])},
                {"timezone": self.pick(self.batch.zones)},
                {"seen": self._instant()},
                {"email": self._address(number, self.pick(["New", "a", None])), "language": "es"},
            ]
        )
        return Change(self._instant(), fields)
