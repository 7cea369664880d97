"""Parameters of fragments that stand for a name: of a message or of a topic.

send email request           `request` is the message that the argument names
give consent topic by email  `topic` is the topic that the argument names
"""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Any, cast

from cij.grammar import syntax

# The fields of steps that have names of declarations.
_NAMING: Mapping[type, tuple[str, str]] = {
    syntax.Send: ("messages", "message"),
    syntax.GiveConsent: ("topic", "topic"),
    syntax.WithdrawConsent: ("topic", "topic"),
}


def named_parameters(fragment: syntax.Fragment) -> dict[str, str]:
    """Return the parameters that stand for a name, with the kind of declaration that it is of."""
    own = {p.text for p in fragment.parameters}
    return {name.text: kind for name, kind in _names(fragment.steps) if name.text in own}


def with_names(steps: syntax.Steps, given: Mapping[str, syntax.Path]) -> syntax.Steps:
    """Return steps in which the arguments are in the place of such parameters."""
    changed: syntax.Steps = _changed(steps, given) if given else steps
    return changed


def _names(value: object) -> Iterator[tuple[syntax.Name, str]]:
    if isinstance(value, tuple):
        for item in value:
            yield from _names(item)
    elif isinstance(value, syntax.Node):
        if type(value) in _NAMING:
            field, kind = _NAMING[type(value)]
            found = getattr(value, field)
            yield from ((n, kind) for n in (found if isinstance(found, tuple) else (found,)))
        for name in _fields(cast(Hashable, type(value))):
            yield from _names(getattr(value, name))


def _changed(value: Any, given: Mapping[str, syntax.Path]) -> Any:
    match value:
        case tuple():
            return tuple(_changed(item, given) for item in value)
        case syntax.Run(arguments=arguments):
            return replace(value, arguments=tuple(_argument(a, given) for a in arguments))
        case syntax.Node():
            inside = {
                name: _changed(getattr(value, name), given)
                for name in _fields(cast(Hashable, type(value)))
            }
            return replace(value, **inside, **_renamed(value, given))
    return value


def _argument(value: syntax.Expression, given: Mapping[str, syntax.Path]) -> syntax.Expression:
    return given.get(value.text, value) if isinstance(value, syntax.Path) else value


def _renamed(step: syntax.Node, given: Mapping[str, syntax.Path]) -> dict[str, Any]:
    if type(step) not in _NAMING:
        return {}
    field, _ = _NAMING[type(step)]
    found = getattr(step, field)
    names = [_name(n, given) for n in (found if isinstance(found, tuple) else (found,))]
    return {field: tuple(names) if isinstance(found, tuple) else names[0]}


def _name(name: syntax.Name, given: Mapping[str, syntax.Path]) -> syntax.Name:
    argument = given.get(name.text)
    return name if argument is None else syntax.Name(argument.text, span=argument.span)


@cache
def _fields(kind: Hashable) -> tuple[str, ...]:
    """Return the fields with nodes inside; names are no such nodes."""
    node = cast(type, kind)
    left_out = {"span", "label", *(_NAMING[node][:1] if node in _NAMING else ())}
    return tuple(f.name for f in fields(node) if f.name not in left_out)
