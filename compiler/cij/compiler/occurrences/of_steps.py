"""The names in steps, conditions, heads of journeys and tests: one row for each class of node that
names something."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import fields
from functools import cache
from typing import Any, cast

from cij.compiler.occurrences.of_paths import of_path
from cij.compiler.occurrences.place_scope import Occurrence, Scope, part
from cij.compiler.review.lineage import Node, step_node
from cij.compiler.typecheck.aggregates import AGGREGATES
from cij.grammar import syntax

Found = Iterator[Occurrence]
Visitor = Callable[[Any, Scope], Found]
Name = syntax.Name


def of_node(node: syntax.Node, scope: Scope) -> Found:
    """Yield the names in a node and in all nodes inside it."""
    if isinstance(node, syntax.LabelledStep) and node.label is not None:
        yield Occurrence(step_node(scope.declaration, node.label.text), node.label.span, True)
    yield from _VISITORS.get(type(node), inside)(node, scope)


def inside(node: syntax.Node, scope: Scope, *without: str) -> Found:
    """Yield the names in the parts of a node, but for those in the fields `without`."""
    for name in _fields(cast(Hashable, type(node))):
        if name not in without:
            yield from _value(getattr(node, name), scope)


def named(kind: str, name: Name | None) -> Found:
    """Yield the use of a name of this kind."""
    if name is not None:
        yield Occurrence(Node(kind, name.text), name.span)


@cache
def _fields(kind: Hashable) -> tuple[str, ...]:
    return tuple(
        field.name for field in fields(cast(type, kind)) if field.name not in ("span", "label")
    )


def _value(value: object, scope: Scope) -> Found:
    if isinstance(value, syntax.Node):
        yield from of_node(value, scope)
    elif isinstance(value, tuple):
        for item in value:
            yield from _value(item, scope)


def label(name: Name | None, scope: Scope) -> Found:
    """Yield the use of a step by its label."""
    if name is not None:
        # `all.mail` is the step `mail` of the fragment that the step `all` runs.
        own, _, _ = name.text.partition(".")
        quote = 1 if scope.texts.at(name.span).startswith("`") else 0
        span = name.span if own == name.text else part(name.span, quote, len(own))
        yield Occurrence(step_node(scope.declaration, own), span)


# --- steps ------------------------------------------------------------------------------------


def _send(node: syntax.Send, scope: Scope) -> Found:
    for message in node.messages:
        yield from named("message", message)
    yield from _given(node.settings, scope)


def _given(settings: tuple[syntax.Setting, ...], scope: Scope) -> Found:
    # The key is a parameter of what is called, and no name of the project.
    for setting in settings:
        yield from of_node(setting.value, scope)


def _do(node: syntax.Do, scope: Scope) -> Found:
    yield from named("action", node.action)
    yield from _given(node.settings, scope)


def _emit(node: syntax.Emit, scope: Scope) -> Found:
    yield from _event(node.event, scope)
    yield from _fields_of(node.settings, f"{node.event.text}.", "event field", scope)


def _consent(node: "syntax.GiveConsent | syntax.WithdrawConsent", scope: Scope) -> Found:
    yield from named("topic", node.topic)


def _run(node: syntax.Run, scope: Scope) -> Found:
    yield from named("fragment", node.fragment)
    for argument in node.arguments:
        kind = _declared(argument, scope)
        if kind is not None and isinstance(argument, syntax.Path):
            yield Occurrence(Node(kind, argument.text), argument.span)
        else:
            yield from of_node(argument, scope)


def _declared(argument: syntax.Expression, scope: Scope) -> str | None:
    """Return the kind of declaration that an argument names; None for a value."""
    if not isinstance(argument, syntax.Path) or len(argument.parts) > 1:
        return None
    profile = scope.model.profile
    if profile is not None and any(f.name == argument.text for f in profile.fields):
        return None
    kinds = (("topic", scope.model.topics), ("message", scope.model.messages))
    return next((kind for kind, made in kinds if argument.text in made), None)


def _pattern(node: syntax.Pattern, scope: Scope) -> Found:
    yield from _event(node.event, scope)
    yield from label(node.label, scope)
    if node.name is not None:
        yield Occurrence(step_node(scope.declaration, node.name.text), node.name.span, True)
    if node.where is not None:
        yield from of_node(node.where, scope.within(node.event.text))


def _event(name: Name, scope: Scope) -> Found:
    found = scope.model.events.get(name.text)
    # What people do with messages is built in, and written nowhere.
    if found is None or not found.is_interaction:
        yield from named("event", name)


def _setting(node: syntax.Setting, scope: Scope) -> Found:
    kind = _NAMING.get(node.key.text)
    if kind is not None and isinstance(node.value, syntax.Path):
        yield Occurrence(Node(kind, node.value.text), node.value.span)
    else:
        yield from of_node(node.value, scope)


# Settings whose value is the name of a declaration.
_NAMING = {"topic": "topic", "source": "source"}


# --- expressions ------------------------------------------------------------------------------


def _call(node: syntax.Call, scope: Scope) -> Found:
    # `customer = shop(customer_id)` in an event, and `product = product(product_id)`: rows by a key.
    for kind, made in (("source", scope.model.sources), ("entity", scope.model.entities)):
        if node.function.text in made:
            yield Occurrence(Node(kind, node.function.text), node.function.span)
    for argument in node.arguments:
        yield from _argument(node, argument, scope)


def _argument(call: syntax.Call, node: syntax.Argument, scope: Scope) -> Found:
    value = node.value
    is_aggregate = call.function.text in AGGREGATES and isinstance(value, syntax.Path)
    if not is_aggregate or value.parts[0] not in scope.model.events:  # type: ignore[union-attr]
        yield from inside(node, scope)
        return
    event = value.parts[0]  # type: ignore[union-attr]
    yield from of_node(value, scope.within(event))
    yield from inside(node, scope.within(event), "value")


def _in_segment(node: syntax.InSegment, scope: Scope) -> Found:
    yield from named("segment", node.segment)


def _set(node: syntax.Set, scope: Scope) -> Found:
    yield from of_path(node.field, scope)
    yield from of_node(node.value, scope)


# --- heads and tests --------------------------------------------------------------------------


def _enter_segment(node: syntax.EnterSegment, scope: Scope) -> Found:
    yield from named("segment", node.segment)


def _removed(node: syntax.Removed, scope: Scope) -> Found:
    if node.then == "go to":
        yield from label(node.target, scope)


def _renamed(node: syntax.Renamed, scope: Scope) -> Found:
    yield from label(node.new, scope)


def _happens(node: syntax.Happens, scope: Scope) -> Found:
    yield from _event(node.event, scope)
    yield from label(node.label, scope)
    yield from _fields_of(node.settings, f"{node.event.text}.", "event field", scope)


def _given_customer(node: syntax.Given, scope: Scope) -> Found:
    for setting in node.settings:
        yield from of_path(setting.key, scope)
        yield from of_node(setting.value, scope)


def _given_row(node: syntax.GivenRow, scope: Scope) -> Found:
    yield from named("entity", node.entity)
    yield from _fields_of(node.settings, f"{node.entity.text}.", "entity field", scope)


def _fields_of(settings: tuple[syntax.Setting, ...], prefix: str, kind: str, scope: Scope) -> Found:
    for setting in settings:
        yield Occurrence(Node(kind, prefix + setting.key.text), setting.key.span)
        yield from of_node(setting.value, scope)


def _expect_sent(node: syntax.ExpectSent, scope: Scope) -> Found:
    if isinstance(node.message, Name):
        yield from named("message", node.message)


def _expect_waiting(node: syntax.ExpectWaiting, scope: Scope) -> Found:
    if isinstance(node.step, Name):
        yield from label(node.step, scope)


def _expect_member(node: syntax.ExpectMember, scope: Scope) -> Found:
    yield from named("segment", node.segment)


def _expect_done(node: syntax.ExpectDone, scope: Scope) -> Found:
    yield from named("action", node.action)


_VISITORS: dict[type, Visitor] = {
    syntax.Call: _call,
    syntax.Do: _do,
    syntax.Emit: _emit,
    syntax.EnterSegment: _enter_segment,
    syntax.ExpectDone: _expect_done,
    syntax.ExpectMember: _expect_member,
    syntax.ExpectSent: _expect_sent,
    syntax.ExpectWaiting: _expect_waiting,
    syntax.GiveConsent: _consent,
    syntax.Given: _given_customer,
    syntax.GivenRow: _given_row,
    syntax.Happens: _happens,
    syntax.InSegment: _in_segment,
    syntax.Path: of_path,
    syntax.Pattern: _pattern,
    syntax.Removed: _removed,
    syntax.Renamed: _renamed,
    syntax.Run: _run,
    syntax.Send: _send,
    syntax.Set: _set,
    syntax.Setting: _setting,
    syntax.WithdrawConsent: _consent,
}
