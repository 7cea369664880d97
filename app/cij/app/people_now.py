"""How many people are in each segment and at each step, for editors."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cij.app.status import status
from cij.runtime.errors import WorldError

# A look at the store takes longer than an editor can wait for at each key.
_KEPT_S = 10.0


@dataclass(frozen=True, slots=True)
class PeopleNow:
    """Counts by (kind, name): `("segment", "loyal")`, `("step", "welcome.week")`."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def at(self, kind: str, name: str) -> int | None:
        """Return the number of people; None where nothing has run, or for another kind of name."""
        found = self.counts.get((kind, name))
        # Nobody is at a step without a row, once anything is known.
        return 0 if found is None and kind == "step" and self.counts else found


def people_now(root: Path) -> PeopleNow:
    """Return the counts of the project at `root`; none where nothing has run, or the store cannot
    be read."""
    try:
        report = status(root).report
    except WorldError:
        return PeopleNow()
    counts = {("segment", name): count for name, count in report.segments if count is not None}
    for each in report.standing:
        key = ("step", f"{each.journey}.{each.step}")
        counts[key] = counts.get(key, 0) + each.count
    return PeopleNow(counts)


class RecentPeople:
    """The counts of a moment ago. `steady` is a clock in seconds that never goes back."""

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._found: dict[Path, tuple[float, PeopleNow]] = {}

    def of(self, root: Path) -> PeopleNow:
        now = self._steady()
        found = self._found.get(root)
        if found is None or now - found[0] > _KEPT_S:
            found = self._found[root] = (now, people_now(root))
        return found[1]
