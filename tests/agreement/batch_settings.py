"""What the scenarios of one batch share: start, zones, instants, policies."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from tests.reference_evaluator import length_of, stepped, to_instant

DAYS = 36
STREAMS = 80
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
# The start, and local times near which much happens: changes of the clock and ends of months.
STARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
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
    "1 day 30 minutes",
    "2 days",
    "3 days",
    "1 week",
    "1 month",
)

QUIET = (
    "21:00..08:00",
    "21:00..08:00",
    "01:30..03:00",
    "00:00..09:00",
    "22:15..02:30",
    "9:00..17:00",
)
ROLLING = (
    "at most 1 email per 7 days",
    "at most 1 email per 1 day 12 hours",
    "at most 1 messages per 24 hours",
    "at most 1 messages per 1 month",
    "at most 2 messages per 1 month",
)
CALENDAR = (
    "at most 1 messages per calendar week",
    "at most 1 messages per calendar month",
    "at most 1 email per calendar day",
    "at most 2 email per calendar month",
)
# By batch: caps that drop messages, caps that delay them. None is a batch without policies.
CAPS: tuple[tuple[Sequence[Sequence[str]], Sequence[Sequence[str]]] | None, ...] = (
    None,
    ((CALENDAR,), ()),
    ((), (ROLLING,)),
    ((ROLLING,), ()),
    ((), ()),
    ((ROLLING, CALENDAR), ()),
    ((), (CALENDAR,)),
    None,
    ((CALENDAR,), (ROLLING,)),
)
# Of twenty batches the last four have journeys that call actions and wait for answers.
BATCH_CYCLE, WITH_CALLS = 20, 4
NEVER = (
    "sms when vip",
    "when points > 10",
    "email when count(visited) > 1",
    "when in segment loud",
)


class BatchSettings:
    """Few zones and few instants, so that the customers of a batch share ticks."""

    def __init__(self, number: int, random: Random) -> None:
        start, marks = random.choice(STARTS)
        self.start = datetime.fromisoformat(start)
        self.marks = [datetime.fromisoformat(text) for text in marks]
        self.zones = random.sample(ZONES, 3)
        self.instants = [self.start]
        for _ in range(INSTANTS):
            self.instants.append(self._instant(random))
        self.has_calls = number % BATCH_CYCLE >= BATCH_CYCLE - WITH_CALLS
        self.caps: list[str] = []
        caps = CAPS[number % len(CAPS)]
        self.policies = "" if caps is None else self._policies(number, random, *caps)

    def _instant(self, random: Random) -> datetime:
        """Return an instant that others are likely to share: a mark, or a duration away from one."""
        zone = random.choice(self.zones)
        local = zone if zone and zone != "Nowhere/Atall" else PROJECT_ZONE
        at = random.choice([*self.instants, *(to_instant(mark, local) for mark in self.marks)])
        for _ in range(random.choice([0, 1, 1, 2])):
            length = length_of(random.choice(DURATIONS))
            at = stepped(at, length, random.choice([1, 1, -1]), local)
        at += timedelta(seconds=random.choice([0, 0, 0, 0, 1, -1]))
        return min(max(at, self.start), self.start + timedelta(days=DAYS))

    def _policies(
        self,
        number: int,
        random: Random,
        out: Sequence[Sequence[str]],
        wait: Sequence[Sequence[str]],
    ) -> str:
        """Return two policies of the project: one drops what is too much, one delays it."""
        quiet = [f"quiet {random.choice(QUIET)}"] * bool(number % 3)
        never = [f"never send {random.choice(NEVER)}"] * random.choice([0, 1])
        left_out, waiting = [[random.choice(each) for each in kinds] for kinds in (out, wait)]
        self.caps = [*left_out, *waiting]
        text = _policy("contact", [*quiet, *left_out, *never])
        return text + (_policy("patience", [*waiting, "on cap wait"]) if waiting else "")


def _policy(name: str, rules: list[str]) -> str:
    return f"\npolicy {name} {{\n" + "\n".join(rules) + "\n}\n"
