"""Drawing tales: every step and rule, hard zones, instants where calendars break.

Durations, conditions and instants come from small sets, so that deadlines and events often meet,
and so that many customers move at the same instants: a store has to tick at each of them.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from tests.agreement.eras import DAYS, DURATIONS, PROJECT_ZONE, STREAMS, Era
from tests.agreement.peopling import Peopling
from tests.agreement.stepping import EVENTS, Stepping
from tests.agreement.tale import Change, Customer, Order, Tale
from tests.agreement.vocabulary import HEAD

SCHEDULES = (
    "day at 02:30",
    "monday at 09:00",
    "2 days at 00:00",
    "2 weeks at 01:30",
    "week at 02:00",
    "month at 09:00",
    "sunday at 02:30",
)
PERIODS = ("hour", "day", "day", "week")


def draw(number: int, batch: int, attempt: int = 0) -> Tale:
    """Return a tale. Those of one batch share a time, zones and the instants of their events."""
    era = Era(batch, Random(f"era {batch}"))
    return _Drawing(Random(f"tale {number} {attempt}"), number, era).tale()


class _Drawing(Stepping, Peopling):
    """One tale: its segment, its fragment, its journeys, its customers."""

    def tale(self) -> Tale:
        text = self._segment() + self._fragment() + self._journey(f"j{self.seed}")
        if self.era.policies and self.is_(2):
            # S18: of two journeys that would send at one instant the one that comes first is named.
            text += self._journey(f"k{self.seed}", "priority = 5")
        customers = [self._customer(n) for n in range(STREAMS)]
        if "\nlimit = " in text:
            customers = [_one_by_one(c) for c in customers]
        customers = [_reconsidered(c, self.start, Random(f"word {c.id}")) for c in customers]
        end = self.start + timedelta(days=DAYS)
        head = HEAD + self.era.policies
        orders = [o for o in self._orders(Random(f"order {self.seed}")) if o.at < end]
        return Tale(self.seed, head, text, customers, self.start, end, PROJECT_ZONE, orders)

    def _orders(self, random: Random) -> Iterator[Order]:
        """Yield what is said about the journey from outside, by chances of its own.

        A pause ends when nothing else happens: what comes at that very instant is in no pause.
        """
        name = f"j{self.seed}"
        if random.randrange(3) == 0:
            at = random.choice(self.era.instants) + timedelta(minutes=random.choice([0, 0, 7]))
            yield Order(at, name, "pause")
            if random.randrange(6):
                length = timedelta(hours=random.choice([1, 20, 50, 50, 200, 400]))
                yield Order(at + length + timedelta(minutes=11, seconds=7), name, "resume")
        if random.randrange(8 if self.era.policies else 1) == 0:
            # Soon after people have entered, while they are inside.
            at = random.choice(self.era.instants) + timedelta(minutes=random.choice([0, 7, 50]))
            yield Order(at, name, "stop")

    def _fragment(self) -> str:
        """Return the fragment of the tale; its steps are numbered apart from those of the journey."""
        self.kept, self.is_inside = ["points > bound", "bound > count(purchase)"], True
        text = f"fragment f{self.seed}(bound) {self._block(1, 1)}\n"
        self.kept, self.is_inside = [], False
        self.made, self.left = 0, 9
        return text

    def _segment(self) -> str:
        trigger, self.trigger = self.trigger, None
        body = self.pick([self.condition().replace(f"in segment s{self.seed}", "vip"), "vip"])
        self.trigger = trigger
        refresh = self.pick(["6 hours", "1 day", "3 days", "90 minutes"])
        tribe = f'first_name = "{self.tribe}"'
        return f"segment s{self.seed} {{\nwhere {tribe}\nand {body}\nrefresh = {refresh}\n}}\n"

    def _journey(self, name: str, *besides: str) -> str:
        self.trigger, self.sends, self.calls, self.kept, self.made = None, [], [], [], 0
        entries = self._entries()
        lines = [*self._doors(entries, Random(f"door {name}")), *besides]
        self.left = 4 if besides else 9
        lines.append(
            self.pick(["", "again always", "again always", f"again after {self.pick(DURATIONS)}"])
        )
        lines += [self._header(n) for n in range(self.pick([0, 0, 1, 1, 2]))]
        # S18 does not say who of one journey and one person comes first where caps leave little room.
        if self.trigger == "purchase" and not self.era.caps and self.is_(3):
            lines.append(f"per = {self.pick(['coupon', 'items'])}")
        if self.is_(4):
            lines.append('timezone = "Australia/Lord_Howe"')
        if self.is_(5):
            lines.append("holdout = 30%")
        if self.is_(6):
            lines.append(f"suppress = {self.pick(['vip', 'points > 10'])}")
        if self.trigger and self.is_(5):
            field = {"purchase": "coupon", "visited": "page"}[self.trigger]
            lines.append(f'language = trigger.{field} ?? "es"')
        head = "\n".join(lines)
        self.kept = [
            "at entry points > 3",
            "at entry stage is unknown",
            "points != at entry points",
        ]
        asking = self._asking() if self.era.has_calls else ""
        steps = self._block(2 if besides else 3, 2).replace("{\n", "{\n" + asking, 1)
        return f"journey {name} {{\n{head}\nsteps {steps}\n}}\n"

    def _doors(self, entries: list[str], random: Random) -> Iterator[str]:
        """Add when people may enter, by chances of its own: the other ones stay as they are."""
        for line in entries:
            is_plain = line.startswith("enter from") and not line.endswith("once")
            every = f" every {random.choice(SCHEDULES)}" if random.randrange(3) else ""
            yield line + every * is_plain
        if (chance := random.randrange(12)) < 3:
            hours = random.choice([3, 24, 71]) if chance > 1 else random.choice([71, 200, 400])
            at = self.start + timedelta(hours=hours)
            yield f"{'starts' if chance > 1 else 'ends'} = {at.isoformat(' ')[:16]}"

        if not random.randrange(6):
            yield f"limit = {random.choice([1, 1, 2, 5])} per {random.choice(PERIODS)}"

    def _entries(self) -> list[str]:
        if self.is_(4):
            once = self.pick(["", "", " once"])
            return [f"enter from segment s{self.seed}{once}"]
        entries = self._by_events()
        # By chances of its own: the other journeys stay as they are.
        if not Random(f"ways {self.seed} {len(entries)}").randrange(8):
            self.trigger = None
            entries.append(f"enter from segment s{self.seed}")
        return entries

    def _by_events(self) -> list[str]:
        event = self.pick(["purchase", "purchase", "visited"])
        self.trigger = event
        tribe = f'customer.first_name = "{self.tribe}"'
        # Where there are calls, many come in to wait for an answer.
        where = "" if self.era.has_calls else self.where(event).replace(" where", " and")
        lines = [f"enter on {event} where {tribe}{where}"]
        if self.is_(6):
            lines.append(f"enter on {event} where {tribe} and customer.points > 3")
        return lines

    def _header(self, number: int) -> str:
        event = self.pick(EVENTS)
        where, length = self.where(event), self.pick(DURATIONS)
        out = self.pick(["", "out ", "gone "])
        return self.pick(
            [
                f"goal won_{number} on {event}{where}",
                f"goal won_{number} on {event}{where} within {length}",
                f"goal won_{number} on {event}{where} within {length} and stay",
                f"goal won_{number} when {self.condition()}",
                f"goal won_{number} when {self.condition()} within {length}",
                f"goal won_{number} when {self.condition()} and stay",
                f"goal won_{number} when {self.condition()} within {length} and stay",
                f"exit {out}on {event}{where}",
                f"exit {out}on {event}{where}",
                f"exit {out}when {self.condition()}",
            ]
        )


def _one_by_one(customer: Customer) -> Customer:
    """Have nobody do two things at one instant: who came first in front of a limit is then plain."""
    found = {h.at: replace(h, arrives=h.at) for h in customer.happenings}
    happenings = [replace(found[at], seq=n) for n, at in enumerate(sorted(found))]
    return replace(customer, happenings=happenings)


def _reconsidered(customer: Customer, start: datetime, random: Random) -> Customer:
    """Have data say something else of a consent, by chances of its own. Who says it himself is left
    out: which word counts then is a matter of refreshing, not of journeys.
    """
    own = {"subscribed", "unsubscribed"}
    if random.randrange(2) or any(h.name in own for h in customer.happenings):
        return customer
    changes = list(customer.changes)
    for happening in random.sample(list(customer.happenings), 1):
        at = max(start, happening.at - timedelta(hours=random.choice([0, 0, 3])))
        channel = random.choice(["email", "email", "sms"])
        granted = not customer.consents["news", channel]
        changes.append(Change(at, {}, {("news", channel): granted}))
    return replace(customer, changes=sorted(changes, key=lambda c: c.at))
