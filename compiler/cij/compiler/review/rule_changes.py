"""Changes of `renamed` and `removed` about steps that the older version does not have either.

Only people on still older versions stand at such a step. What concerns a step of the older version is told
with that step.
"""

from collections.abc import Iterator

from cij.compiler import model, program as pg
from cij.compiler.review.both_sides import where
from cij.compiler.review.review_report import Change
from cij.compiler.review.step_spots import spots


def rule_changes(old: model.Journey, new: model.Journey) -> Iterator[Change]:
    """Yield the changes of rules for people on versions before the older one."""
    known = spots(old).keys()
    before, after = _rules(old.head), _rules(new.head)
    for step in dict.fromkeys((*before, *after)):
        one, other = before.get(step), after.get(step)
        if one != other and step not in known:
            yield _change(step, one, other, new)


def _rules(head: pg.Head) -> dict[str, str]:
    found = {rule.old: f"renamed {rule.old} to {rule.new}" for rule in head.renamed}
    for rule in head.removed:
        then = {"go_to": "go to", "end": "end", "finish": "finish"}[rule.then]
        found[rule.step] = f"removed {rule.step} then {then} {rule.target or ''}".rstrip()
    return found


def _change(step: str, old: str | None, new: str | None, journey: model.Journey) -> Change:
    rest = (
        "stay on their version"
        if journey.head.in_flight == "pin"
        else "have no place in the new one, and `cij run` refuses it while somebody waits there"
    )
    inside = "go on as the line says" if new is not None else rest
    return Change(
        address=f"journey.{journey.name}.rule.{step}",
        action="added" if old is None else "removed" if new is None else "changed",
        change_class="none",
        what=f"journey `{journey.name}`: another line about the earlier step `{step}`",
        before=old,
        after=new,
        effect="Nothing changes for customers who enter from now on.",
        who=f"customers on earlier versions of journey `{journey.name}` who wait at `{step}`, if there are any",
        inside=f"People who wait at `{step}` of an earlier version {inside}. `cij plan` counts them.",
        place=where(model.place(journey.span)),
    )
