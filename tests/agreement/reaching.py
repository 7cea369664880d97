"""How many customers, each a seed, come to each feature of the language, by their traces."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

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


def reached(traces: Iterable[Sequence[str]]) -> Counter[str]:
    """Return how many of the traces have each feature."""
    count: Counter[str] = Counter()
    for lines in traces:
        count.update(n for n, form in FEATURES.items() if any(re.search(form, x) for x in lines))
    return count
