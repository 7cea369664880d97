"""The sentences of a plan, for all its forms: who is affected, what they get or miss, what to decide."""

from collections.abc import Iterator

from cij.app.plan_report import Group, MessageCount, PlanReport, SegmentCount
from cij.app.zone_times import local_text

_SHOWN_MAX = 40
_EFFECTS = {
    "held": "held back",
    "capped": "left out by a cap",
    "expired": "expired",
    "suppressed": "suppressed",
    "no_consent": "without consent",
}
_HELD = {
    "paused": "`cij resume {}` lets it go on",
    "resuming": "it goes on with the next step of `cij run`",
    "failed": "put aside because it failed; the next `cij run` tries it again",
    "retrying": "put aside because it failed; the next `cij run` tries it again",
    "stopped": "`cij resume {} --again` starts it again",
}


def head_lines(report: PlanReport) -> Iterator[str]:
    """Yield for which environment a plan is, and which programs it compares."""
    where = f" for {report.environment}" if report.environment else ""
    at = local_text(report.at, report.zone)
    yield f"plan{where}, {at} ({report.zone})"
    base = report.base
    if base is None:
        yield "nothing runs there yet"
    else:
        since = f", since {local_text(base.at, report.zone)} by {base.who}" if base.at else ""
        yield f"runs there: {base.hash[:8]}{since}{_of(base.revision)}"
    yield f"the files:  {report.hash[:8]}{_of(report.revision)}"
    before = base.share if base is not None and base.hash == report.hash else None
    if report.share < 100 or before not in (None, 100):
        yield _rollout(report.share, before)


def _rollout(share: int, before: int | None) -> str:
    was = f"{before}% -> " if before not in (None, share) else ""
    rest = (
        "the others get the steps that ran before, and people inside stay on their versions"
        if share < 100
        else "and people inside go on as it says below"
    )
    return f"rollout: {was}{share}% of those who enter get the new steps; {rest}"


def _of(revision: str) -> str:
    return f", revision {revision}" if revision else ""


def run_lines(report: PlanReport) -> Iterator[str]:
    """Yield each journey with what becomes of it."""
    for name, what in report.journeys.items():
        yield f"{what:<9}  {name}{_held_words(name, report)}"


def _held_words(name: str, report: PlanReport) -> str:
    if name not in report.held:
        return ""
    state, since = report.held[name]["state"], report.held[name]["since"]
    at = local_text(since, report.zone)
    return f"  ({state} since {at}; {_HELD[state].format(name)})"


def group_line(group: Group) -> str:
    """Return what happens to the people at one step, on one line."""
    people = f"{group.people} {'person' if group.people == 1 else 'people'}"
    where = f"{group.journey}: {people} at `{group.step}` (version {group.version[:8]})"
    return f"{where}: {_goes_on(group)}{_missed(group)}"


def _goes_on(group: Group) -> str:
    again = ", ".join(f"`{a.to_step}` for {a.people}" for a in group.again)
    match group.what:
        case "stays":
            return "they go on in that version to its end"
        case "adopts" if again:
            return (
                f"they go on in the new version, at `{group.to_step}`; refused, because they would get "
                f"again what they got: {again}"
            )
        case "adopts":
            return f"they go on in the new version, at `{group.to_step}`"
        case "moves":
            twice = f"; they get again: {again}" if again else ""
            return f"they go on at once, at `{group.to_step}` of the new version{twice}"
        case "ends":
            return f"they leave as {group.to_step}"
    return "there is no step where they can go on"


def _missed(group: Group) -> str:
    if not group.missed or group.what == "stays":
        return ""
    return f"; they never come to {', '.join(f'`{step}`' for step in group.missed)}"


def segment_lines(report: PlanReport) -> Iterator[str]:
    """Yield each changed segment with its customers before and after."""
    for each in report.segments:
        yield f"segment `{each.segment}`: {_counts(each)}"
        for word, ids in (("enter", each.enters), ("leave", each.leaves)):
            if ids:
                yield f"  {word}, for example: {', '.join(ids)}"


def _counts(each: SegmentCount) -> str:
    if each.before is None:
        return f"new, with {each.after or 0:,} customers"
    if each.after is None:
        return f"gone; it had {each.before:,} customers"
    moved = f"{each.enter:,} enter, {each.leave:,} leave"
    return f"{each.before:,} -> {each.after:,} customers; {moved}"


def message_lines(report: PlanReport) -> Iterator[str]:
    """Yield the messages of the next days, those that differ first in detail, and the sum."""
    if not report.days:
        return
    found = [m for m in report.messages if m.before != m.after]
    for each in found[:_SHOWN_MAX]:
        yield _message(each)
    if len(found) > _SHOWN_MAX:
        yield f"and {len(found) - _SHOWN_MAX} more messages"
    before, after = (
        sum(m.before for m in report.messages),
        sum(m.after for m in report.messages),
    )
    yield (
        f"all messages: {before:,} -> {after:,}" if found else f"all as before: {after:,} messages"
    )


def _message(each: MessageCount) -> str:
    people = f", to {each.people:,} customers" if each.people else ""
    return f"{each.channel} `{each.message}` of {each.journey}: {each.before:,} -> {each.after:,}{people}"


def rule_lines(report: PlanReport) -> Iterator[str]:
    """Yield what policies, consent and suppression do to the messages of the next days."""
    if report.days and not report.rules:
        yield "no rule holds or stops a message"
    for each in report.rules:
        rule = f" ({each.rule})" if each.rule else ""
        yield f"{_EFFECTS.get(each.effect, each.effect)}{rule}: {each.before:,} -> {each.after:,}"


def conflict_lines(report: PlanReport) -> Iterator[str]:
    """Yield what changed journeys have to do with the others."""
    for each in report.conflicts:
        yield each.sentence


def decisions(report: PlanReport) -> Iterator[str]:
    """Yield the questions that somebody has to answer before the plan is applied."""
    for group in report.people:
        if group.is_refused:
            yield f"Where do the people at `{group.step}` of {group.journey} go on? It cannot be applied as it is."
    for change in report.review.changes if report.review is not None else ():
        if change.decide:
            yield f"{change.what}: {change.decide}"
    changes = report.review.changes if report.review is not None else ()
    is_asked = any(change.address.endswith(".competition") for change in changes)
    if not is_asked and any(c.kind != "loop" for c in report.conflicts):
        yield "Is it right that customers get messages of several journeys?"
    if any(c.kind == "loop" for c in report.conflicts):
        yield "Is the loop of journeys meant?"


def delivery_line(report: PlanReport) -> str:
    """Return where messages go from this environment."""
    return "; ".join(f"{channel} to {way}" for channel, way in report.delivery.items())


def next_step(report: PlanReport, saved: str | None) -> str:
    """Return what to do with the plan."""
    if report.is_refused:
        return "Nothing was changed, and the plan cannot be applied: see what is refused."
    if saved is not None:
        return (
            f"Nothing was changed. The plan is in {saved}; `cij apply {saved}` does exactly this."
        )
    if not report.environment:
        return "Nothing was changed. `cij run` does this."
    return f"Nothing was changed. To apply it: `cij plan {report.environment} -o plan.json`, then `cij apply plan.json`."
