"""A comparison of two projects as Markdown, for a comment on a pull request."""

import re
from collections.abc import Iterator

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
from cij.compiler.review.review_report import Change, JourneyReview, Report

# Forges find the comment by it, and update it in place.
MARKER = "<!-- cij-diff -->"
# A comment of GitHub has 65,536 characters at most.
_CHANGES_MAX = 40


def render_review_markdown(report: Report) -> str:
    """Return a comment that somebody who never saw the product understands."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield MARKER
    yield f"### Journeys: {title(report)}"
    yield ""
    yield _summary(report)
    yield from _errors(report)
    for number, change in enumerate(report.changes[:_CHANGES_MAX], 1):
        yield from _change(number, change)
    if len(report.changes) > _CHANGES_MAX:
        yield f"\n{len(report.changes) - _CHANGES_MAX} more changes: run `cij diff`."
    for review in told_in_figures(report)[:_CHANGES_MAX]:
        yield from _journey(review)
    if same := same_figures(report):
        yield f"\n{markdown_text(same)}"
    for note in report.notes:
        yield f"\nNote: {markdown_text(note)}."
    if report.approvals:
        yield "\n#### Approvals\n"
        for group, sentence, command in approval_lines(report):
            yield f"- **{markdown_text(group)}**: {markdown_text(sentence)}{f' {_code(command)}' if command else ''}"
    if report.journeys:
        yield f"\n{COUNT_HINT}"


def _summary(report: Report) -> str:
    sides = f"Compared: {_code(report.base.label)} → {_code(report.head.label)}."
    if not report.changes:
        return f"{same_sentence(report)} {sides}"
    count = to_decide(report.changes)
    asked = f"**{count} to decide.** " if count else "Nothing to decide. "
    return asked + sides


def _errors(report: Report) -> Iterator[str]:
    if report.base.errors:
        yield f"\n{_code(report.base.label)} does not compile, so only what does is compared:\n"
        yield from (f"- {markdown_text(error)}" for error in report.base.errors)


def _change(number: int, change: Change) -> Iterator[str]:
    place = f" ({_code(f'{change.place.file}:{change.place.line}')})" if change.place else ""
    yield f"\n#### {number}. {class_words(change)}: {markdown_text(change.what)}{place}\n"
    yield from _difference(change)
    for label, text in (
        ("What customers get or miss", change.effect),
        ("Proof", change.proof.sentence if change.proof is not None else ""),
        ("Who is affected", change.who),
        ("People inside now", change.inside),
        ("**To decide**", change.decide),
    ):
        if text:
            yield f"- {label}: {markdown_text(text)}"


def _difference(change: Change) -> Iterator[str]:
    if change.before is None and change.after is None:
        return
    texts = [text for text in (change.before, change.after) if text is not None]
    fence = "`" * max(3, *(len(run) + 1 for text in texts for run in re.findall("`+", text)), 3)
    yield f"{fence}diff"
    if change.before is not None:
        yield f"- {' '.join(change.before.split())}"
    if change.after is not None:
        yield f"+ {' '.join(change.after.split())}"
    yield f"{fence}\n"


def _journey(review: JourneyReview) -> Iterator[str]:
    yield f"\n<details><summary>Journey <code>{markdown_text(review.name)}</code>, before and after</summary>\n"
    found = list(rows(review))
    yield "| | before | after |"
    yield "|---|---|---|"
    for what, before, after in found:
        if before != after:
            yield f"| {what} | {_cell(before)} | {_cell(after)} |"
    same = [what for what, before, after in found if before == after]
    if same:
        yield f"\nAs before: {', '.join(short_labels(same))}."
    lines = list(inside_words(review))
    if lines:
        yield "\nPeople inside when the new version runs:\n"
        yield from (f"- {markdown_text(line)}" for line in lines)
    yield "\n</details>"


def _cell(text: str) -> str:
    return markdown_text(text).replace("|", "\\|")


def markdown_text(text: str) -> str:
    """Return a text in which nothing is HTML or a mention, but code stays code."""
    parts = re.split("(`[^`]*`)", " ".join(text.split()))
    return "".join(p if p.startswith("`") else _plain(p) for p in parts)


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("@", "&#64;")


def _code(text: str) -> str:
    return f"`{text.replace('`', chr(39))}`"
