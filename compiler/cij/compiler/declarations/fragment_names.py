"""Parameters of fragments whose argument is the name of a message or a topic.

send email request           `request` is the message that the argument names
give consent topic by email  `topic` is the topic that the argument names
"""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Any, cast

from cij.grammar import syntax
from cij.grammar.expressions import DEPTH_MAX

# The fields of steps that have names of declarations.
_NAMING: Mapping[type, tuple[str, str]] = {
    syntax.Send: ("messages", "message"),
    syntax.GiveConsent: ("topic", "topic"),
    syntax.WithdrawConsent: ("topic", "topic"),
}


def named_parameters(
    fragment: syntax.Fragment,
    fragments: Mapping[str, syntax.Fragment],
    known: dict[str, dict[str, str]] | None = None,
    depth: int = 0,
) -> dict[str, str]:
    """Return the parameters that take a name, each with the kind of declaration that it names.

    `known` has the answer for fragments that were looked at: each is looked at once. A fragment that is
    run more than `DEPTH_MAX` levels deep is refused where it is run, so it needs no answer.
    """
    known = {} if known is None else known
    own = {p.text for p in fragment.parameters}
    found = {name.text: kind for name, kind in _names(fragment.steps) if name.text in own}
    # A fragment that runs itself is a mistake, which is reported elsewhere.
    known[fragment.name.text] = found
    for run in _runs(fragment.steps):
        inner = fragments.get(run.fragment.text)
        if inner is None or depth >= DEPTH_MAX:
            continue
        named = known.get(inner.name.text)
        if named is None:
            named = named_parameters(inner, fragments, known, depth + 1)
        for parameter, argument in zip(inner.parameters, run.arguments, strict=False):
            if (
                parameter.text in named
                and isinstance(argument, syntax.Path)
                and argument.text in own
            ):
                found[argument.text] = named[parameter.text]
    return found


def with_names(steps: syntax.Steps, given: Mapping[str, syntax.Path]) -> syntax.Steps:
    """Return steps with the arguments in place of such parameters."""
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


def _runs(value: object) -> Iterator[syntax.Run]:
    if isinstance(value, tuple):
        for item in value:
            yield from _runs(item)
    elif isinstance(value, syntax.Run):
        yield value
    elif isinstance(value, syntax.Node):
        for name in _fields(cast(Hashable, type(value))):
            yield from _runs(getattr(value, name))


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
