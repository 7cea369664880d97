"""Plays the tests of journeys one after the other, and measures their times."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from cij.compiler.story import Story
from cij.runtime.story import StoryPlayer, StoryResult


@dataclass(frozen=True)
class Timed:
    """The result of a story, with its time in seconds."""

    result: StoryResult
    seconds: float

    @property
    def ms(self) -> int:
        return round(self.seconds * 1000)


def played(
    player: StoryPlayer, stories: Iterable[Story], tell: Callable[[Timed], None] | None
) -> list[Timed]:
    """Play the stories and return their results. `tell` is called with each result at once."""
    results = []
    for story in stories:
        results.append(_timed(player, story))
        if tell is not None:
            tell(results[-1])
    return results


def is_wanted(story: Story, match: str) -> bool:
    """Tell whether a text occurs in the title or the journey of a story. Case does not matter."""
    return match.casefold() in f"{story.journey}: {story.title}".casefold()


def _timed(player: StoryPlayer, story: Story) -> Timed:
    start = perf_counter()
    result = player.play(story)
    return Timed(result, perf_counter() - start)


def as_json(results: Sequence[Timed]) -> dict[str, Any]:
    """Return the results in types that JSON has."""
    failed = sum(not t.result.is_ok for t in results)
    return {
        "passed": len(results) - failed,
        "failed": failed,
        "tests": [_plain(t) for t in results],
    }


def _plain(timed: Timed) -> dict[str, Any]:
    story = timed.result.story
    return {
        "title": story.title,
        "case": story.case,
        "journey": story.journey,
        "file": story.place.file,
        "line": story.place.line,
        "passed": timed.result.is_ok,
        "ms": timed.ms,
        "failures": [
            {
                "file": f.place.file,
                "line": f.place.line,
                "column": f.place.column,
                "statement": f.statement,
                "customer": f.customer,
                "found": f.found,
                "hint": f.hint,
                "trace": list(f.trace),
            }
            for f in timed.result.failures
        ],
    }
