"""What a declaration means, in plain words: one text a journey, segment, measure or message."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from cij.compiler import expression as ex, model, program as pg
from cij.compiler.effect_wording import effect_words
from cij.compiler.model import Model
from cij.compiler.policy_wording import policy_lines, policy_notes
from cij.compiler.wording import (
    duration_words,
    event_words,
    moment_words,
    name_words,
    percent_words,
    schedule_words,
    timer_words,
    words,
)
from cij.grammar import syntax

_INDENT = "  "
Lines = Iterator[str]


def meanings(name: str, source: Model, files: Mapping[str, syntax.File]) -> Iterator[list[str]]:
    """Yield the text, as lines, of each declaration that has this name.

    `files` are the syntax trees: the model has the comments of journeys and actions only.
    """
    for kind, (head, *rest) in _texts(name, source):
        yield [head, *_comment(kind, name, files), *rest]


def _comment(kind: str, name: str, files: Mapping[str, syntax.File]) -> list[str]:
    nodes = (node for file in files.values() for node in file.declarations)
    for node in nodes:
        if isinstance(node, syntax.Policy) and (kind, name) == ("policy", node.name.text):
            return node.doc.splitlines()
        if isinstance(node, syntax.Declaration) and (node.kind.text, node.name.text) == (
            kind,
            name,
        ):
            return node.doc.splitlines() if kind != "action" else []
    return []


def _texts(name: str, source: Model) -> Iterator[tuple[str, list[str]]]:
    if name in source.segments:
        yield "segment", list(_segment(source.segments[name]))
    if name in source.measures:
        yield "measure", list(_measure(source.measures[name]))
    if name in source.messages:
        yield "message", list(_message(source.messages[name], source))
    if name in source.events:
        yield "event", list(_event(source.events[name]))
    if name in source.entities:
        yield "entity", list(_entity(source.entities[name]))
    if name in source.actions:
        yield "action", list(_action(source.actions[name]))
    if name in source.topics:
        yield "topic", list(_topic(source.topics[name]))
    if name in source.policies:
        yield "policy", list(_policy(source.policies[name]))
    if name in source.journeys:
        yield "journey", list(_journey(source.journeys[name], source))


def names(source: Model) -> dict[str, list[str]]:
    """Return the names that have a meaning, by kind. Built-in events are left out."""
    return {
        "journey": list(source.journeys),
        "segment": list(source.segments),
        "measure": list(source.measures),
        "message": list(source.messages),
        "event": [e.name for e in source.events.values() if not e.is_interaction],
        "topic": list(source.topics),
        "entity": list(source.entities),
        "action": list(source.actions),
        "policy": list(source.policies),
    }


def _indented(lines: Lines | list[str]) -> Lines:
    return (_INDENT + line for line in lines)


def _head(kind: str, name: str, place: object) -> str:
    return f"{kind} {name_words(name)}" + (f"  ({place})" if place else "")


# --- data -------------------------------------------------------------------------------------


def _segment(segment: pg.Segment) -> Lines:
    yield _head("segment", segment.name, segment.place)
    yield f"Everybody for whom this is true: {words(segment.condition)}"


def _measure(measure: pg.Measure) -> Lines:
    yield _head("measure", measure.name, measure.place)
    yield f"For each customer, {measure.value.type}: {words(measure.value)}"
    if measure.value.is_nullable:
        yield "It is missing where a part of it is missing."


def _entity(entity: pg.Entity) -> Lines:
    yield _head("entity", entity.name, entity.place)
    yield f"One for each row of source {entity.source}."
    yield "Fields: " + (", ".join(f"{f.name} ({f.type})" for f in entity.fields) or "none")


def _cause_of(event: pg.Event) -> str:
    if event.record is None:
        return f"One for each row of source {event.source}"
    which = f" ({', '.join(event.record.columns)})" if event.record.columns else ""
    return f"One whenever a record of source {event.source} is {event.record.on}{which}"


def _event(event: pg.Event) -> Lines:
    yield _head("event", event.name, event.place)
    if event.is_interaction:
        yield "Built in: what a customer does with a message that was sent."
    elif event.source is not None and event.customer is not None:
        key = f"{event.customer.source} whose key is `{event.customer.column}`"
        yield f"{_cause_of(event)}, of the customer in {key}."
        at = "the refresh that finds it" if event.record else "its arrival"
        yield f"It happens at: {words(event.at)}" if event.at else f"It happens at {at}."
    else:
        yield "It comes from outside, one at a time (`cij event`)."
    yield "Fields: " + (", ".join(f"{f.name} ({f.type})" for f in event.fields) or "none")


def _action(action: pg.Action) -> Lines:
    yield _head("action", action.name, action.place)
    yield from action.doc.splitlines()
    yield "Parameters:" if action.parameters else "It takes nothing."
    for parameter in action.parameters:
        default = f", else {words(parameter.default)}" if parameter.default is not None else ""
        rule = default or ("" if parameter.is_required else ", optional")
        yield f"{_INDENT}{name_words(parameter.name)}: {parameter.type}{rule}"
    if action.returns:
        returned = ", ".join(f"{r.name} ({r.type})" for r in action.returns)
        yield f"It returns: {returned}; each is missing until it arrives."


def _topic(topic: pg.Topic) -> Lines:
    rule = {
        "opt_in": "Only people who said yes get its messages.",
        "opt_out": "Everybody who has not said no gets its messages.",
        "none": "It needs no consent: service messages.",
    }
    yield _head("topic", topic.name, topic.place)
    if topic.purpose:
        yield topic.purpose
    yield f"Channels: {', '.join(topic.channels)}. {rule[topic.consent]}"


def _policy(policy: pg.Policy) -> Lines:
    yield _head("policy", policy.name, policy.place)
    yield "It holds for every send of the project:"
    yield from _indented(policy_lines(policy))
    if policy.quiet or policy.caps:
        yield "Quiet hours and caps do not apply to messages on topic transactional."


def _message(message: pg.Message, source: Model) -> Lines:
    yield _head("message", message.name, message.place)
    yield f"By {message.channel}, on topic {message.topic}{_consent(message, source)}."
    if message.expires is not None:
        yield f"Not sent later than {duration_words(message.expires)} after its step."
    locales = ", ".join(content.locale for content in message.locales)
    yield f"Locales: {locales}; {message.fallback} for everybody else."
    if message.fields:
        yield f"Fields of the customer that it reads: {', '.join(message.fields)}."
    if message.parameters:
        yield f"Parameters that each send gives: {', '.join(message.parameters)}."
    sends = [j.name for j in source.journeys.values() if message.name in _sent(j.steps)]
    yield f"Sent by: {', '.join(sends)}." if sends else "No journey sends it."


def _consent(message: pg.Message, source: Model) -> str:
    topic = source.topics.get(message.topic)
    is_free = topic is not None and topic.consent == "none"
    return ", which needs no consent" if is_free else ", to those who consent to it"


def _sent(steps: model.Steps) -> set[str]:
    found: set[str] = set()
    for step in steps:
        if isinstance(step, model.Send):
            found.add(step.message)
        for block in model.blocks(step):
            found |= _sent(block)
    return found


# --- journeys ---------------------------------------------------------------------------------


def _journey(journey: model.Journey, source: Model) -> Lines:
    yield _head("journey", journey.name, model.place(journey.span))
    yield from filter(None, journey.doc.splitlines())
    yield from _section("Who enters", [*_entries(journey, source), *_limits(journey)])
    yield from _section("Goals", [_goal(goal) for goal in journey.goals])
    yield from _section("Leaves early", [_exit(leave) for leave in journey.exits])
    yield from _section("Steps", list(_steps(journey.steps)))
    sends = _sent(journey.steps)
    yield from _section(
        "Rules for its messages", list(policy_notes(source.policies.values())) if sends else []
    )


def _section(title: str, lines: list[str]) -> Lines:
    if lines:
        yield ""
        yield title
        yield from _indented(lines)


def _entries(journey: model.Journey, source: Model) -> Lines:
    for entry in journey.entries:
        if isinstance(entry, pg.EventEntry):
            yield f"the customer of each event {event_words(entry.event, None, entry.where)}"
            continue
        yield f"everybody in segment {name_words(entry.segment)} {_when(entry)}"
        segment = source.segments.get(entry.segment)
        if segment is not None:
            yield f"{_INDENT}{entry.segment}: {words(segment.condition)}"


def _when(entry: pg.SegmentEntry) -> str:
    if entry.every is not None:
        return f"at that instant, {schedule_words(entry.every)}"
    return "at the start" if entry.is_once else "at the start, and everybody who joins it later"


def _times(journey: model.Journey) -> Lines:
    if journey.is_draft:
        yield "nobody in a real run, because it is a draft; tests and simulations use it"
    if journey.starts is not None:
        yield f"from {moment_words(journey.starts)} on"
    if journey.ends is not None:
        yield f"until {moment_words(journey.ends)}; customers inside then go on"
    if journey.limit is not None:
        yield f"at most {journey.limit.count} per {journey.limit.unit}; the others wait for the next"


def _limits(journey: model.Journey) -> Lines:
    yield from _times(journey)
    if journey.suppress is not None:
        yield f"but nobody for whom this is true: {words(journey.suppress)}"
    each = f" for each {journey.per}" if journey.per else ""
    yield f"again: {_again(journey)}{each}"
    if journey.holdout is not None and Decimal(journey.holdout):
        share = percent_words(journey.holdout)
        yield f"held out: {share} go through all steps without any message, for comparison"
    if journey.language is not None:
        yield f"language: {words(journey.language)}"
    if journey.timezone is not None:
        yield f"time zone of customers without one: {journey.timezone}"


def _again(journey: model.Journey) -> str:
    if journey.again_after is not None:
        return f"{duration_words(journey.again_after)} after the last exit, one passage at a time"
    return "always, one passage at a time" if journey.again == "always" else "never, once"


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
                yield from _indented(_steps(step.steps))
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
    # A step without a label is named after what it does; saying it twice helps nobody.
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
    yield from _indented(_steps(step.steps) if step.steps else ["go on"])


def _wait(step: model.Wait) -> Lines:
    label = _label(step.name, "wait ")
    if not (step.arms or step.conditions):
        yield f"{label}wait {timer_words(step.timer)}"
        return
    which = "this" if len(step.arms) + len(step.conditions) == 1 else "the first of these"
    yield f"{label}wait up to {timer_words(step.timer)} for {which}"
    arms: list[model.AwaitArm | model.WhenArm] = [*step.arms, *step.conditions]
    for arm in sorted(arms, key=lambda a: a.order):
        yield f"{_INDENT}{_arm_words(arm)}"
        yield from _block(arm.steps)
    yield f"{_INDENT}if nothing comes"
    yield from _block(step.otherwise)


def _arm_words(arm: model.AwaitArm | model.WhenArm) -> str:
    if isinstance(arm, model.WhenArm):
        return f"when {words(arm.condition)}"
    return f"on {event_words(arm.event, arm.of, arm.where)}"


def _choose(step: model.Choose) -> Lines:
    word = "if"
    for arm in step.arms:
        yield f"{word} {words(arm.guard)}"
        yield from _indented(_steps(arm.steps) if arm.steps else ["go on"])
        word = "else if"
    if step.otherwise:
        yield "else"
        yield from _indented(_steps(step.otherwise))


def _block(steps: model.Steps) -> Lines:
    return _indented(_indented(_steps(steps) if steps else ["go on"]))
