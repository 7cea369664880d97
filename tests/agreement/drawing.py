"""Drawing tales: every step and rule, hard zones, instants where calendars break.

Durations, conditions and instants come from small sets, so that deadlines and events often meet,
and so that many customers move at the same instants: a store has to tick at each of them.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any, TypeVar

from cij.grammar import syntax
from cij.grammar.span import file_start
from tests.agreement.tale import Change, Customer, Happening, Tale
from tests.projects import HEAD as SHARED
from tests.reference_evaluator import stepped, to_instant

# What journeys write and raise.
HEAD = (
    SHARED.replace(
        "    consent.news = news\n  }\n",
        "    consent.news = news\n  }\n  fields {\n    stage = integer\n  }\n",
    )
    + "\nevent raised {\n  fields {\n    level = integer\n  }\n}\n"
)
DAYS = 36
STREAMS = 40
INSTANTS = 12
PROJECT_ZONE = "Europe/Madrid"
ZONES = (
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/New_York",
    "Pacific/Apia",
    "Africa/Casablanca",
    "America/St_Johns",
    "Pacific/Chatham",
    "Nowhere/Atall",
    None,
)
# Where it begins, and local times near which much happens: changes of the clock and ends of months.
AGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("2026-03-02 10:00", ("2026-03-08 02:30", "2026-03-29 02:30", "2026-03-22 02:00")),
    ("2026-10-14 22:15", ("2026-10-25 02:30", "2026-11-01 01:30", "2026-10-31 09:00")),
    ("2026-03-26 00:00", ("2026-03-29 01:00", "2026-04-05 02:15", "2026-03-31 23:59:59")),
    ("2028-01-29 18:45", ("2028-02-29 09:00", "2028-01-31 12:00", "2028-02-28 23:30")),
    ("2011-12-27 10:00", ("2011-12-29 23:59", "2011-12-30 12:00", "2011-12-31 09:00")),
    ("2026-09-24 07:00", ("2026-09-27 02:45", "2026-10-04 02:00", "2026-10-04 02:30")),
)
DURATIONS = (
    "45 seconds",
    "1 hour",
    "90 minutes",
    "24 hours",
    "1 day",
    "1 day",
    "2 days",
    "3 days",
    "1 week",
    "1 month",
)
CALENDAR = ("1 day", "2 days", "1 week", "1 month")
TIMES = ("09:00", "02:30", "00:00", "02:00", "01:30")
EVENTS = ("purchase", "visited", "opened", "unsubscribed")
_Option = TypeVar("_Option")


def draw(number: int, batch: int, attempt: int = 0) -> Tale:
    """Return a tale. Those of one batch share a time, zones and the instants of their events."""
    era = _Era(Random(f"era {batch}"))
    return _Drawing(Random(f"tale {number} {attempt}"), number, era).tale()


class _Era:
    """When and where the tales of a batch play: few zones, few instants."""

    def __init__(self, random: Random) -> None:
        start, marks = random.choice(AGES)
        self.start = datetime.fromisoformat(start)
        self.marks = [datetime.fromisoformat(text) for text in marks]
        self.zones = random.sample(ZONES, 3)
        self.instants = [self.start]
        for _ in range(INSTANTS):
            self.instants.append(self._instant(random))

    def _instant(self, random: Random) -> datetime:
        """Return an instant that others are likely to meet: a mark, or a duration beside one."""
        zone = random.choice(self.zones)
        local = zone if zone and zone != "Nowhere/Atall" else PROJECT_ZONE
        at = random.choice([*self.instants, *(to_instant(mark, local) for mark in self.marks)])
        for _ in range(random.choice([0, 1, 1, 2])):
            count, unit = random.choice(DURATIONS).split()
            length = syntax.Duration(int(count), unit.rstrip("s"), span=file_start("drawn"))
            at = stepped(at, length, random.choice([1, 1, -1]), local)
        at += timedelta(seconds=random.choice([0, 0, 0, 0, 1, -1]))
        return min(max(at, self.start), self.start + timedelta(days=DAYS))


class _Drawing:
    """One tale. `made` counts steps, `sends` are labels sent on every path to here."""

    def __init__(self, random: Random, number: int, era: _Era) -> None:
        self.random, self.seed, self.era = random, number, era
        self.start, self.marks = era.start, era.marks
        self.made, self.left = 0, 9
        self.sends: list[str] = []
        self.trigger: str | None = None
        # Conditions that only a journey can ask, and only the steps of a fragment.
        self.kept: list[str] = []
        self.is_inside = False

    def pick(self, options: Sequence[_Option]) -> _Option:
        return options[self.random.randrange(len(options))]

    def is_(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0

    def tale(self) -> Tale:
        text = self._segment() + self._fragment() + self._journey()
        customers = [self._customer(n) for n in range(STREAMS)]
        end = self.start + timedelta(days=DAYS)
        return Tale(self.seed, HEAD, text, customers, self.start, end, PROJECT_ZONE)

    @property
    def tribe(self) -> str:
        """Only customers of this name are let in, so that seeds do not meet in one store."""
        return f"t{self.seed}"

    # --- conditions ---

    def condition(self, depth: int = 1) -> str:
        forms = ["plain", "plain", "events", "events", "time"] + ["trigger"] * bool(self.trigger)
        forms += ["and", "or", "not"] if depth else []
        match self.pick(forms):
            case "plain":
                return self.pick(
                    ["points > 3", "points <= 10", "vip", "not vip", "points != 3", "born is known"]
                    + ["consent.news", "consent.news.email", f"in segment s{self.seed}"]
                    + ["stage > 1", "stage is known", *self.kept]
                )
            case "events":
                return self._of_events()
            case "time":
                return self._of_time()
            case "trigger":
                field = {"purchase": "items", "visited": "minutes"}[self.trigger or ""]
                other = self.pick([f"trigger.{field} > 1", f"count(purchase) > trigger.{field}"])
                return self.pick([other, f"trigger.at + {self.pick(DURATIONS)} > now()"])
            case "not":
                return f"not ({self.condition(depth - 1)})"
            case word:
                return f"({self.condition(depth - 1)} {word} {self.condition(depth - 1)})"

    def _of_events(self) -> str:
        length, count = self.pick(DURATIONS), self.pick([1, 2, 3])
        return self.pick(
            [
                f"count(purchase within last {length}) >= {count}",
                f"any(visited within last {length})",
                f"not any(purchase within last {length} where amount > 50 EUR)",
                f"sum(purchase.items within last {length}) > {count}",
                "any(visited since last(purchase.at))",
                f"count(opened) < {count}",
                f"count(purchase) = {count}",
                'last(visited.page) = "a"',
            ]
        )

    def _of_time(self) -> str:
        length = self.pick(DURATIONS)
        return self.pick(
            [
                f"last(purchase.at) + {length} <= now()",
                f"seen + {length} > now()",
                f"now() >= {self.pick(self.marks).isoformat(' ')[:16]}",
                f"today() > {self.pick(self.marks).date()}",
                f"first(visited.at) < now() - {length}",
                "day(today()) > 15",
            ]
        )

    def _steady(self) -> str:
        """Return a condition that time alone does not change."""
        return self.pick(
            ["points > 3", "vip", "stage > 0", "count(purchase) = 2", 'last(visited.page) = "a"']
            + ["any(visited since last(purchase.at))", "consent.news.email"]
        )

    def where(self, event: str, one_in: int = 2) -> str:
        if not self.is_(one_in):
            return ""
        fields = {
            "purchase": ["amount > 40 EUR", 'coupon = "a"', "items >= 1", "items > points"],
            "visited": ['page = "a"', 'page != "b"', "minutes > 1"],
            "opened": ['channel = "email"'],
            "unsubscribed": ['topic = "news"', 'channel = "email"'],
        }
        return f" where {self.pick([*fields[event], 'vip'])}"

    # --- the head ---

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

    def _journey(self) -> str:
        lines = self._entries()
        lines.append(
            self.pick(["", "again always", "again always", f"again after {self.pick(DURATIONS)}"])
        )
        lines += [self._header(n) for n in range(self.pick([0, 0, 1, 1, 2]))]
        if self.trigger == "purchase" and self.is_(3):
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
        return f"journey j{self.seed} {{\n{head}\nsteps {self._block(3, 2)}\n}}\n"

    def _entries(self) -> list[str]:
        if self.is_(4):
            once = self.pick(["", "", " once"])
            return [f"enter from segment s{self.seed}{once}"]
        event = self.pick(["purchase", "purchase", "visited"])
        self.trigger = event
        tribe = f'customer.first_name = "{self.tribe}"'
        where = self.where(event).replace(" where", " and")
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

    # --- steps ---

    def _block(self, depth: int, least: int) -> str:
        before = list(self.sends)
        lines = [self._step(depth) for _ in range(self.random.randint(least, 3))]
        if self.is_(6):
            lines.append(f"{self._label('e')}: {self.pick(['end', 'end done'])}")
        self.sends = before
        return "{\n" + "\n".join(lines) + "\n}"

    def _label(self, letter: str) -> str:
        self.made += 1
        return f"{letter}{self.made}"

    def _step(self, depth: int) -> str:
        self.left -= 1
        leaves = ["send", "send", "wait", "until", "set"] + ["emit"] * self.is_(3)
        inner = ["for", "for", "first", "first", "if", "switch", "split", "repeat"]
        inner += [] if self.is_inside else ["run"]
        form = self.pick([*leaves, *inner] if depth and self.left > 0 else leaves)
        label = self._label(form[0])
        if form == "send":
            text = self._send()
            self.sends += [label] * text.startswith("send email")
        else:
            text = self._short(form) or self._long(form, depth)
        return f"{label}: {text}"

    def _short(self, form: str) -> str | None:
        """Return a step without steps inside."""
        match form:
            case "wait" if self.is_(2):
                return f"wait {self.pick(CALENDAR)} at {self.pick(TIMES)}"
            case "wait":
                return f"wait {self.pick(DURATIONS)}"
            case "until":
                return self._until()
            case "set":
                return f"set stage = {self.pick(['points', '(stage ?? 0) + 1', 'count(purchase)'])}"
            case "emit":
                return f"emit raised {{ level = {self.pick(['1', 'points', 'stage'])} }}"
            case "run":
                return f"run f{self.seed}({self.pick(['3', 'points', 'count(visited)'])})"
        return None

    def _long(self, form: str, depth: int) -> str:
        match form:
            case "repeat":
                return self._repeat(depth)
            case "for" | "first":
                return self._events(form, depth)
            case "if":
                text = f"if {self.condition()} {self._block(depth - 1, 0)}"
                return text + (f" else {self._block(depth - 1, 1)}" if self.is_(2) else "")
            case "switch":
                text = f'switch language {{ case "en", "es" {self._block(depth - 1, 1)}'
                return text + (f" else {self._block(depth - 1, 0)} }}")
        text = f"split ab{self.made} {{ 45% x {self._block(depth - 1, 1)}"
        return text + f" 30.5% y {self._block(depth - 1, 0)} }}"

    def _repeat(self, depth: int) -> str:
        until = f" until {self.condition(0)}" if self.is_(2) else ""
        every = f" every {self.pick(DURATIONS)}"
        return f"repeat up to {self.pick([2, 3])} times{every}{until} {self._block(depth - 1, 1)}"

    def _send(self) -> str:
        if not self.is_(3):
            return self.pick(["send email hello", "send email hello", "send sms text"])
        word = self.pick(["first_name", "last(visited.page)", "now()", "seen", "today()"])
        number = self.pick(["count(purchase)", "points", "sum(purchase.items within last 2 days)"])
        return f"send email code {{\nword = {word}\nnumber = {number}\n}}"

    def _until(self) -> str:
        at = f" at {self.pick(TIMES)}"
        mark = self.pick(self.marks)
        moments = [
            f"{self.pick(['monday', 'sunday', 'friday'])}{self.pick(['', at, at])}",
            f"{mark.isoformat(' ')[:16]}",
            f"{mark.date()}{self.pick(['', at])}",
            f"last(purchase.at) + {self.pick(DURATIONS)}{self.pick(['', at])}",
            f"seen{self.pick(['', at])}",
            f"(now() + {self.pick(DURATIONS)}){self.pick(['', at])}",
        ]
        if self.trigger:
            moments.append(f"trigger.at + {self.pick(DURATIONS)}")
        return f"wait until {self.pick(moments)}"

    def _events(self, form: str, depth: int) -> str:
        length = self.pick(DURATIONS)
        if form == "for":
            text = f"wait for {self._pattern()} up to {length} {self._block(depth - 1, 0)}"
            return text + (f" else {self._block(depth - 1, 0)}" if self.is_(2) else "")
        arms = [
            f"{self._arm()} {self._block(depth - 1, 0)}" for _ in range(self.random.randint(2, 3))
        ]
        otherwise = f"else {self._block(depth - 1, 0)}\n" if self.is_(2) else ""
        return f"wait up to {length} {{\n" + "\n".join(arms) + f"\n{otherwise}}}"

    def _arm(self) -> str:
        return f"when {self._steady()}" if self.is_(5) else f"on {self._pattern()}"

    def _pattern(self) -> str:
        event = self.pick([*EVENTS, "opened"] if self.sends else EVENTS)
        if self.is_(8):
            return self.pick(["raised", "raised where level = 1"])
        if event == "opened" and self.sends and not self.is_(4):
            return f"opened({self.pick(self.sends)}){self.where(event, 4)}"
        return event + self.where(event)

    # --- customers ---

    def _customer(self, number: int) -> Customer:
        zone = self.pick(self.era.zones)
        fields: dict[str, Any] = {
            "email": self.pick(["a@example.com", "b@example.com", None]),
            "first_name": self.tribe,
            "language": self.pick(["en", "es", "fr", None]),
            "timezone": zone,
            "points": self.pick([None, Fraction(0), Fraction(3), Fraction(11)]),
            "spent": None,
            "born": self.pick([None, datetime(1990, 2, 28).date()]),
            "seen": self.pick([None, self._instant(), self._instant()]),
            "vip": self.pick([True, False, False, None]),
            "stage": None,
        }
        news = self.pick([True, True, False])
        consents = {("news", "email"): news, ("news", "sms"): self.pick([news, True])}
        happened = [self._happening() for _ in range(self.random.randint(3, 9))]
        # The number of an event is its place in the order of arrival.
        happened.sort(key=lambda h: (h.arrives, h.at, h.about is not None))
        happened = [replace(h, seq=n) for n, h in enumerate(happened)]
        changes = [self._refreshed() for _ in range(self.pick([0, 0, 0, 1, 2]))]
        changes.sort(key=lambda c: c.at)
        return Customer(f"c{self.seed}.{number}", fields, consents, happened, changes)

    def _instant(self) -> datetime:
        return self.pick(self.era.instants)

    def _happening(self) -> Happening:
        at = self._instant()
        event = self.pick(["purchase", "purchase", "visited", "visited", "opened", "unsubscribed"])
        arrives = at
        if self.is_(6):
            arrives = max(at, self._instant())
        elif self.is_(8) and event in ("purchase", "visited"):
            arrives = min(at, self._instant())
        about = self.random.randrange(50) if event in ("opened", "unsubscribed") else None
        return Happening(arrives, at, event, 0, self._fields(event), about)

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
            case "opened":
                return {"channel": "email"}
        return {
            "channel": self.pick(["email", "email", None]),
            "topic": self.pick(["news", None]),
        }

    def _refreshed(self) -> Change:
        fields: dict[str, Any] = self.pick(
            [
                {"points": self.pick([Fraction(0), Fraction(11), None])},
                {"vip": self.pick([True, False, None])},
                {"timezone": self.pick(self.era.zones)},
                {"seen": self._instant()},
                {"email": self.pick(["new@example.com", None]), "language": "es"},
            ]
        )
        return Change(self._instant(), fields)
