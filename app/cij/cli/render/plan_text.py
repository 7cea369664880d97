"""A plan as text for a terminal: people and messages first, then what the changes mean."""

import textwrap
from collections.abc import Iterable, Iterator

from cij.app.plan_report import PlanReport
from cij.cli.render.colour import Paint, plain
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
from cij.cli.render.review_text import render_review_text
from cij.cli.render.width import shown

_WIDTH = 100


def render_plan_text(report: PlanReport, paint: Paint = plain, *, saved: str | None = None) -> str:
    """Return a plan. `saved` is the name of the file that it was written to."""
    return "\n".join(_lines(report, paint, saved)) + "\n"


def _lines(report: PlanReport, paint: Paint, saved: str | None) -> Iterator[str]:
    is_change = report.base is not None and report.base.hash != report.hash
    if report.environment:
        first, *rest = head_lines(report)
        yield paint("bold", first)
        yield from rest
        yield f"messages go: {delivery_line(report)}"
        yield ""
    yield from run_lines(report)
    yield from (f"  {shown(group_line(group))[0]}" for group in report.people)
    yield from report.kept
    yield from report.foresight.lines() if report.foresight is not None else ()
    if is_change:
        yield from _change(report, paint)
    if report.environment or is_change:
        yield ""
        yield next_step(report, saved)


def _change(report: PlanReport, paint: Paint) -> Iterator[str]:
    days = f"messages of the next {report.days} days, simulated with the data of now"
    yield from _section("who enters and leaves", segment_lines(report), paint)
    yield from _section(days, message_lines(report), paint)
    yield from _section("rules that hold or stop them", rule_lines(report), paint)
    yield from _section("beside other journeys", conflict_lines(report), paint)
    yield from _section("to decide", decisions(report), paint)
    yield from _section("notes", report.notes, paint)
    if report.review is not None:
        yield ""
        yield render_review_text(report.review, paint, is_in_plan=True).rstrip("\n")


def _section(title: str, lines: Iterable[str], paint: Paint) -> Iterator[str]:
    found = list(lines)
    if not found:
        return
    yield ""
    yield paint("bold", title)
    for line in found:
        yield from textwrap.wrap(
            shown(line)[0],
            _WIDTH,
            initial_indent="  ",
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
