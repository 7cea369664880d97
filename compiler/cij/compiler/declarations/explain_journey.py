"""A journey in plain words: who enters, its goals and exits, and every step."""

from collections.abc import Mapping
from decimal import Decimal

from cij.compiler import expression as ex, model, program as pg
from cij.compiler.declarations.explain_lines import INDENT, Lines, heading, indented
from cij.compiler.model import Model, sent_messages
from cij.compiler.unparse import (
    duration_words,
    end_words,
    event_words,
    moment_words,
    name_words,
    percent_words,
    schedule_words,
    timer_words,
    words,
)
from cij.compiler.unparse_effect import effect_words
from cij.compiler.unparse_policy import policy_notes


def explain(journey: model.Journey, source: Model) -> Lines:
    """Yield the lines of `cij explain JOURNEY`."""
    yield heading("journey", journey.name, model.place(journey.span))
    yield from filter(None, journey.head.doc.splitlines())
    yield from _section("Who enters", [*_entries(journey, source), *_limits(journey.head)])
    yield from _section("Goals", [_goal(goal) for goal in journey.goals])
    yield from _section("Leaves early", [_exit(leave) for leave in journey.exits])
    yield from _section("Steps", list(_steps(journey.steps)))
    sends = sent_messages(journey.steps)
    yield from _section(
        "Rules for its messages", list(policy_notes(source.policies.values())) if sends else []
    )


def _section(title: str, lines: list[str]) -> Lines:
    if lines:
        yield ""
        yield title
        yield from indented(lines)


def _entries(journey: model.Journey, source: Model) -> Lines:
    for entry in journey.head.entries:
        if isinstance(entry, pg.EventEntry):
            yield f"the customer of each event {event_words(entry.event, None, entry.where)}"
            continue
        yield f"everybody in segment {name_words(entry.segment)} {_when(entry)}"
        segment = source.segments.get(entry.segment)
        if segment is not None:
            yield f"{INDENT}{entry.segment}: {words(segment.condition)}"


def _when(entry: pg.SegmentEntry) -> str:
    if entry.every is not None:
        return f"at that instant, {schedule_words(entry.every)}"
    return "at the start" if entry.is_once else "at the start, and everybody who joins it later"


def _times(head: pg.Head) -> Lines:
    if head.is_draft:
        yield "nobody in a real run, because it is a draft; tests and simulations use it"
    if head.starts is not None:
        yield f"from {moment_words(head.starts)} on"
    if head.ends is not None:
        yield f"until {end_words(head.ends)}; customers inside then go on"
    if head.limit is not None:
        yield f"at most {head.limit.count} per {head.limit.unit}; the others wait for the next"


def _limits(head: pg.Head) -> Lines:
    yield from _times(head)
    if head.suppress is not None:
        yield f"but nobody for whom this is true: {words(head.suppress)}"
    each = f" for each {head.per}" if head.per else ""
    yield f"again: {_again(head)}{each}"
    if head.holdout is not None and Decimal(head.holdout):
        share = percent_words(head.holdout)
        yield f"held out: {share} go through all steps without any message, for comparison"
    if head.language is not None:
        yield f"language: {words(head.language)}"
    if head.timezone is not None:
        yield f"time zone of customers without one: {head.timezone}"


def _again(head: pg.Head) -> str:
    if head.again_after is not None:
        return f"{duration_words(head.again_after)} after the last exit, one passage at a time"
    return "always, one passage at a time" if head.again == "always" else "never, once"


def _goal(goal: model.Goal) -> str:
    cause = _cause(goal.event, goal.where, goal.condition)
    within = f", counted within {duration_words(goal.within)}" if goal.within else ""
    after = "stays in the journey" if goal.is_stay else "leaves as converted"
    return f"{name_words(goal.name)}: {cause}{within}; a customer who reaches it {after}"


def _exit(leave: model.Exit) -> str:
    return f"{name_words(leave.name)}: {_cause(leave.event, leave.where, leave.condition)}"


def _cause(event: str | None, where: ex.Expression | None, condition: ex.Expression | None) -> str:
    if event is not None:
        return f"on {event_words(event, None, where)}"
    return f"when {words(condition)}" if condition is not None else "at once"


# --- steps ------------------------------------------------------------------------------------


def _steps(steps: model.Steps) -> Lines:
    for step in steps:
        match step:
            case model.Send():
                yield from _send(step)
            case model.Act(is_hidden=False):
                yield from _act(step)
            case model.Repeat():
                yield from _repeat(step)
            case model.Group():
                yield f"{_label(step.name, 'run ')}run {name_words(step.fragment)}"
                yield from indented(_steps(step.steps))
            case model.Wait():
                yield from _wait(step)
            case model.Choose():
                yield from _choose(step)
            case model.End():
                yield f"leave as {name_words(step.outcome)}"


def _send(step: model.Send) -> Lines:
    given = _given(step.parameters)
    what = f"send {step.channel} {name_words(step.message)}" + (f" with {given}" if given else "")
    yield f"{_label(step.name, 'send ')}{what}"


def _given(parameters: Mapping[str, ex.Expression]) -> str:
    return ", ".join(f"{key} = {words(value)}" for key, value in parameters.items())


def _label(name: str, derived: str) -> str:
    # A step without a label is named after what it does, so the name would only repeat it.
    return "" if name.rsplit(".", 1)[-1].startswith(derived) else f"{name_words(name)}: "


def _act(step: model.Act) -> Lines:
    what = effect_words(step.effect)
    if isinstance(step.effect, pg.DoEffect) and step.effect.parameters:
        what += f" with {_given(step.effect.parameters)}"
    yield f"{_label(step.name, what.split(' ', 1)[0] + ' ')}{what}"


def _repeat(step: model.Repeat) -> Lines:
    every = f" every {duration_words(step.every)}" if step.every else ""
    until = f" until {words(step.until)}" if step.until is not None else ""
    yield f"{_label(step.name, 'repeat')}repeat up to {step.times} times{every}{until}"
    yield from indented(_steps(step.steps) if step.steps else ["go on"])


def _wait(step: model.Wait) -> Lines:
    label = _label(step.name, "wait ")
    if not (step.arms or step.conditions):
        yield f"{label}wait {timer_words(step.timer)}"
        return
    which = "this" if len(step.arms) + len(step.conditions) == 1 else "the first of these"
    yield f"{label}wait up to {timer_words(step.timer)} for {which}"
    arms: list[model.AwaitArm | model.WhenArm] = [*step.arms, *step.conditions]
    for arm in sorted(arms, key=lambda a: a.order):
        yield f"{INDENT}{_arm_words(arm)}"
        yield from _block(arm.steps)
    yield f"{INDENT}if nothing comes"
    yield from _block(step.otherwise)


def _arm_words(arm: model.AwaitArm | model.WhenArm) -> str:
    if isinstance(arm, model.WhenArm):
        return f"when {words(arm.condition)}"
    noted = (s.name for s in arm.steps if isinstance(s, model.Act) and _is_note(s))
    return f"on {event_words(arm.event, arm.of, arm.where, next(noted, None))}"


def _is_note(step: model.Act) -> bool:
    return isinstance(step.effect, pg.NoteEventEffect)


def _choose(step: model.Choose) -> Lines:
    word = "if"
    for arm in step.arms:
        yield f"{word} {words(arm.guard)}"
        yield from indented(_steps(arm.steps) if arm.steps else ["go on"])
        word = "else if"
    if step.otherwise:
        yield "else"
        yield from indented(_steps(step.otherwise))


def _block(steps: model.Steps) -> Lines:
    return indented(indented(_steps(steps) if steps else ["go on"]))
