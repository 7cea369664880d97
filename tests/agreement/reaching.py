"""Count how many seeds exercise each feature of the language, by their traces."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from tests.agreement.scenario import Customer, Scenario

# By feature: a pattern that matches a line of a trace which the feature wrote.
FEATURES: Mapping[str, str] = {
    "quiet hours": r":hold \(",
    "a cap that drops messages": r" capped \(",
    "a cap that delays messages": r":capped \(",
    "a rolling cap": r" capped \(at most \d \w+ per (?!calendar)",
    "a calendar cap": r" capped \(at most \d \w+ per calendar",
    "a cap of several messages": r" capped \(at most [23] ",
    "never send": r" suppressed \(never",
    "the suppression list": r" suppressed \(on the suppression list",
    "validity": r" expired \(",
    "no consent": r" no_consent \(",
    "no address": r" no_address \(",
    "holdout": r" withheld \(",
    "a call": r" message (\w+\.)?d\d+ delivered",
    "an answer to a call": r" \(ask\.done\)$",
    "an answer before the wait": r":? \(came before\)$",
    "one of the first places": r"^p\d+/.* w3 ",
    "no place left": r"^p\d+/.* [ew]4 ",
    "the best message": r"^b\d+/\d+ .* message b1 delivered",
    "priority": r"^k\d+/\d+ .* message",
    "an outcome that is asked for": r" o\d+ \(",
    # An event with a name is drawn too rarely to be counted; `test_noted_events` has its cases.
    "a consent that a journey gives": r" y\d+ \(",
    "a stop": r" as stopped by stopped$",
}

# By feature: a pattern in the head of a journey that has passages.
HEADS: Mapping[str, str] = {
    "recurring entries": r"enter from segment \w+ every ",
    "starts": r"\nstarts = ",
    "ends": r"\nends = ",
    "a limit": r"\nlimit = ",
}

# Features that a trace shows only together with the scenario.
OTHERS = (
    *("an entry out of a queue", "the end of a pause", "a consent that data changes"),
    "a right to enter that was kept",
    "a newcomer",
    "an arm that has won",
)


NAMES = (*FEATURES, *HEADS, *OTHERS)


def reached(scenarios: Sequence[Scenario], traces: Mapping[str, Sequence[str]]) -> Counter[str]:
    """Return by feature the number of traces that have it."""
    count: Counter[str] = Counter()
    for scenario in scenarios:
        heads = {h.split(" ", 1)[0]: h for h in scenario.text.split("\njourney ")[1:]}
        for lines in (traces[c.id] for c in scenario.customers):
            count.update(
                n for n, form in FEATURES.items() if any(re.search(form, x) for x in lines)
            )
            names = {line.split("/")[0] for line in lines}
            mine = [heads[name] for name in names]
            count.update(n for n, form in HEADS.items() if any(re.search(form, h) for h in mine))
        for customer in scenario.customers:
            count.update(_others(scenario, customer, traces[customer.id], heads))
    return count


# A trace of a late tick has no instants.
_ARM = re.compile(r"w\d+/\d+ (?:\S+ \S+)? (w[23]) ")


def _others(
    scenario: Scenario, customer: Customer, lines: Sequence[str], heads: Mapping[str, str]
) -> Iterator[str]:
    happened = {str(h.at) for h in customer.arrivals}
    for line in lines:
        found = re.match(r"(\w+)/\d+ entered (.{19,26}) from", line)
        if found and "\nenter on " in heads[found[1]] and found[2] not in happened:
            yield OTHERS[0]
            break
    if any(line.startswith("r") and _was_kept(line, lines) for line in lines):
        yield OTHERS[3]
    if lines and customer.comes:
        yield OTHERS[4]
    # A customer's own arm is always the same one.
    if {"w2", "w3"} <= {found[1] for line in lines if (found := _ARM.match(line))}:
        yield OTHERS[5]
    resumed = {str(order.at) for order in scenario.orders if order.word == "resume"}
    if any(at in line for at in resumed for line in lines):
        yield OTHERS[1]
    refused = re.compile(r"/\d+ (.{19,26}) message \w+ no_consent ")
    said = [found[1] for line in lines if (found := refused.search(line))]
    if any(
        str(c.at) <= at for c in customer.changes for at in said if False in c.consents.values()
    ):
        yield OTHERS[2]


# How long after a passage the next one may begin, in the journeys that `drawing` makes for this.
_AGAIN_DAYS = (0, 3, 7)


def _was_kept(line: str, lines: Sequence[str]) -> bool:
    """Tell whether a passage began as soon as the one before it allowed."""
    found = re.match(r"(r\d+)/(\d+) entered (.{19,26}) from", line)
    if found is None:
        return False
    before = re.compile(rf"{found[1]}/{int(found[2]) - 1} ended (.{{19,26}}) as")
    ended = [m[1] for x in lines if (m := before.match(x))]
    if not ended:
        return False
    after = datetime.fromisoformat(found[3]) - datetime.fromisoformat(ended[0])
    # A change of the clock, or of the customer's zone, makes a day longer or shorter.
    return any(
        abs(after - timedelta(days=n)) <= timedelta(hours=2 if n else 0) for n in _AGAIN_DAYS
    )
