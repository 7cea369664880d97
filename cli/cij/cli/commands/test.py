"""`cij test`: run the tests that the journeys carry."""

import json
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import click

from cij.cli.compiling import compiled_stories
from cij.cli.exits import Exit
from cij.cli.junit import junit
from cij.cli.render.colour import Paint, painter
from cij.cli.writing import write_atomically
from cij.compiler.story import Story
from cij.runtime.story import Failure, StoryPlayer, StoryResult


@dataclass(frozen=True)
class Timed:
    """The result of a story and how long it took."""

    result: StoryResult
    seconds: float

    @property
    def ms(self) -> int:
        return round(self.seconds * 1000)


@click.command(
    epilog="""\b
Examples:
  cij test
  cij test examples/loyalty --match reminded
  cij test journeys/loyalty.journey     # the tests of one file
  cij test --junit report.xml"""
)
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--match", default="", metavar="TEXT", help="Only tests with TEXT in their title.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option("--junit", "report", type=click.Path(path_type=Path), help="Write JUnit XML to FILE.")
@click.option("--verbose", "-v", is_flag=True, help="Show what happened to every customer.")
def command(path: Path, match: str, as_json: bool, report: Path | None, verbose: bool) -> None:
    """Run the `test` blocks of the project at PATH, or of one file.

    Each test plays one journey in memory, on its own clock, with the engine that runs live; nothing
    is sent and no data is read. Times are local to the project's zone.
    """
    program, found = compiled_stories(path)
    stories = [s for s in found if _is_wanted(s, match)]
    paint = painter(sys.stdout)
    results = []
    with closing(StoryPlayer(program)) as player:
        for story in stories:
            results.append(_timed(player, story))
            if not as_json:
                click.echo(_told(results[-1], paint, verbose, program.timezone), nl=False)
    if report is not None:
        write_atomically(report, junit([(t.result, t.seconds) for t in results]))
    click.echo(_as_json(results) if as_json else _summary(results, found, match))
    if not all(t.result.is_ok for t in results):
        raise click.exceptions.Exit(Exit.ERRORS)


def _is_wanted(story: Story, match: str) -> bool:
    return match.casefold() in story.title.casefold()


def _timed(player: StoryPlayer, story: Story) -> Timed:
    start = perf_counter()
    result = player.play(story)
    return Timed(result, perf_counter() - start)


# --- text -------------------------------------------------------------------------------------


def _told(timed: Timed, paint: Paint, is_verbose: bool, zone: str) -> str:
    result = timed.result
    verdict = paint("good", "ok  ") if result.is_ok else paint("error", "FAIL")
    lines = [f"{verdict}  {result.story.journey}: {result.story.title} ({timed.ms} ms)"]
    for failure in result.failures:
        lines += _failure(failure)
    told = dict.fromkeys(f.customer for f in result.failures)
    last = {f.customer: f.trace for f in result.failures}
    traces = result.traces if is_verbose else {name: last[name] for name in told}
    for name, trace in traces.items():
        lines.append(f'      what happened to "{name}" ({zone}):')
        lines += [f"        {line}" for line in trace]
    return "".join(line + "\n" for line in lines)


def _failure(failure: Failure) -> list[str]:
    lines = [f"      {failure.place}: {failure.statement}", f"        but: {failure.found}"]
    return lines + ([f"        hint: {failure.hint}"] if failure.hint else [])


def _summary(results: list[Timed], found: tuple[Story, ...], match: str) -> str:
    if not found:
        return 'no tests: add `test "…" for JOURNEY { … }` to a .journey file'
    if not results:
        return f"no test has `{match}` in its title; there are {len(found)}"
    failed = sum(not t.result.is_ok for t in results)
    noun = "test" if len(results) == 1 else "tests"
    counts = f"{len(results) - failed} passed, {failed} failed"
    return f"{len(results)} {noun}: {counts} ({sum(t.ms for t in results)} ms)"


# --- JSON -------------------------------------------------------------------------------------


def _as_json(results: list[Timed]) -> str:
    failed = sum(not t.result.is_ok for t in results)
    whole = {
        "passed": len(results) - failed,
        "failed": failed,
        "tests": [_plain(t) for t in results],
    }
    return json.dumps(whole, indent=2, ensure_ascii=False)


def _plain(timed: Timed) -> dict[str, Any]:
    story = timed.result.story
    return {
        "title": story.title,
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
