"""How many customers, each a seed, come to each feature of the language, by their traces."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tests.agreement.tale import Customer, Tale

# What a line of a trace looks like where a feature did something.
FEATURES: Mapping[str, str] = {
    "quiet hours": r":hold \(",
    "a cap that leaves out": r" capped \(",
    "a cap that has people wait": r":capped \(",
    "a rolling cap": r" capped \(at most \d \w+ per (?!calendar)",
    "a calendar cap": r" capped \(at most \d \w+ per calendar",
    "never send": r" suppressed \(never",
    "the suppression list": r" suppressed \(on the suppression list",
    "validity": r" expired \(",
    "no consent": r" no_consent \(",
    "no address": r" no_address \(",
    "holdout": r" withheld \(",
    "a call": r" message (\w+\.)?d\d+ delivered",
    "an answer to a call": r" \(ask\.done\)$",
    "an answer before the wait": r":? \(came before\)$",
    "priority": r"^k\d+/\d+ .* message",
    "a stop": r" as stopped by stopped$",
}

# What the head of a journey says whose passages have the feature.
HEADS: Mapping[str, str] = {
    "recurring entries": r"enter from segment \w+ every ",
    "starts": r"\nstarts = ",
    "ends": r"\nends = ",
    "a limit": r"\nlimit = ",
}

# What is seen only beside what happened to the customer.
OTHERS = ("an entry out of a queue", "the end of a pause", "a consent that data changes")


def reached(tales: Sequence[Tale], told: Mapping[str, Sequence[str]]) -> Counter[str]:
    """Return how many of the traces have each feature."""
    count: Counter[str] = Counter()
    for tale in tales:
        heads = {h.split(" ", 1)[0]: h for h in tale.text.split("\njourney ")[1:]}
        for lines in (told[c.id] for c in tale.customers):
            count.update(
                n for n, form in FEATURES.items() if any(re.search(form, x) for x in lines)
            )
            names = {line.split("/")[0] for line in lines}
            mine = [heads[name] for name in names]
            count.update(n for n, form in HEADS.items() if any(re.search(form, h) for h in mine))
        for customer in tale.customers:
            count.update(_others(tale, customer, told[customer.id], heads))
    return count


def _others(
    tale: Tale, customer: Customer, lines: Sequence[str], heads: Mapping[str, str]
) -> Iterator[str]:
    happened = {str(h.at) for h in customer.happenings}
    for line in lines:
        found = re.match(r"(\w+)/\d+ entered (.{19,26}) from", line)
        if found and "\nenter on " in heads[found[1]] and found[2] not in happened:
            yield OTHERS[0]
            break
    resumed = {str(order.at) for order in tale.orders if order.word == "resume"}
    if any(at in line for at in resumed for line in lines):
        yield OTHERS[1]
    refused = re.compile(r"/\d+ (.{19,26}) message \w+ no_consent ")
    said = [found[1] for line in lines if (found := refused.search(line))]
    if any(
        str(c.at) <= at for c in customer.changes for at in said if False in c.consents.values()
    ):
        yield OTHERS[2]
