"""A plan as Markdown, for a comment on a pull request."""

from collections.abc import Iterable, Iterator

from cij.app.plan_report import PlanReport
from cij.cli.render.plan_words import (
    conflict_lines,
    decisions,
    delivery_line,
    group_line,
    head_lines,
    message_lines,
    next_step,
    rule_lines,
    run_lines,
    segment_lines,
)
from cij.cli.render.review_markdown import markdown_text, render_review_markdown


def render_plan_markdown(report: PlanReport, *, saved: str | None = None) -> str:
    """Return a comment that somebody who never saw the product understands."""
    return "\n".join(_lines(report, saved)) + "\n"


def _lines(report: PlanReport, saved: str | None) -> Iterator[str]:
    # A forge finds the comment of an environment by it, and updates it in place.
    yield f"<!-- cij-plan {report.environment or 'files'} -->"
    where = f"<code>{report.environment}</code>" if report.environment else "the next run"
    yield f"### Plan for {where}\n"
    asked = list(decisions(report))
    yield f"**{len(asked)} to decide.**" if asked else "Nothing to decide."
    yield from _list("To decide", asked)
    yield from _list("Who enters and leaves", (line.strip() for line in segment_lines(report)))
    yield from _list(
        "People inside journeys that change",
        [group_line(group) for group in report.people] or ["Nobody is inside."],
    )
    yield from _list(
        f"Messages of the next {report.days} days, simulated with the data of now",
        message_lines(report),
    )
    yield from _list("Rules that hold or stop them", rule_lines(report))
    yield from _list("Beside other journeys", conflict_lines(report))
    foresight = report.foresight
    yield from _list("Data of now", foresight.lines() if foresight is not None else ())
    yield from _list("Journeys", (" ".join(line.split()) for line in run_lines(report)))
    yield from _list("Notes", [*report.notes, *report.kept])
    yield from _list("Programs", [*head_lines(report), f"messages go: {delivery_line(report)}"])
    if report.review is not None:
        yield "\n<details><summary>What each change means</summary>\n"
        # Two comments must not have the same mark.
        yield "\n".join(render_review_markdown(report.review).split("\n")[1:])
        yield "</details>"
    yield f"\n{markdown_text(next_step(report, saved))}"


def _list(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield f"\n#### {title}\n"
        yield from (f"- {markdown_text(line)}" for line in found)
