"""`wait` in all its forms."""

from cij.compiler import expression as ex, model, program as pg
from cij.compiler.declarations.event import INTERACTIONS
from cij.compiler.declarations.patterns import find_event, pattern_filter
from cij.compiler.declarations.steps.context import JourneyContext, branches, later
from cij.compiler.naming import did_you_mean
from cij.compiler.typecheck import check
from cij.compiler.typecheck.check import period
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Diagnostic

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def wait(step: syntax.Wait, context: JourneyContext) -> model.Step | None:
    """`wait 3 days`, `wait 1 day at 09:00`."""
    unit = "" if step.duration.count == 1 else "s"
    name = context.name_of(step, f"wait {step.duration.count} {step.duration.unit}{unit}")
    if step.at is not None and step.duration.unit in ("second", "minute", "hour"):
        message = "`at` goes with calendar days, not with elapsed hours"
        context.build.report(
            codes.TYPE_MISMATCH.at(step.at.span, message, help="write `1 day at …`")
        )
        return None
    at = step.at.value.isoformat() if step.at else None
    return model.Wait(name, step.span, pg.AfterPeriod(period=period(step.duration), at=at))


def wait_until(step: syntax.WaitUntil, context: JourneyContext) -> model.Step | None:
    """`wait until MOMENT`."""
    at = step.at.value.isoformat() if step.at else None
    if isinstance(step.moment, syntax.Weekday):
        name = context.name_of(step, f"wait until {step.moment.name}")
        weekday = _WEEKDAYS.index(step.moment.name) + 1
        return model.Wait(name, step.span, pg.UntilWeekday(weekday=weekday, at=at or "00:00:00"))
    name = context.name_of(step, "wait until")
    moment = check(step.moment, context.env)
    if moment is None:
        return None
    if moment.type.kind not in ("date", "datetime"):
        message = f"`wait until` takes a date or an instant, and this is {moment.type}"
        context.build.report(codes.TYPE_MISMATCH.at(step.moment.span, message))
        return None
    return model.Wait(name, step.span, pg.UntilMoment(moment=moment, at=at))


def wait_event(step: syntax.WaitEvent, context: JourneyContext) -> model.Step | None:
    """`wait for EVENT up to D`."""
    name = context.name_of(step, f"wait for {step.pattern.event.text}")
    arm = _pattern(step.pattern, context)
    then, otherwise = branches(context, [(step.then, frozenset()), (step.otherwise, frozenset())])
    if arm is None:
        return None
    event, of, where = arm
    timer = pg.AfterPeriod(period=period(step.up_to))
    arms = (model.AwaitArm(event, of, where, then),)
    return model.Wait(name, step.span, timer, arms, otherwise)


def wait_first(step: syntax.WaitFirst, context: JourneyContext) -> model.Step | None:
    """`wait up to D { on … }`."""
    name = context.name_of(step, "wait first")
    heads = [_arm_head(arm, context) for arm in step.arms]
    blocks = [(arm.steps, frozenset[str]()) for arm in step.arms]
    *bodies, otherwise = branches(context, [*blocks, (step.otherwise, frozenset())])
    arms = tuple(
        model.AwaitArm(*head, body) for head, body in zip(heads, bodies, strict=True) if head
    )
    if len(arms) < len(step.arms):
        return None
    timer = pg.AfterPeriod(period=period(step.up_to))
    return model.Wait(name, step.span, timer, arms, otherwise)


_Head = tuple[str, str | None, ex.Expression | None]


def _arm_head(arm: syntax.Arm, context: JourneyContext) -> _Head | None:
    if arm.pattern is None:
        later("`when` in a wait", arm.span, context)
        return None
    return _pattern(arm.pattern, context)


def _pattern(pattern: syntax.Pattern, context: JourneyContext) -> _Head | None:
    event = find_event(pattern, context.build)
    if event is None:
        return None
    if pattern.label is not None and not _is_interaction_with(pattern, event, context):
        return None
    where = pattern_filter(pattern, event, context.env)
    if pattern.where is not None and where is None:
        return None
    return event.name, pattern.label.text if pattern.label else None, where


def _is_interaction_with(pattern: syntax.Pattern, event: pg.Event, context: JourneyContext) -> bool:
    label = pattern.label
    assert label is not None
    fault = _label_fault(label, event, context)
    if fault is not None:
        context.build.report(fault)
    return fault is None


def _label_fault(label: syntax.Name, event: pg.Event, context: JourneyContext) -> Diagnostic | None:
    if not event.is_interaction:
        message = f"`{event.name}` is no interaction with a message, so it has no step"
        return codes.BAD_LABEL.at(label.span, message, help=f"write `{event.name}` alone")
    sends = _labelled_sends(context.node.steps)
    if label.text not in sends:
        hint = did_you_mean(label.text, sends)
        return codes.BAD_LABEL.at(label.span, f"no send is called `{label.text}`", help=hint)
    channel = sends[label.text]
    if channel not in INTERACTIONS[event.name][0]:
        message = f"`{label.text}` sends by {channel}, and no {channel} is ever {event.name}"
        return codes.BAD_LABEL.at(label.span, message)
    if label.text not in context.sent:
        message = f"`{label.text}` is not sent on every path to this wait"
        return codes.NOT_SENT_YET.at(label.span, message, help="wait where it has been sent")
    return None


def _labelled_sends(steps: syntax.Steps) -> dict[str, str]:
    """Return the channel of every labelled send of a journey, wherever it stands."""
    found: dict[str, str] = {}
    for step in steps:
        if isinstance(step, syntax.Send) and step.label is not None:
            found[step.label.text] = step.channel.text if step.channel else "email"
        for block in _blocks(step):
            found |= _labelled_sends(block)
    return found


def _blocks(step: syntax.Step) -> list[syntax.Steps]:
    match step:
        case syntax.WaitEvent() | syntax.First():
            return [step.then, step.otherwise]
        case syntax.WaitFirst():
            return [*(a.steps for a in step.arms), step.otherwise]
        case syntax.If():
            return [*(b.steps for b in step.branches), step.otherwise]
        case syntax.Switch():
            return [*(c.steps for c in step.cases), step.otherwise]
        case syntax.Split():
            return [a.steps for a in step.arms]
        case syntax.Repeat():
            return [step.steps]
    return []
