"""What has moved between a plan and now: each difference is a sentence that says what the plan printed."""

from collections.abc import Hashable, Iterator, Mapping

from cij.app.plan_report import PlanReport, Running

_OF_PEOPLE = ("new", "absent", "merged", "split", "other_id")


def moved_since(plan: PlanReport, now: PlanReport, drift: float = 0.0) -> Iterator[str]:
    """Yield what makes a plan untrue. Counts may differ by the share `drift`, everything else not at all."""
    if plan.hash != now.hash:
        yield (
            f"the files have changed: the plan is of the program {plan.hash[:8]}, and they compile to "
            f"{now.hash[:8]}"
        )
        return
    yield from _of_programs(plan, now)
    if plan.held != now.held:
        yield "journeys were paused, resumed or stopped"
    if plan.delivery != now.delivery:
        yield "the settings say now that messages go elsewhere"
    yield from _of_counts(_groups(plan), _groups(now), drift)
    yield from _of_counts(_segments(plan), _segments(now), drift)
    if plan.foresight is not None:
        yield from _of_counts(_data(plan), _data(now), drift)


def _of_programs(plan: PlanReport, now: PlanReport) -> Iterator[str]:
    was, runs = plan.base, now.base
    if _what(was) == _what(runs):
        return
    what = f"{was.hash[:8]} ran there" if was is not None else "nothing ran there"
    if runs is None:
        yield f"{what} when the plan was made, and nothing runs there now"
    elif runs.hash == plan.hash:
        yield f"{what} when the plan was made, and the program of the plan runs there already{_by(now)}"
    else:
        yield f"{what} when the plan was made, and {runs.hash[:8]} runs there now{_by(now)}"


def _what(running: Running | None) -> tuple[str, int] | None:
    return (running.hash, running.share) if running is not None else None


def _by(now: PlanReport) -> str:
    return (
        f", since {now.base.at} by {now.base.who}" if now.base is not None and now.base.at else ""
    )


Counts = Mapping[Hashable, tuple[str, int]]


def _of_counts(before: Counts, after: Counts, drift: float) -> Iterator[str]:
    for key in dict.fromkeys([*before, *after]):
        words = (before.get(key) or after[key])[0]
        was, count = before.get(key, ("", 0))[1], after.get(key, ("", 0))[1]
        if abs(count - was) > drift * max(was, 1):
            yield f"{words}: the plan has {was:,}, and now there are {count:,}"


def _groups(report: PlanReport) -> Counts:
    """Return the people by what happens to them. Those who finish their version are no part of it: nothing
    happens to them, however many they are."""
    return {
        (g.journey, g.version, g.state, g.what, g.target): (
            f"people at `{g.step}` of {g.journey} who go over to the new version or leave",
            g.people,
        )
        for g in report.people
        if g.what != "stays"
    }


def _segments(report: PlanReport) -> Counts:
    found: dict[Hashable, tuple[str, int]] = {}
    for each in report.segments:
        for what, count in (("enter", each.enter), ("leave", each.leave)):
            found[each.segment, what] = (f"customers who {what} `{each.segment}`", count)
    return found


def _data(report: PlanReport) -> Counts:
    foresight = report.foresight
    if foresight is None:
        return {}
    found: dict[Hashable, tuple[str, int]] = {}
    for name in _OF_PEOPLE:
        found[name] = (f"customers who are {name.replace('_', ' ')}", getattr(foresight, name))
    for each in foresight.audiences:
        for what, count in (("enter", each.joined), ("leave", each.left)):
            found[each.segment, what] = (f"members of `{each.segment}` who would {what}", count)
    return found
