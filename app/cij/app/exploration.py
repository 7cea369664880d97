"""Random stories over all journeys, and the smallest one that breaks an invariant."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from cij.app.request_error import RequestError
from cij.compiler.program import Place, Program
from cij.compiler.story import Story
from cij.runtime.explore import Explorer, Found
from cij.runtime.explore.play import Observe
from cij.runtime.story import Failure, StoryResult

_PLACE = Place(file="explored", line=1, column=1)


@dataclass(frozen=True, slots=True)
class Explored:
    """The result of exploring, with its seed and its time in seconds."""

    program: Program
    seed: int
    found: Found
    seconds: float

    @property
    def holds(self) -> bool:
        return self.found.broken is None

    def as_json(self) -> dict[str, Any]:
        """Return the result in types that JSON has. `broken` is null where all invariants hold."""
        broken = self.found.broken
        return {
            "seed": self.seed,
            "played": self.found.played,
            "ms": round(self.seconds * 1000),
            "broken": broken
            and {
                "number": broken.number,
                "rule": broken.violation.rule,
                "journey": broken.violation.journey,
                "customer": broken.violation.customer,
                "found": broken.violation.text,
                "test": broken.test,
                "trace": list(broken.trace),
            },
        }

    def as_case(self) -> tuple[StoryResult, float]:
        """Return the result in the form of a test, for JUnit, with its time in seconds."""
        broken = self.found.broken
        title = f"explored from seed {self.seed}"
        story = Story(title, self.program.journeys[0].name, _PLACE, "", ())
        if broken is None:
            return StoryResult(story, (), {}), self.seconds
        failure = Failure(
            place=_PLACE,
            statement=broken.violation.rule,
            customer=broken.violation.customer,
            found=broken.violation.text,
            hint=f"cij test --explore {broken.number} --seed {self.seed}",
            trace=(*broken.test.splitlines(), *broken.trace),
        )
        return StoryResult(story, (failure,), {}), self.seconds


def explore(
    program: Program,
    count: int,
    seed: int,
    observe: Observe | None,
    progress: Callable[[int, int], None] = lambda played, count: None,
) -> Explored:
    """Draw and play `count` stories, or fewer up to the first violation.

    `progress` is called with the number of played stories and `count`; at the end with zeros.
    Raises: RequestError where there is no journey.
    """
    if not program.journeys:
        raise RequestError("there is no journey to explore")
    start = perf_counter()
    with closing(Explorer(program, seed, observe)) as explorer:
        found = explorer.explore(count, lambda played: progress(played, count))
    progress(0, 0)
    return Explored(program, seed, found, perf_counter() - start)
