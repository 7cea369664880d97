"""`wait` in all its forms."""

from cij.compiler import expression as ex, model, program as pg
from cij.compiler.channels import CHANNELS, OF_CALLS, happens_on
from cij.compiler.declarations.named_zone import named_zone
from cij.compiler.declarations.patterns import find_event, pattern_filter
from cij.compiler.declarations.steps.step_context import JourneyContext, branches
from cij.compiler.naming import did_you_mean
from cij.compiler.nullability import known_fields
from cij.compiler.typecheck import Awaited, check, check_condition
from cij.compiler.typecheck.written_period import period
from cij.compiler.unparse import duration_words
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Diagnostic

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def wait(step: syntax.Wait, context: JourneyContext) -> model.Step | None:
    """`wait 3 days`, `wait 1 day at 09:00`."""
    length = period(step.duration)
    name = context.name_of(step, f"wait {duration_words(length)}")
    if step.at is not None and not length.is_whole_days:
        _report_hours(step.at, length, context)
        return None
    at = step.at.value.isoformat() if step.at else None
    return model.Wait(name, step.span, pg.AfterPeriod(period=length, at=at))


def _report_hours(at: syntax.Time, length: ex.Period, context: JourneyContext) -> None:
    message, days = "`at` needs calendar days, not elapsed hours", "1 day"
    if length.rest is not None:
        days = duration_words(length.model_copy(update={"rest": None}))
        message = (
            f"`at` says the hour already, so `{duration_words(length)}` cannot also count hours"
        )
    help = f"write `wait {days} at …`, or leave `at` out"
    context.build.report(codes.TYPE_MISMATCH.at(at.span, message, help=help))


def wait_until(step: syntax.WaitUntil, context: JourneyContext) -> model.Step | None:
    """`wait until MOMENT`."""
    at = step.at.value.isoformat() if step.at else None
    zone = named_zone(step.zone, context.build)
    if isinstance(step.moment, syntax.Weekday):
        name = context.name_of(step, f"wait until {step.moment.name}")
        weekday = _WEEKDAYS.index(step.moment.name) + 1
        timer = pg.UntilWeekday(weekday=weekday, at=at or "00:00:00", zone=zone)
        return model.Wait(name, step.span, timer)
    name = context.name_of(step, "wait until")
    moment = check(step.moment, context.env)
    if moment is None:
        return None
    if moment.type.kind not in ("date", "datetime"):
        message = f"`wait until` takes a date or an instant, and this is {moment.type}"
        context.build.report(codes.TYPE_MISMATCH.at(step.moment.span, message))
        return None
    return model.Wait(name, step.span, pg.UntilMoment(moment=moment, at=at, zone=zone))


def wait_event(step: syntax.WaitEvent, context: JourneyContext) -> model.Step | None:
    """`wait for EVENT up to D`."""
    name = context.name_of(step, f"wait for {step.pattern.event.text}")
    arm = _pattern(step.pattern, context)
    noted = _noted(step.pattern, context)
    then, otherwise = branches(
        context, [(step.then, frozenset()), (step.otherwise, frozenset())], [noted]
    )
    if arm is None:
        return None
    event, of, where = arm
    timer = pg.AfterPeriod(period=period(step.up_to))
    arms = (model.AwaitArm(event, of, where, (*_noting(noted, step.pattern), *then)),)
    return model.Wait(name, step.span, timer, arms, otherwise)


def wait_first(step: syntax.WaitFirst, context: JourneyContext) -> model.Step | None:
    """`wait up to D { on … }`."""
    name = context.name_of(step, "wait first")
    heads = [_arm_head(arm, context) for arm in step.arms]
    blocks = [
        (arm.steps, _promised(head, context)) for arm, head in zip(step.arms, heads, strict=True)
    ]
    noted = [_noted(arm.pattern, context) for arm in step.arms]
    *bodies, otherwise = branches(context, [*blocks, (step.otherwise, frozenset())], noted)
    if None in heads:
        return None
    events: list[model.AwaitArm] = []
    conditions: list[model.WhenArm] = []
    for order, (head, body) in enumerate(zip(heads, bodies, strict=True)):
        if isinstance(head, tuple):
            steps = (*_noting(noted[order], step.arms[order].pattern), *body)
            events.append(model.AwaitArm(*head, steps, order))
        elif head is not None:
            conditions.append(model.WhenArm(head, order, body))
    timer = pg.AfterPeriod(period=period(step.up_to))
    return model.Wait(name, step.span, timer, tuple(events), otherwise, tuple(conditions))


def _noted(pattern: syntax.Pattern | None, context: JourneyContext) -> dict[str, Awaited]:
    """Return the event that a wait gives a name, by this name; nothing without one."""
    if pattern is None or pattern.name is None:
        return {}
    name = context.named(pattern.name, "at")
    event = _awaited_event(pattern, context)
    return {} if event is None else {pattern.name.text: Awaited(name, event)}


def _awaited_event(pattern: syntax.Pattern, context: JourneyContext) -> pg.Event | None:
    """Return the event of a pattern whose mistakes are reported already."""
    events = context.build.model.events
    if not _is_done(pattern):
        return events.get(pattern.event.text)
    assert pattern.label is not None, "`done` alone is an event like any other"
    action = _labelled_calls(context.steps).get(pattern.label.text)
    return None if action is None else events.get(pg.done_by(action))


