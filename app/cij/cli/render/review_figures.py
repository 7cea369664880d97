"""The rows of `before and after` of a journey, for all forms of a comparison."""

from collections.abc import Callable, Iterator, Sequence

from cij.compiler.review.review_report import Change, Figures, JourneyReview, Report, Requirement
from cij.compiler.unparse import seconds_words

# What a row has for a side that is not there.
_NOTHING = "-"
_MOST = "most messages"
_VERSION = "version"
_NAMED_MAX = 10
COUNT_HINT = (
    "How many people? Only data can tell: `cij plan` counts who would enter and leave, and who stands at "
    "each step. It changes nothing."
)


def title(report: Report) -> str:
    """Return how many changes there are, by class."""
    changes = report.changes
    if not changes:
        return "no change of meaning"
    classes: dict[str, int] = {}
    for change in changes:
        classes[change.change_class] = classes.get(change.change_class, 0) + 1
    count = f"{len(changes)} change{'' if len(changes) == 1 else 's'}"
    parts = (f"{n} {'without effect' if c == 'none' else c}" for c, n in classes.items())
    return f"{count} ({', '.join(parts)})"


def class_words(change: Change) -> str:
    """Return the class of a change as a heading."""
    return "NO EFFECT" if change.change_class == "none" else change.change_class.upper()


def short_labels(labels: Sequence[str]) -> Iterator[str]:
    """Yield the labels of rows, those of the windows together."""
    windows = [label for label in labels if label.startswith(_MOST)]
    if windows:
        *days, last = (label.rpartition(" in ")[2] for label in windows)
        yield f"most messages in {', '.join([*(d.partition(' ')[0] for d in days), last])}"
    yield from (label for label in labels if label not in windows)


def to_decide(changes: Sequence[Change]) -> int:
    """Return how many changes somebody has to decide about."""
    return sum(bool(change.decide) for change in changes)


def same_sentence(report: Report) -> str:
    """Return what an empty comparison means."""
    program = report.head.hash
    if program is not None and program == report.base.hash:
        return f"Nothing changes for customers: both compile to the same program ({program[:8]})."
    if report.notes or report.base.errors:
        return "No change was found in what can be compared."
    return "Nothing changes for customers: only the order in which things are written differs."


def told_in_figures(report: Report) -> list[JourneyReview]:
    """Return the journeys with figures to compare: of one that is gone the change says all."""
    return [review for review in report.journeys if _is_told(review)]


def _is_told(review: JourneyReview) -> bool:
    differs = any(before != after for what, before, after in rows(review) if what != _VERSION)
    stays = all(each.what == "stays" for each in review.inside)
    return review.after is not None and (differs or not stays)


def same_figures(report: Report) -> str:
    """Return which journeys have another version and the same figures; empty where there are none."""
    found = [r for r in report.journeys if r.after is not None and not _is_told(r)]
    if not found:
        return ""
    named = ", ".join(f"{r.name} ({_versions(r)})" for r in found[:_NAMED_MAX])
    more = f" and {len(found) - _NAMED_MAX} more" if len(found) > _NAMED_MAX else ""
    return f"All figures are as before, and people inside finish their version: {named}{more}."


def _versions(review: JourneyReview) -> str:
    return "{1} -> {2}".format(*next(iter(rows(review))))


def rows(review: JourneyReview) -> Iterator[tuple[str, str, str]]:
    """Yield (what, before, after) for all figures of a journey."""
    yield _row(_VERSION, review, lambda s: (s.version or "")[:8])
    for days in (review.after or review.before or _no_figures()).most_messages:
        yield _row(_window(days), review, _most_in(days))
    yield _row("longest stay", review, _stay)
    yield _row("goals", review, lambda s: _list(s.goals))
    yield _row("exits", review, lambda s: _list(s.exits))
    yield _row("tests", review, lambda s: _list(s.tests))
    yield _row("messages", review, _messages)


def _row(what: str, review: JourneyReview, read: Callable[[Figures], str]) -> tuple[str, str, str]:
    before, after = review.before, review.after
    return (
        what,
        read(before) if before is not None else _NOTHING,
        read(after) if after is not None else _NOTHING,
    )


def _most_in(days: str) -> Callable[[Figures], str]:
    return lambda side: _count(side.most_messages[days])


def _no_figures() -> Figures:
    return Figures(
        version=None,
        most_messages={},
        longest_stay_s=None,
        goals=(),
        exits=(),
        tests=(),
        messages={},
    )


def _window(days: str) -> str:
    return f"{_MOST} to one customer in {days} day{'' if days == '1' else 's'}"


def _count(count: int | None) -> str:
    return "no limit" if count is None else str(count)


def _stay(side: Figures) -> str:
    if side.longest_stay_s is None:
        return "no limit"
    return seconds_words(side.longest_stay_s) if side.longest_stay_s else "none: it ends at once"


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _messages(side: Figures) -> str:
    return ", ".join(f"{n} ({' '.join(locales)})" for n, locales in side.messages.items()) or "none"


def inside_words(review: JourneyReview) -> Iterator[str]:
    """Yield where those who wait at a step go on; steps with the same answer are one line."""
    by_answer: dict[tuple[str, str], list[str]] = {}
    for each in review.inside:
        by_answer.setdefault((each.what, each.to_step), []).append(each.step)
    for (what, to), steps in by_answer.items():
        names = ", ".join(f"`{step}`" for step in steps)
        yield f"people who wait at {names} {_GO_ON[what].format(to=to)}"


_GO_ON = {
    "stays": "finish the version they entered with",
    "adopts": "go on in the new version at `{to}`",
    "moves": "go on at once at `{to}` of the new version",
    "ends": "leave at once as `{to}`",
    "stuck": "have no place in the new version, and `cij run` refuses it while somebody waits there",
}


def approval_lines(report: Report) -> Iterator[tuple[str, str, str]]:
    """Yield (group, sentence, command that approves) for each approval that is needed."""
    for each in report.approvals or ():
        about = ", ".join(f"`{address}`" for address in each.changes)
        if each.approved_by is not None:
            yield each.needs, f"{each.approved_by} has approved {about}", ""
        else:
            who = f"One of {', '.join(each.approvers)} adds a commit to the branch:"
            yield each.needs, f"missing for {about}. {who}", _approving(each)


def _approving(each: Requirement) -> str:
    trailer = f"Cij-Approved: {each.needs} {each.program}"
    return f'git commit --allow-empty -m "Approve" --trailer "{trailer}"'
