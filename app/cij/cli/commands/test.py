"""`cij test`: runs the tests of the journeys."""

import json
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cij.app.atomic_write import write_atomically
from cij.app.compile import compiled_stories
from cij.app.journey_tests import Timed, as_json as plain, is_wanted, played
from cij.cli.arguments import Amount
from cij.cli.exits import Exit
from cij.cli.junit import junit
from cij.cli.render.colour import Paint, painter
from cij.compiler.program import Program
from cij.compiler.story import Story
from cij.runtime.story import Failure, StoryPlayer

if TYPE_CHECKING:
    from cij.app.exploration import Explored


@click.command(
    epilog="""\b
Examples:
  cij test
  cij test examples/loyalty --match reminded
  cij test --match loyalty_reward       # the tests of one journey
  cij test journeys/loyalty.journey     # the tests of one file
  cij test --junit report.xml
  cij test --coverage --fail-under 80   # arms, waits and locales that no test reaches
  cij test --explore 200                # random people and events over all journeys"""
)
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option(
    "--match", default="", metavar="TEXT", help="Only tests with TEXT in their title or journey."
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option("--junit", "report", type=click.Path(path_type=Path), help="Write JUnit XML there.")
@click.option("--verbose", "-v", is_flag=True, help="Show what happened to every customer.")
@click.option("--coverage", "is_covering", is_flag=True, help="List what no test reaches.")
@click.option(
    "--fail-under",
    type=Amount(0, 100),
    metavar="PERCENT",
    help="With coverage: fail (exit code 1) when less is covered.",
)
@click.option(
    "--explore",
    "drawn",
    type=click.IntRange(min=1),
    metavar="N",
    help="Also play N random stories over all journeys.",
)
@click.option(
    "--seed", default=0, show_default=True, help="Another number gives other random stories."
)
def command(
    path: Path,
    match: str,
    as_json: bool,
    report: Path | None,
    verbose: bool,
    is_covering: bool,
    fail_under: float | None,
    drawn: int | None,
    seed: int,
) -> None:
    """Run the `test` blocks of the project at PATH, or of one file.

    Each test plays one journey in memory, on its own clock, with the engine of a live run. It sends
    nothing and reads no data. Times are local to the project's zone.

    With --explore, customers, consents and events are random, with times around the deadlines of
    the journeys. In every story, passages move on, exits, consent, quiet hours, caps and the
    suppression list are respected, and a replay gives the same history. The smallest story that
    breaks a rule is printed as a test to keep.
    """
    program, found = compiled_stories(path)
    stories = [s for s in found if is_wanted(s, match)]
    if found and match and not stories and drawn is None:
        # A misspelt title must fail. Otherwise CI would pass without any test.
        raise click.UsageError(_none_of(found, match))
    coverage = _Covered(program) if is_covering or fail_under is not None else None
    player = StoryPlayer(program, verbose, coverage.read if coverage else None)
    with closing(player):
        results = played(player, stories, None if as_json else _teller(verbose, program.timezone))
    explored = _explored(program, drawn, seed, coverage)
    if report is not None:
        cases = [(t.result, t.seconds) for t in results]
        write_atomically(report, junit([*cases, *([explored.as_case()] if explored else [])]))
    if as_json:
        whole = plain(results) | ({"coverage": coverage.as_json()} if coverage else {})
        whole |= {"explored": explored.as_json()} if explored else {}
        click.echo(json.dumps(whole, indent=2, ensure_ascii=False))
    else:
        click.echo(_summary(results, found, match))
        if explored:
            from cij.cli.explored_text import print_explored

            print_explored(explored)
        if coverage:
            coverage.print()
    is_enough = coverage is None or coverage.is_enough(fail_under)
    holds = all(t.result.is_ok for t in results) and (explored is None or explored.holds)
    if not (is_enough and holds):
        raise click.exceptions.Exit(Exit.ERRORS)


Tell = Callable[[Timed], None]


def _teller(is_verbose: bool, zone: str) -> Tell:
    paint = painter(sys.stdout)
    return lambda timed: click.echo(_result(timed, paint, is_verbose, zone), nl=False)


def _explored(
    program: Program, count: int | None, seed: int, coverage: "_Covered | None"
) -> "Explored | None":
    """Return the result of exploring; None without `--explore`."""
    if count is None:
        return None
    from cij.app.exploration import explore
    from cij.cli.explored_text import progress

    return explore(program, count, seed, coverage.read if coverage else None, progress)


class _Covered:
    """The coverage of the tests. Its modules are imported only with `--coverage`."""

    def __init__(self, program: Program) -> None:
        from cij.app import coverage_report
        from cij.runtime.story.coverage import Coverage

        self._report = coverage_report
        self._coverage = Coverage(program)
        self.read = self._coverage.read

    def as_json(self) -> dict[str, Any]:
        return self._report.as_json(self._coverage)

    def print(self) -> None:
        from cij.cli.coverage_table import print_coverage

        print_coverage(self._coverage)

    def is_enough(self, percent: float | None) -> bool:
        """Return whether at least `percent` is covered, and print a message where it is not."""
        found = self._report.share(self._coverage.points.values())
        if percent is None or found >= percent:
            return True
        click.echo(f"cij: {found:g}% is covered, less than {percent:g}%", err=True)
        return False


# --- text -------------------------------------------------------------------------------------


def _result(timed: Timed, paint: Paint, is_verbose: bool, zone: str) -> str:
    result = timed.result
    verdict = paint("good", "ok  ") if result.is_ok else paint("error", "FAIL")
    lines = [f"{verdict}  {result.story.journey}: {result.story.title} ({timed.ms} ms)"]
    for failure in result.failures:
        lines += _failure(failure)
    failed = dict.fromkeys(f.customer for f in result.failures)
    # The last failure of a customer has their longest trace.
    last = {f.customer: f.trace for f in result.failures}
    traces = result.traces if is_verbose else {name: last[name] for name in failed}
    for name, trace in traces.items():
        lines.append(f'      what happened to "{name}" ({zone}):')
        lines += [f"        {line}" for line in trace]
    return "".join(line + "\n" for line in lines)


def _failure(failure: Failure) -> list[str]:
    lines = [f"      {failure.place}: {failure.statement}", f"        but: {failure.found}"]
    return lines + ([f"        hint: {failure.hint}"] if failure.hint else [])


def _none_of(found: tuple[Story, ...], match: str) -> str:
    return f"no test has `{match}` in its title or journey; there are {len(found)} others"


def _summary(results: list[Timed], found: tuple[Story, ...], match: str) -> str:
    if not found:
        return 'no tests: add `test "…" for JOURNEY { … }` to a .journey file'
    if not results:
        return _none_of(found, match)
    failed = sum(not t.result.is_ok for t in results)
    noun = "test" if len(results) == 1 else "tests"
    counts = f"{len(results) - failed} passed, {failed} failed"
    return f"{len(results)} {noun}: {counts} ({sum(t.ms for t in results)} ms)"