def _noting(noted: dict[str, Awaited], pattern: syntax.Pattern | None) -> model.Steps:
    """Return the hidden step that remembers the event, at the beginning of its arm."""
    return tuple(
        model.Act(a.step, pattern.span, pg.NoteEventEffect(event=a.event.name), is_hidden=True)
        for a in noted.values()
        if pattern is not None
    )


_Head = tuple[str, str | None, ex.Expression | None]


def _arm_head(arm: syntax.Arm, context: JourneyContext) -> "_Head | ex.Expression | None":
    if arm.pattern is not None:
        return _pattern(arm.pattern, context)
    assert arm.condition is not None, "an arm has an event or a condition"
    return check_condition(arm.condition, context.env)


def _promised(head: "_Head | ex.Expression | None", context: JourneyContext) -> frozenset[str]:
    if head is None or isinstance(head, tuple):
        return frozenset()
    return known_fields(head, context.build.model.segments)


def _pattern(pattern: syntax.Pattern, context: JourneyContext) -> _Head | None:
    event = _done(pattern, context) if _is_done(pattern) else find_event(pattern, context.build)
    if event is None:
        return None
    if (
        pattern.label is not None
        and not _is_done(pattern)
        and not _is_interaction_with(pattern, event, context)
    ):
        return None
    where = pattern_filter(pattern, event, context.env)
    if pattern.where is not None and where is None:
        return None
    return event.name, context.prefix + pattern.label.text if pattern.label else None, where


def _is_done(pattern: syntax.Pattern) -> bool:
    return pattern.event.text == "done" and pattern.label is not None


def _done(pattern: syntax.Pattern, context: JourneyContext) -> pg.Event | None:
    """Return the event that what a step called was done: `done(LABEL)`."""
    label = pattern.label
    assert label is not None, "`done` alone is an event like any other"
    calls = _labelled_calls(context.steps)
    if label.text not in calls:
        hint = did_you_mean(label.text, calls)
        message = f"no `do` is called `{label.text}`"
        context.build.report(codes.BAD_LABEL.at(label.span, message, help=hint))
        return None
    action = calls[label.text]
    if action in context.build.model.actions and label.text not in context.sent:
        context.build.report(_too_early(label, "called"))
        return None
    return context.build.model.events.get(pg.done_by(action))


def _labelled_calls(steps: syntax.Steps) -> dict[str, str]:
    """Return the action of every labelled `do` of a journey, wherever it stands."""
    found: dict[str, str] = {}
    for step in steps:
        if isinstance(step, syntax.Do) and step.label is not None:
            found[step.label.text] = step.action.text
        for block in _blocks(step):
            found |= _labelled_calls(block)
    return found


def _is_interaction_with(pattern: syntax.Pattern, event: pg.Event, context: JourneyContext) -> bool:
    label = pattern.label
    assert label is not None
    fault = _label_fault(label, event, context)
    if fault is not None:
        context.build.report(fault)
    return fault is None


def _label_fault(label: syntax.Name, event: pg.Event, context: JourneyContext) -> Diagnostic | None:
    if not event.is_interaction:
        message = f"`{event.name}` is not an interaction with a message, so it has no step"
        return codes.BAD_LABEL.at(label.span, message, help=f"write `{event.name}` alone")
    sends = _labelled_sends(context.steps)
    if event.name == OF_CALLS and label.text in _labelled_calls(context.steps):
        return None if label.text in context.sent else _too_early(label, "called")
    if label.text not in sends:
        hint = _labelling(label.text, context) or did_you_mean(label.text, sends)
        return codes.BAD_LABEL.at(label.span, f"no send is called `{label.text}`", help=hint)
    channels = sends[label.text]
    if not any(happens_on(event.name, channel) for channel in channels):
        channel = channels[0]
        message = f"`{label.text}` sends by {channel}, and no {channel} is ever {event.name}"
        return codes.BAD_LABEL.at(label.span, message)
    if label.text not in context.sent:
        return _too_early(label, "sent")
    return None


def _too_early(label: syntax.Name, verb: str) -> Diagnostic:
    message = f"`{label.text}` is not {verb} on every path to this wait"
    hint = f"move the wait to a place where it has been {verb}"
    return codes.NOT_SENT_YET.at(label.span, message, help=hint)


def _labelling(name: str, context: JourneyContext) -> str | None:
    """Return how to give a send a label where an author names its message instead."""
    message = context.build.model.messages.get(name)
    if message is None:
        return None
    written = f"LABEL: send {message.channel} {name}"
    return f"`{name}` is a message: give its step a label, `{written}`, and name that"


def _labelled_sends(steps: syntax.Steps) -> dict[str, list[str]]:
    """Return the channels of every labelled send of a journey, wherever it stands."""
    found: dict[str, list[str]] = {}
    for step in steps:
        if isinstance(step, syntax.Send) and step.label is not None:
            # `send best of` names none and may use any.
            channels = [step.channel.text] if step.channel else list(CHANNELS)
            found[step.label.text] = channels
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
            # What an iteration sends belongs to it, so it is waited for inside the loop.
            return [step.steps]
    return []
