"""Draw conditions over the shared vocabulary."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from tests.agreement.batch_settings import DURATIONS, BatchSettings

_Option = TypeVar("_Option")


class DrawingConditions:
    """The state of drawing one scenario.

    `made` counts the steps drawn so far. `sends` and `calls` are the labels of the messages and
    calls that every path to this place has made.
    """

    def __init__(self, random: Random, number: int, batch: BatchSettings) -> None:
        self.random, self.seed, self.batch = random, number, batch
        self.start, self.marks = batch.start, batch.marks
        self.made, self.left = 0, 9
        self.sends: list[str] = []
        self.calls: list[str] = []
        self.trigger: str | None = None
        # Conditions that are valid only in this journey, or only in this fragment.
        self.kept: list[str] = []
        self.is_inside = False

    def pick(self, options: Sequence[_Option]) -> _Option:
        return options[self.random.randrange(len(options))]

    def is_(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0

    @property
    def group(self) -> str:
        """The first name of the customers of this scenario; its journeys let in no others."""
        return f"t{self.seed}"

    def condition(self, depth: int = 1) -> str:
        forms = ["plain", "plain", "events", "events", "time"] + ["trigger"] * bool(self.trigger)
        forms += ["and", "or", "not"] if depth else []
        # Steps of a fragment have other names where it is run.
        forms += ["result"] * (bool(self.calls) and not self.is_inside)
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
            case "result":
                return self.result()
            case "not":
                return f"not ({self.condition(depth - 1)})"
            case word:
                return f"({self.condition(depth - 1)} {word} {self.condition(depth - 1)})"

    def result(self) -> str:
        return f"{self.pick(self.calls)}.score {self.pick(['> 0', '= 1', 'is known'])}"

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
                f"count(distinct visited.page within last {length}) >= {count}",
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
            "visited": [
                'page matches "a|xy*"',
                'page starts with any of ["b", "c"]',
                "minutes > 1",
            ],
            "opened": ['channel = "email"'],
            "done": ["score > 1", "score = 0"],
            "unsubscribed": ['topic = "news"', 'channel = "email"'],
        }
        return f" where {self.pick([*fields[event], 'vip'])}"
