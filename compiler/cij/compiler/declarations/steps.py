"""Steps: every written form becomes one of the four kinds of the model."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from cij.compiler import expression as ex, model, program as pg
from cij.compiler.build import Build, SendSite
from cij.compiler.declarations.event import INTERACTIONS
from cij.compiler.declarations.patterns import find_event, pattern_filter
from cij.compiler.facts import known_fields
from cij.compiler.naming import did_you_mean
from cij.compiler.typecheck import Environment, check, check_condition, operators
from cij.compiler.typecheck.check import period
from cij.compiler.types import BOOLEAN
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Diagnostic, Label
from cij.grammar.span import Span

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(slots=True)
class JourneyContext:
    """One journey while its steps are resolved.

    `sent` are the labels of sends that happen on every path to here; `known` the fields that the
    conditions on the way promise; `names` the step names taken so far.
    """

    node: syntax.Journey
    build: Build
    env: Environment
    known: frozenset[str] = frozenset()
    sent: frozenset[str] = frozenset()
    names: dict[str, Span] = field(default_factory=dict)

    def name_of(self, step: syntax.Step, derived: str) -> str:
        """Return the label of a step, or a name made of what it does; unique in the journey."""
        if step.label is not None:
            return self._labelled(step.label)
        name, n = derived, 1
        while name in self.names:
            n += 1
            name = f"{derived} #{n}"
        self.names[name] = step.span
        return name

    def _labelled(self, label: syntax.Name) -> str:
        if label.text in self.names:
            message = f"two steps are called `{label.text}`"
            related = [Label(self.names[label.text], "first here")]
            self.build.report(codes.BAD_LABEL.at(label.span, message, related=related))
        if label.text == "completed" or ":" in label.text:
            message = f"`{label.text}` cannot be a label: cij names states of its own like this"
            self.build.report(codes.BAD_LABEL.at(label.span, message, help="choose another"))
        self.names[label.text] = label.span
        return label.text


def resolve_steps(steps: syntax.Steps, context: JourneyContext) -> model.Steps:
    """Return the model of a block of steps, and report what can never be reached in it."""
    found: list[model.Step] = []
    for index, step in enumerate(steps):
        resolved = _RESOLVERS[type(step)](step, context)
        if resolved is not None:
            found.append(resolved)
        if resolved is not None and index + 1 < len(steps) and not _goes_on(resolved):
            message = "no customer can come to this step: all have left before it"
            context.build.report(codes.UNREACHABLE_STEP.at(steps[index + 1].span, message))
            break
    return tuple(found)


def _goes_on(step: model.Step) -> bool:
    match step:
        case model.End():
            return False
        case model.Choose(arms=arms, otherwise=otherwise):
            return _block_goes_on(otherwise) or any(_block_goes_on(a.steps) for a in arms)
        case model.Wait(arms=arms, otherwise=otherwise):
            return _block_goes_on(otherwise) or any(_block_goes_on(a.steps) for a in arms)
    return True


def _block_goes_on(steps: model.Steps) -> bool:
    return not steps or _goes_on(steps[-1])


def _branches(
    context: JourneyContext, blocks: list[tuple[syntax.Steps, frozenset[str]]]
) -> list[model.Steps]:
    """Resolve alternative blocks, each with its own promises; after them only common ones hold."""
    known, sent = context.known, context.sent
    results: list[model.Steps] = []
    after: list[tuple[frozenset[str], frozenset[str]]] = []
    for steps, promises in blocks:
        context.known, context.sent = known | promises, sent
        resolved = resolve_steps(steps, context)
        results.append(resolved)
        if _block_goes_on(resolved):
            after.append((context.known, context.sent))
    context.known = known.union(frozenset.intersection(*(k for k, _ in after)) if after else known)
    context.sent = sent.union(frozenset.intersection(*(s for _, s in after)) if after else sent)
    return results


# --- send -------------------------------------------------------------------------------------


def _send(step: syntax.Send, context: JourneyContext) -> model.Step | None:
    build = context.build
    name, *others = step.messages
    if others:
        _later("`send best of`", step.span, context)
        return None
    label = context.name_of(step, f"send {name.text}")
    if step.label is not None:
        context.sent |= {step.label.text}
    message = build.model.messages.get(name.text)
    parameters = _parameters(step.settings, context)
    if message is None:
        if name.text not in build.declared["message"]:
            hint = did_you_mean(name.text, build.declared["message"])
            text = f"there is no message `{name.text}`"
            build.report(codes.UNKNOWN_NAME.at(name.span, text, help=hint))
        return None
    build.send_sites.setdefault(name.text, []).append(_site(step, context))
    if step.channel is not None and step.channel.text != message.channel:
        text = f"`{name.text}` is a message for {message.channel}, not for {step.channel.text}"
        build.report(codes.TYPE_MISMATCH.at(step.channel.span, text))
        return None
    return model.Send(label, step.span, message.name, message.channel, parameters)


def _site(step: syntax.Send, context: JourneyContext) -> SendSite:
    keys = (setting.key.text for setting in step.settings)
    return SendSite(
        step,
        context.node.name.text,
        tuple(key for key in keys if context.env.field(key) is None),
        context.env.trigger,
        context.known,
        context.env.is_trigger_broken,
    )


def _parameters(
    settings: tuple[syntax.Setting, ...], context: JourneyContext
) -> dict[str, ex.Expression]:
    found: dict[str, ex.Expression] = {}
    for setting in settings:
        if context.env.field(setting.key.text) is not None:
            message = f"`{setting.key.text}` is a field of the customer already"
            hint = "messages read it by this name: call the parameter otherwise"
            context.build.report(codes.DUPLICATE_NAME.at(setting.key.span, message, help=hint))
            continue
        value = check(setting.value, context.env)
        if value is not None:
            found[setting.key.text] = value
    return found


# --- waits ------------------------------------------------------------------------------------


def _wait(step: syntax.Wait, context: JourneyContext) -> model.Step | None:
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


def _wait_until(step: syntax.WaitUntil, context: JourneyContext) -> model.Step | None:
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


def _wait_event(step: syntax.WaitEvent, context: JourneyContext) -> model.Step | None:
    name = context.name_of(step, f"wait for {step.pattern.event.text}")
    arm = _pattern(step.pattern, context)
    then, otherwise = _branches(context, [(step.then, frozenset()), (step.otherwise, frozenset())])
    if arm is None:
        return None
    event, of, where = arm
    timer = pg.AfterPeriod(period=period(step.up_to))
    arms = (model.AwaitArm(event, of, where, then),)
    return model.Wait(name, step.span, timer, arms, otherwise)


def _wait_first(step: syntax.WaitFirst, context: JourneyContext) -> model.Step | None:
    name = context.name_of(step, "wait first")
    heads = [_arm_head(arm, context) for arm in step.arms]
    blocks = [(arm.steps, frozenset[str]()) for arm in step.arms]
    *bodies, otherwise = _branches(context, [*blocks, (step.otherwise, frozenset())])
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
        _later("`when` in a wait", arm.span, context)
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


# --- branches ---------------------------------------------------------------------------------


def _if(step: syntax.If, context: JourneyContext) -> model.Step | None:
    name = context.name_of(step, "if")
    guards = [check_condition(b.condition, context.env) for b in step.branches]
    blocks = [(b.steps, _promised(g, context)) for b, g in zip(step.branches, guards, strict=True)]
    return _choose(name, step.span, guards, [*blocks, (step.otherwise, frozenset())], context)


def everything(env: Environment) -> frozenset[str]:
    """Return all fields: what counts as known where a condition has a mistake of its own."""
    return frozenset(env.field_names)


def _promised(guard: ex.Expression | None, context: JourneyContext) -> frozenset[str]:
    if guard is None:
        return everything(context.env)
    return known_fields(guard, context.build.model.segments)


def _choose(
    name: str,
    span: Span,
    guards: list[ex.Expression | None],
    blocks: list[tuple[syntax.Steps, frozenset[str]]],
    context: JourneyContext,
) -> model.Step | None:
    *bodies, otherwise = _branches(context, blocks)
    arms = tuple(
        model.ChooseArm(g, b) for g, b in zip(guards, bodies, strict=True) if g is not None
    )
    if len(arms) < len(guards):
        return None
    return model.Choose(name, span, arms, otherwise)


def _switch(step: syntax.Switch, context: JourneyContext) -> model.Step | None:
    name = context.name_of(step, "switch")
    if not step.cases:
        _report_without_arms("switch", "case VALUE { … }", step.span, context)
        return None
    value = check(step.value, context.env)
    guards = [_case_guard(value, step, case, context) for case in step.cases]
    known = _promised(ex.Known(value=value) if value is not None else None, context)
    blocks = [(case.steps, known) for case in step.cases]
    return _choose(name, step.span, guards, [*blocks, (step.otherwise, frozenset())], context)


def _report_without_arms(word: str, arm: str, span: Span, context: JourneyContext) -> None:
    message = f"this `{word}` has nothing to choose from"
    context.build.report(codes.MISSING_SETTING.at(span, message, help=f"add `{arm}`"))


def _case_guard(
    value: ex.Expression | None, step: syntax.Switch, case: syntax.Case, context: JourneyContext
) -> ex.Expression | None:
    items = []
    for item in case.values:
        typed = check(item, context.env)
        if value is None or typed is None:
            return None
        spans = (step.value.span, item.span)
        if operators.compare("=", value, typed, spans, context.env) is None:
            return None
        items.append(operators.align(value, typed)[1])
    assert value is not None
    return ex.InSet(value=value, items=tuple(items))


def _split(step: syntax.Split, context: JourneyContext) -> model.Step | None:
    name = context.name_of(step, f"split {step.name.text}")
    if step.winner is not None:
        _later("`winner`", step.winner.span, context)
        return None
    if not step.arms:
        _report_without_arms("split", "50% NAME { … }", step.span, context)
        return None
    total = sum((arm.share.value for arm in step.arms), Decimal(0))
    if total > 100:
        message = f"the shares of `{step.name.text}` add up to {total}%"
        context.build.report(codes.BAD_SETTING.at(step.span, message))
        return None
    guards: list[ex.Expression | None] = []
    low = Decimal(0)
    for arm in step.arms:
        high = low + arm.share.value / 100
        guards.append(ex.HashShare(type=BOOLEAN, salt=step.name.text, low=str(low), high=str(high)))
        low = high
    blocks = [(arm.steps, frozenset[str]()) for arm in step.arms]
    return _choose(name, step.span, guards, [*blocks, ((), frozenset())], context)


def _end(step: syntax.End, context: JourneyContext) -> model.Step:
    outcome = step.outcome.text if step.outcome else "completed"
    return model.End(context.name_of(step, f"end {outcome}"), step.span, outcome)


def _later(what: str, span: Span, context: JourneyContext) -> None:
    message = f"{what} is understood, but not available in this version"
    context.build.report(codes.NOT_YET_AVAILABLE.at(span, message))


def _later_step(word: str) -> Callable[[syntax.Step, JourneyContext], None]:
    return lambda step, context: _later(f"the step `{word}`", step.span, context)


_RESOLVERS: dict[type, Callable[[Any, JourneyContext], model.Step | None]] = {
    syntax.Send: _send,
    syntax.Wait: _wait,
    syntax.WaitUntil: _wait_until,
    syntax.WaitEvent: _wait_event,
    syntax.WaitFirst: _wait_first,
    syntax.If: _if,
    syntax.Switch: _switch,
    syntax.Split: _split,
    syntax.End: _end,
    syntax.First: _later_step("first"),
    syntax.Do: _later_step("do"),
    syntax.Set: _later_step("set"),
    syntax.Emit: _later_step("emit"),
    syntax.Repeat: _later_step("repeat"),
    syntax.Run: _later_step("run"),
}
