"""How many customers, each a seed, come to each feature of the language, by their traces."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from tests.agreement.tale import Tale

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
    "priority": r"^k\d+/\d+ .* message",
}

# What the head of a journey says whose passages have the feature.
HEADS: Mapping[str, str] = {
    "recurring entries": r"enter from segment \w+ every ",
    "starts": r"\nstarts = ",
    "ends": r"\nends = ",
}


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
    return count
