"""A comparison of two projects as text for a terminal."""

import textwrap
from collections.abc import Iterator

from cij.cli.render.colour import Paint, plain
from cij.cli.render.review_figures import (
    COUNT_HINT,
    approval_lines,
    class_words,
    inside_words,
    rows,
    same_figures,
    same_sentence,
    short_labels,
    title,
    to_decide,
    told_in_figures,
)
from cij.cli.render.width import shown
from cij.compiler.review.review_report import Change, JourneyReview, Report

_WIDTH = 100
_FIGURES_MAX = 20
_INDENT = "          "
_STYLES = {"policy": "error", "audience": "warning", "structure removed": "warning"}


def render_review_text(
    report: Report, paint: Paint = plain, *, is_one_file: bool = False, is_in_plan: bool = False
) -> str:
    """Return a comparison: consequences first, then each journey before and after.

    Beside the text diff of one file neither the names of both versions nor the figures are needed. A plan
    has counted the people already.
    """
    shown_report = report.model_copy(update={"journeys": ()}) if is_one_file else report
    head = [] if is_one_file else [f"{report.base.label} -> {report.head.label}"]
    return "\n".join([*head, *_lines(shown_report, paint, is_in_plan)]) + "\n"


def _lines(report: Report, paint: Paint, is_in_plan: bool) -> Iterator[str]:
    yield paint("bold", title(report)) + _decisions(report)
    if report.base.errors:
        yield f"{report.base.label} does not compile, so only what does is compared:"
        yield from (f"  {error}" for error in report.base.errors)
    if not report.changes:
        yield same_sentence(report)
    for change in report.changes:
        yield ""
        yield from _change(change, paint)
    told = told_in_figures(report)
    for review in told[:_FIGURES_MAX]:
        yield ""
        yield from _journey(review, paint)
    if len(told) > _FIGURES_MAX:
        yield f"\n{len(told) - _FIGURES_MAX} more journeys: `--journey NAME` shows one"
    if same := same_figures(report):
        yield ""
        yield from textwrap.wrap(same, _WIDTH)
    for note in report.notes:
        yield ""
        yield from _wrapped("note", note)
    yield from _approvals(report, paint)
    if report.journeys and not is_in_plan:
        yield ""
        yield from textwrap.wrap(COUNT_HINT, _WIDTH)


def _approvals(report: Report, paint: Paint) -> Iterator[str]:
    if report.approvals is None:
        return
    yield ""
    yield paint("bold", "approvals" if report.approvals else "no approval is needed")
    for group, sentence, command in approval_lines(report):
        yield from _wrapped_row(group, sentence)
        if command:
            # On one line, to be copied.
            yield f"    {command}"


def _decisions(report: Report) -> str:
    count = to_decide(report.changes)
    return f"; {count} to decide" if count else ""


def _change(change: Change, paint: Paint) -> Iterator[str]:
    place = f"  {change.place.file}:{change.place.line}" if change.place is not None else ""
    style = _STYLES.get(change.change_class, "bold")
    yield f"{paint(style, class_words(change))}  {change.what}{paint('gutter', place)}"
    if change.before is not None:
        yield paint("error", f"        - {_one_line(change.before)}")
    if change.after is not None:
        yield paint("good", f"        + {_one_line(change.after)}")
    yield from _wrapped("effect", change.effect)
    if change.proof is not None:
        yield from _wrapped("proof", change.proof.sentence)
    yield from _wrapped("who", change.who)
    yield from _wrapped("inside", change.inside)
    yield from _wrapped("decide", change.decide)


def _one_line(text: str) -> str:
    # Texts of authors may hold signs that change what a terminal shows.
    return shown(" ".join(text.split()))[0]


def _wrapped(label: str, text: str) -> Iterator[str]:
    if text:
        head = f"  {label:<8}"
        yield from textwrap.wrap(
            text,
            _WIDTH,
            initial_indent=head,
            subsequent_indent=_INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _journey(review: JourneyReview, paint: Paint) -> Iterator[str]:
    yield paint("bold", f"journey {review.name}, before and after")
    same = []
    for what, before, after in rows(review):
        if before == after:
            same.append(what)
        else:
            yield from _wrapped_row(what, f"{before} -> {after}")
    if same:
        yield from _wrapped_row("as before", ", ".join(short_labels(same)))
    for line in inside_words(review):
        yield from _wrapped_row("inside", line)


def _wrapped_row(label: str, text: str) -> Iterator[str]:
    yield from textwrap.wrap(
        f"{label}: {shown(text)[0]}",
        _WIDTH,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
