"""`test` blocks to stories: names resolved, values typed, mistakes reported.

    syntax.Test --resolve_stories--> Story

Names of the project are looked up as everywhere. What the tested journey does is looked up in its
states, so that is done only where the rest of the project has no mistakes.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cij.compiler import expression as ex, program as pg, story as st, story_expectations
from cij.compiler.channels import OF_CALLS, happens_on
from cij.compiler.declarations.environments import customer_environment
from cij.compiler.model import place
from cij.compiler.naming import did_you_mean, no_event
from cij.compiler.pass_state import Build
from cij.compiler.story_cases import CASE, EXAMPLE, Case, cases_of
from cij.compiler.story_context import Context, calls_of, customer_of, filled, sends_of
from cij.compiler.typecheck import check, check_value
from cij.compiler.typecheck.names import event_field
from cij.compiler.typecheck.written_period import period
from cij.compiler.types import TEXT, Type
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Label
from cij.grammar.span import Span

_CLOCK_HELP = "begin the test with the local time of its start: `clock 2026-03-02 10:00`"


def resolve_stories(
    files: Iterable[syntax.File], build: Build, program: pg.Program | None
) -> tuple[st.Story, ...]:
    """Return the stories of all tests without mistakes; the mistakes go to `build`.

    `program` is None where the project has errors.
    """
    tests = [n for file in files for n in file.declarations if isinstance(n, syntax.Test)]
    journeys = {j.name: j for j in program.journeys} if program else {}
    found = [story for test in tests for story in _stories(test, build, journeys)]
    return tuple(story for story in found if story is not None)


def _stories(
    test: syntax.Test, build: Build, journeys: Mapping[str, pg.Journey]
) -> list[st.Story | None]:
    """Return the story of each case of a test. What is wrong in all cases is reported once."""
    before = len(build.diagnostics)
    _find_journey(test, build)
    found = [_story(case, build, journeys) for case in cases_of(test, build)]
    reported = dict.fromkeys(build.diagnostics[before:])
    build.diagnostics[before:] = reported
    return [] if any(d.is_error for d in reported) else found


def _story(case: Case, build: Build, journeys: Mapping[str, pg.Journey]) -> st.Story | None:
    test, before = case.test, len(build.diagnostics)
    journey = journeys.get(test.subject.text)
    context = Context(build, customer_environment(build), journey, case.columns)
    statements: list[st.Statement] = []
    for node in test.statements:
        statements += _RESOLVERS[type(node)](node, context)
    if context.clock is None:
        message = "the test does not say when it begins"
        build.report(codes.TEST_CLOCK.at(test.title.span, message, help=_CLOCK_HELP))
    if context.clock is None or any(d.is_error for d in build.diagnostics[before:]):
        return None
    return st.Story(
        title=case.title,
        journey=test.subject.text,
        place=place(case.span),
        clock=_local(filled(context.clock.moment)),
        case=case.name,
        statements=tuple(statements),
    )


def _find_journey(test: syntax.Test, build: Build) -> None:
    name = test.subject.text
    if name in build.journeys:
        return
    hint = did_you_mean(name, build.journeys)
    if name in build.declared["segment"]:
        hint = (
            f'a test is for a journey; test a segment in it with `expect "ana" in segment {name}`'
        )
    message = f"there is no journey `{name}`"
    build.report(codes.UNKNOWN_NAME.at(test.subject.span, message, help=hint))


def _local(moment: syntax.DateTime) -> str:
    return moment.value.strftime("%Y-%m-%d %H:%M:%S")


# --- clock and time ---------------------------------------------------------------------------


def _clock(node: syntax.Clock, context: Context) -> list[st.Statement]:
    if context.clock is not None:
        message = "the test sets its clock twice"
        related = [Label(context.clock.span, "first here")]
        hint = "let time pass with `after 2 days`"
        context.build.report(codes.TEST_CLOCK.at(node.span, message, related=related, help=hint))
        return []
    if context.has_begun:
        message = "the clock is set after something has happened"
        context.build.report(codes.TEST_CLOCK.at(node.span, message, help=_CLOCK_HELP))
    context.clock = node
    return []


def _after(node: syntax.After, context: Context) -> list[st.Statement]:
    context.has_begun = True
    line = context.line(node)
    is_joined = node.event is not None
    passed: list[st.Statement] = [
        st.After(**line, period=period(filled(node.duration)), is_joined=is_joined)
    ]
    return passed if node.event is None else [*passed, *_happens(node.event, context)]


def _down(node: syntax.Down, context: Context) -> list[st.Statement]:
    return [st.Down(**context.line(node), period=period(filled(node.duration)))]


# --- customers and their values ---------------------------------------------------------------


def _given(node: syntax.Given, context: Context) -> list[st.Statement]:
    context.given.setdefault(node.customer.value, node.customer.span)
    fields: dict[str, ex.Constant] = {}
    consents: list[st.ConsentGiven] = []
    for setting in _once(node.settings, context):
        target = _target(setting, context)
        if target is None:
            continue
        value = _value(setting, target.type, context)
        if value is not None and isinstance(target, ex.Consent):
            consents.append(st.ConsentGiven(target.topic, target.channel, bool(value.value)))
        elif value is not None and isinstance(target, ex.Field):
            fields[target.name] = value
    line = context.line(node)
    customer = node.customer.value
    return [st.Given(**line, customer=customer, fields=fields, consents=tuple(consents))]


def _given_row(node: syntax.GivenRow, context: Context) -> list[st.Statement]:
    build, name = context.build, node.entity.text
    entity = build.model.entities.get(name)
    if entity is None:
        if name not in build.declared["entity"]:
            message = f"there is no entity `{name}`"
            hint = did_you_mean(name, [*build.declared["entity"], "customer"])
            build.report(codes.UNKNOWN_NAME.at(node.entity.span, message, help=hint))
        return []
    types = {f.name: f.type for f in entity.fields}
    fields = {}
    for setting in _once(node.settings, context):
        key = setting.key
        if key.text not in types:
            message = f"entity `{name}` has no field `{key.text}`"
            hint = did_you_mean(key.text, types)
            build.report(codes.UNKNOWN_NAME.at(key.span, message, help=hint))
            continue
        value = _value(setting, types[key.text], context)
        if value is not None:
            fields[key.text] = value
    line = context.line(node)
    return [st.GivenRow(**line, entity=name, key=node.row.value, fields=fields)]


def _once(settings: tuple[syntax.Setting, ...], context: Context) -> Iterable[syntax.Setting]:
    """Yield the settings, each key once; report the others."""
    first: dict[str, Span] = {}
    for setting in settings:
        key = setting.key.text
        if key in first:
            related = [Label(first[key], "first here")]
            message = f"`{key}` is set twice"
            context.build.report(
                codes.DUPLICATE_NAME.at(setting.key.span, message, related=related)
            )
            continue
        first[key] = setting.key.span
        yield setting


def _target(setting: syntax.Setting, context: Context) -> ex.Field | ex.Consent | None:
    key = setting.key
    found = check(key, context.env)
    if isinstance(found, ex.Field) and found.name == "id":
        message = "`id` cannot be set: in a test the name of the customer is the id"
        context.build.report(codes.TEST_VALUE.at(key.span, message))
    elif isinstance(found, ex.MeasureValue):
        message = f"`{key.text}` is a measure, computed from what the customer does"
        hint = 'give the events: `event … by "ana"`'
        context.build.report(codes.TEST_VALUE.at(key.span, message, help=hint))
    elif isinstance(found, (ex.Field, ex.Consent)):
        return found
    return None


def _value(setting: syntax.Setting, wanted: Type, context: Context) -> ex.Constant | None:
    node = setting.value
    found = None
    if not isinstance(node, (syntax.Path, syntax.Call)):
        reported = len(context.build.diagnostics)
        found = check_value(node, wanted, context.env)
        if len(context.build.diagnostics) > reported:
            return None
    if isinstance(found, ex.Constant):
        return found
    message = f"`{setting.key.text}` takes a plain value in a test"
    hint = "in quotes, if it is a text" if isinstance(node, syntax.Path) else None
    if isinstance(node, syntax.Path) and node.parts[0] == CASE:
        hint = EXAMPLE
    context.build.report(codes.TEST_VALUE.at(node.span, message, help=hint))
    return None


# --- events -----------------------------------------------------------------------------------


def _happens(node: syntax.Happens, context: Context) -> list[st.Statement]:
    context.has_begun = True
    customer = customer_of(node.customer, context)
    is_done = node.event.text == "done" and node.label is not None
    event = _done(node, context) if is_done else _event(node.event, context)
    if event is None:
        return []
    channel: ex.Constant | None = None
    if is_done:
        channel = ex.Constant(type=TEXT, value="action")
    elif node.label:
        channel = _channel_of_label(node.label, event, context)
    fields = {}
    for setting in _once(node.settings, context):
        value = _event_value(setting, event, context)
        if value is not None:
            fields[setting.key.text] = value
    if channel is not None:
        fields.setdefault("channel", channel)
    of = node.label.text if node.label else None
    line = context.line(node)
    return [st.Happens(**line, event=event.name, of=of, customer=customer, fields=fields)]


def _done(node: syntax.Happens, context: Context) -> pg.Event | None:
    """Return the event that what a step of the tested journey called was done."""
    label = node.label
    assert label is not None, "`done` alone is an event like any other"
    if context.journey is None:
        return None
    calls = {step: effect.action for step, effect in calls_of(context.journey)}
    if label.text not in calls:
        hint = did_you_mean(label.text, calls)
        message = f"no `do` of `{context.journey.name}` is called `{label.text}`"
        context.build.report(codes.TEST_STEP.at(label.span, message, help=hint))
        return None
    return context.build.model.events[pg.done_by(calls[label.text])]


def _event(name: syntax.Name, context: Context) -> pg.Event | None:
    events = context.build.model.events
    if name.text not in events and name.text not in context.build.declared["event"]:
        context.build.report(no_event(name.span, name.text, events))
    return events.get(name.text)


def _event_value(setting: syntax.Setting, event: pg.Event, context: Context) -> ex.Constant | None:
    name = setting.key.text
    if name == "at":
        message = "an event of a test happens when its line is reached, so `at` cannot be set"
        context.build.report(codes.TEST_VALUE.at(setting.key.span, message))
        return None
    found = event_field(event, name)
    if found is None:
        names = [f.name for f in event.fields] + ["channel"] * event.is_interaction
        hint = did_you_mean(name, names)
        message = f"event `{event.name}` has no field `{name}`"
        context.build.report(codes.UNKNOWN_NAME.at(setting.key.span, message, help=hint))
        return None
    return _value(setting, found.type, context)


def _channel_of_label(label: syntax.Name, event: pg.Event, context: Context) -> ex.Constant | None:
    """Return the channel of the send that an interaction belongs to."""
    if not event.is_interaction:
        message = f"`{event.name}` is not an interaction with a message, so it has no step"
        alone = f"write `{event.name}` alone"
        context.build.report(codes.TEST_STEP.at(label.span, message, help=alone))
        return None
    if context.journey is None:
        return None
    sends = {step: send.channel for step, send in sends_of(context.journey)}
    if event.name == OF_CALLS and label.text in dict(calls_of(context.journey)):
        return ex.Constant(type=TEXT, value="action")
    if label.text not in sends:
        hint = did_you_mean(label.text, sends)
        message = f"no send of `{context.journey.name}` is called `{label.text}`"
        context.build.report(codes.TEST_STEP.at(label.span, message, help=hint))
        return None
    channel = sends[label.text]
    if not happens_on(event.name, channel):
        message = f"`{label.text}` sends by {channel}, and no {channel} is ever {event.name}"
        context.build.report(codes.TEST_STEP.at(label.span, message))
    return ex.Constant(type=TEXT, value=channel)


def _begins(
    resolve: Callable[[Any, Context], list[st.Statement]],
) -> Callable[[Any, Context], list[st.Statement]]:
    def rule(node: Any, context: Context) -> list[st.Statement]:
        context.has_begun = True
        return resolve(node, context)

    return rule


_RESOLVERS: dict[type, Callable[[Any, Context], list[st.Statement]]] = {
    syntax.Clock: _clock,
    syntax.Given: _given,
    syntax.GivenRow: _begins(_given_row),
    syntax.Happens: _happens,
    syntax.After: _after,
    syntax.Down: _begins(_down),
    syntax.ExpectSent: _begins(story_expectations.expect_sent),
    syntax.ExpectNothing: _begins(story_expectations.expect_nothing),
    syntax.ExpectNoOther: _begins(story_expectations.expect_no_other),
    syntax.ExpectEnded: _begins(story_expectations.expect_ended),
    syntax.ExpectWaiting: _begins(story_expectations.expect_waiting),
    syntax.ExpectMember: _begins(story_expectations.expect_member),
    syntax.ExpectHas: _begins(story_expectations.expect_has),
    syntax.ExpectDone: _begins(story_expectations.expect_done),
}
