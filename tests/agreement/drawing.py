"""Draw a scenario: its journeys, its customers, and what happens to them.

Durations, conditions and instants come from small sets. So deadlines and events often fall on one
instant, and many customers move at the same instants, which saves ticks.

Some parts are drawn by a generator of their own (`Random(f"word {id}")`). A change to such a part
leaves the rest of every seed as it was. The texts given to `Random` are therefore fixed: another
text would draw other seeds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from tests.agreement.batch_settings import DAYS, DURATIONS, PROJECT_ZONE, STREAMS, BatchSettings
from tests.agreement.drawing_customers import DrawingCustomers
from tests.agreement.drawing_steps import EVENTS, DrawingSteps
from tests.agreement.scenario import Change, Customer, Order, Scenario
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


def draw(number: int, batch: int, attempt: int = 0) -> Scenario:
    """Return a scenario. The scenarios of one batch share times, zones and instants of events."""
    settings = BatchSettings(batch, Random(f"era {batch}"))
    return _Drawing(Random(f"tale {number} {attempt}"), number, settings).scenario()


class _Drawing(DrawingSteps, DrawingCustomers):
    """Draws one scenario: a segment, a fragment, one or two journeys, the customers."""

    def scenario(self) -> Scenario:
        text = self._segment() + self._fragment() + self._journey(f"j{self.seed}")
        if self.batch.policies and self.is_(2):
            # S18: where two journeys would send at one instant, priority decides which is first.
            text += self._journey(f"k{self.seed}", "priority = 5")
        text += self._rights(Random(f"right {self.seed}"))
        text += self._places(Random(f"place {self.seed}"))
        text += self._winner(Random(f"winner {self.seed}"))
        # Where nothing limits what is sent, so that no order of sending matters.
        text += "" if self.batch.policies else self._best_of(Random(f"best {self.seed}"))
        customers = [self._customer(n) for n in range(STREAMS)]
        if "\nlimit = " in text:
            customers = [_one_by_one(c) for c in customers]
        customers = [_reconsidered(c, self.start, Random(f"word {c.id}")) for c in customers]
        if not self.batch.has_calls:
            instants = self.batch.instants
            customers = [_newcomer(c, instants, Random(f"comes {c.id}")) for c in customers]
        end = self.start + timedelta(days=DAYS)
        head = HEAD + self.batch.policies
        orders = [o for o in self._orders(Random(f"order {self.seed}")) if o.at < end]
        return Scenario(self.seed, head, text, customers, self.start, end, PROJECT_ZONE, orders)

    def _rights(self, random: Random) -> str:
        """Return a journey that people want to enter while an earlier passage keeps them out (S7): their
        segment changes often, and they stay long. It sends nothing, since caps would need an order."""
        if not random.randrange(3):
            return ""
        name, group = f"r{self.seed}", f'first_name = "{self.group}"'
        condition = random.choice(["vip", "vip", "points > 3"])
        refresh = random.choice(["6 hours", "1 day", "3 days"])
        again = random.choice(["always", "always", "after 1 week", "after 3 days"])
        limit = "" if random.randrange(4) else f"limit = 2 per {random.choice(PERIODS)}\n"
        wait = random.choice(["3 days", "1 week at 09:00", "10 days"])
        return (
            f"segment {name} {{\nwhere {group} and {condition}\nrefresh = {refresh}\n}}\n"
            f"journey {name} {{\nenter from segment {name}\n"
            f"enter on visited where customer.{group}\nagain {again}\n{limit}"
            f"steps {{\nw1: wait {wait}\n}}\n}}\n"
        )

    def _places(self, random: Random) -> str:
        """Return a journey with places for the first who come. It sends nothing, like that of rights."""
        if random.randrange(3):
            return ""
        name, group = f"p{self.seed}", f'first_name = "{self.group}"'
        enter = random.choice(
            [f"enter on visited where customer.{group}", f"enter from segment s{self.seed}"]
        )
        wait = random.choice(["", f"w1: wait {random.choice(DURATIONS)}\n"])
        then = f"w3: wait {random.choice(DURATIONS)}"
        otherwise = random.choice(["e4: end missed", f"w4: wait {random.choice(DURATIONS)}"])
        return (
            f"journey {name} {{\n{enter}\nagain always\nsteps {{\n{wait}"
            f"f2: first {random.choice([3, 10, 25])} lucky {{ {then} }} else {{ {otherwise} }}\n}}\n}}\n"
        )

    def _winner(self, random: Random) -> str:
        """Return a journey with a split that chooses a winner. It sends nothing."""
        if random.randrange(3):
            return ""
        name, share = f"w{self.seed}", random.choice([50, 30, 70])
        arm = f"wait {random.choice(DURATIONS)}"
        within = random.choice(["", f" within {random.choice(DURATIONS)}"])
        return (
            f'journey {name} {{\nenter on visited where customer.first_name = "{self.group}"\n'
            f"again always\ngoal bought on purchase{within} and stay\n"
            f"steps {{\nc1: split {name} {{ {share}% x {{ w2: {arm} }} {100 - share}% y {{ w3: {arm} }}\n"
            f"winner by bought after {random.choice([3, 10, 20])}\n}}\n}}\n}}\n"
        )

    def _best_of(self, random: Random) -> str:
        if not random.randrange(4):
            return ""
        messages = random.choice(
            ["text, hello", "hello, text", "ping, hello, flash", "receipt, text"]
        )
        event = random.choice(["visited", "visited", "purchase"])
        return (
            f"journey b{self.seed} {{\nenter on {event} where customer.first_name = "
            f'"{self.group}"\nagain always\nsteps {{\nb1: send best of ({messages})\n}}\n}}\n'
        )

    def _orders(self, random: Random) -> Iterator[Order]:
        """Yield the orders to pause, resume and stop the journey.

        A pause ends at an instant at which nothing else happens: an event of that very instant
        would not fall into the pause.
        """
        name = f"j{self.seed}"
        if random.randrange(3) == 0:
            at = random.choice(self.batch.instants) + timedelta(minutes=random.choice([0, 0, 7]))
            yield Order(at, name, "pause")
            if random.randrange(6):
                length = timedelta(hours=random.choice([1, 20, 50, 50, 200, 400]))
                yield Order(at + length + timedelta(minutes=11, seconds=7), name, "resume")
        if random.randrange(8 if self.batch.policies else 1) == 0:
            # Soon after customers enter, while they are still inside.
            at = random.choice(self.batch.instants) + timedelta(minutes=random.choice([0, 7, 50]))
            yield Order(at, name, "stop")

    def _fragment(self) -> str:
        """Return the fragment. Its steps are numbered apart from those of the journey."""
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
        group = f'first_name = "{self.group}"'
        return f"segment s{self.seed} {{\nwhere {group}\nand {body}\nrefresh = {refresh}\n}}\n"

    def _journey(self, name: str, *besides: str) -> str:
        self.trigger, self.sends, self.calls, self.kept, self.made = None, [], [], [], 0
        entries = self._entries()
        lines = [*self._entry_times(entries, Random(f"door {name}")), *besides]
        self.left = 4 if besides else 9
        lines.append(
            self.pick(["", "again always", "again always", f"again after {self.pick(DURATIONS)}"])
        )
        lines += [self._header(n) for n in range(self.pick([0, 0, 1, 1, 2]))]
        # S18 does not order two passages of one customer in one journey, which caps would show.
        if self.trigger == "purchase" and not self.batch.caps and self.is_(3):
            lines.append(f"per = {self.pick(['coupon', 'items'])}")
        if self.is_(4):
            lines.append('timezone = "Australia/Lord_Howe"')
        if self.is_(5):
            lines.append("holdout = 30%")
        if self.is_(6):
            of_event = {"purchase": "trigger.items > points", "visited": 'trigger.page = "b"'}
            other = of_event.get(self.trigger or "", "points > 10")
            lines.append(f"suppress = {self.pick(['vip', other])}")
        if self.trigger and self.is_(5):
            field = {"purchase": "coupon", "visited": "page"}[self.trigger]
            lines.append(f'language = trigger.{field} ?? "es"')
        head = "\n".join(lines)
        self.kept = [
            "at entry points > 3",
            "at entry stage is unknown",
            "points != at entry points",
        ]
        asking = self._asking() if self.batch.has_calls else ""
        first = self._consenting(Random(f"consent {name}")) + asking + self._many()
        steps = self._block(2 if besides else 3, 2).replace("{\n", "{\n" + first, 1)
        return f"journey {name} {{\n{head}\nsteps {steps}\n}}\n"

    def _entry_times(self, entries: list[str], random: Random) -> Iterator[str]:
        """Yield the entries with their schedules, then `starts`, `ends` and `limit`."""
        for line in entries:
            is_plain = line.startswith("enter from") and not line.endswith("once")
            every = f" every {random.choice(SCHEDULES)}" if random.randrange(3) else ""
            # Its own generator: the rest of every seed stays as it was.
            zone = Random(f"zone {self.seed} {line}").choice(["", "", ' in "Asia/Tokyo"'])
            yield line + (every and every + zone) * is_plain
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
        # Its own generator: the other journeys stay as they were.
        if not Random(f"ways {self.seed} {len(entries)}").randrange(8):
            self.trigger = None
            entries.append(f"enter from segment s{self.seed}")
        return entries

    def _by_events(self) -> list[str]:
        event = self.pick(["purchase", "purchase", "visited"])
        self.trigger = event
        group = f'customer.first_name = "{self.group}"'
        # Where there are calls, many customers should enter and wait for an answer.
        where = "" if self.batch.has_calls else self.where(event).replace(" where", " and")
        lines = [f"enter on {event} where {group}{where}"]
        if self.is_(6):
            lines.append(f"enter on {event} where {group} and customer.points > 3")
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
    """Drop all but one event of each instant, so that the order in front of a limit is clear."""
    found = {h.at: replace(h, arrives=h.at) for h in customer.arrivals}
    arrivals = [replace(found[at], seq=n) for n, at in enumerate(sorted(found))]
    return replace(customer, arrivals=arrivals)


def _newcomer(customer: Customer, instants: Sequence[datetime], random: Random) -> Customer:
    """Have a refresh of the data bring the customer, who has done nothing before."""
    if random.randrange(12):
        return customer
    comes = random.choice(instants)
    arrivals = [h for h in customer.arrivals if min(h.at, h.arrives) >= comes]
    changes = [c for c in customer.changes if c.at > comes]
    return replace(customer, arrivals=arrivals, changes=changes, comes=comes)


def _reconsidered(customer: Customer, start: datetime, random: Random) -> Customer:
    """Have the data change a consent.

    Customers who subscribe or unsubscribe themselves are left out: which of the two counts is
    decided by the refresh of the data, not by journeys.
    """
    own = {"subscribed", "unsubscribed"}
    if random.randrange(2) or any(h.name in own for h in customer.arrivals):
        return customer
    changes = list(customer.changes)
    for arrival in random.sample(list(customer.arrivals), 1):
        at = max(start, arrival.at - timedelta(hours=random.choice([0, 0, 3])))
        channel = random.choice(["email", "email", "sms"])
        granted = not customer.consents["news", channel]
        changes.append(Change(at, {}, {("news", channel): granted}))
    return replace(customer, changes=sorted(changes, key=lambda c: c.at))
