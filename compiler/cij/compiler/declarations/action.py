"""`action`: a typed call to the outside, and the event that it was done."""

from dataclasses import dataclass
from typing import Union

from cij.compiler import expression as ex, program as pg
from cij.compiler.declarations.body import Body, read_body
from cij.compiler.declarations.environments import customer_environment
from cij.compiler.declarations.event import RESERVED
from cij.compiler.declarations.explain_lines import INDENT, Lines, heading
from cij.compiler.declarations.written_type import type_of
from cij.compiler.model import Model, place
from cij.compiler.pass_state import Build
from cij.compiler.typecheck import check_value
from cij.compiler.types import DURATION, Type
from cij.compiler.unparse import name_words, words
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Label

# Types that a column cannot have, but a parameter can.
_MORE = {"duration": DURATION}
_CONSTANT = (ex.Constant, ex.Period)


@dataclass(frozen=True, slots=True)
class _Form:
    """`TYPE`, `TYPE ?? default` or `optional(TYPE)`."""

    type: syntax.Expression
    default: syntax.Expression | None = None
    is_required: bool = True


def define(node: syntax.Declaration, build: Build) -> None:
    """Add the action and its event to the model, or report what is wrong with them."""
    name = node.name.text
    body = read_body(
        f"action `{name}`",
        node.name.span,
        node.items,
        build.report,
        settings=(),
        blocks=("parameters", "returns"),
    )
    if _is_taken(node, build):
        return
    parameters = [_parameter(s, build) for s in _settings(body, "parameters", build)]
    returns = [_result(s, build) for s in _settings(body, "returns", build)]
    known = tuple(p for p in parameters if p is not None)
    if len(known) < len(parameters) or None in returns:
        build.broken.add(mark(name))
    build.model.actions[name] = pg.Action(
        name=name,
        parameters=known,
        returns=tuple(r for r in returns if r is not None),
        doc=node.doc,
        place=place(node.name.span),
    )
    build.model.events[pg.done_by(name)] = _event(build.model.actions[name])


def mark(name: str) -> str:
    """Return what stands for a broken action among the broken fields: no field has a space in it."""
    return f"action {name}"


def _is_taken(node: syntax.Declaration, build: Build) -> bool:
    """An event in back-quotes could have the name of the one that the action brings."""
    event = build.declared["event"].get(pg.done_by(node.name.text))
    if event is None:
        return False
    message = f"`{event.name.text}` is the event that `{node.name.text}` was done"
    related = [Label(node.name.span, "the action")]
    build.report(codes.DUPLICATE_NAME.at(event.name.span, message, related=related))
    return True


def _settings(body: Body, word: str, build: Build) -> list[syntax.Setting]:
    blocks = [b for b in body.blocks if b.word.text == word]
    found: list[syntax.Setting] = []
    for block in blocks:
        inner = read_body(f"`{word}`", block.span, block.items, build.report, settings=None)
        found += inner.settings.values()
    return found


def _event(action: pg.Action) -> pg.Event:
    fields = (pg.EventFieldDefinition(name=r.name, type=r.type) for r in action.returns)
    return pg.Event(
        name=pg.done_by(action.name),
        fields=tuple(fields),
        is_interaction=True,
        place=action.place,
    )


# --- parameters and results -------------------------------------------------------------------


def _parameter(setting: syntax.Setting, build: Build) -> pg.ActionParameter | None:
    form = _form(setting.value)
    type = type_of(form.type, build, _MORE)
    if type is None:
        return None
    default = _default(form.default, type, build) if form.default is not None else None
    if form.default is not None and default is None:
        return None
    return pg.ActionParameter(
        name=setting.key.text,
        type=type,
        is_required=form.is_required and default is None,
        default=default,
    )


def _form(value: syntax.Expression) -> _Form:
    match value:
        case syntax.Binary(operator="??", left=type, right=default):
            return _Form(type, default)
        case syntax.Call(function=syntax.Path(parts=("optional",)), arguments=(argument,)):
            return _Form(argument.value, is_required=False)
    return _Form(value)


_Constant = Union[ex.Constant, ex.Period]


def _default(node: syntax.Expression, type: Type, build: Build) -> _Constant | None:
    before = len(build.diagnostics)
    value = check_value(node, type, customer_environment(build))
    if isinstance(value, _CONSTANT):
        return value
    if len(build.diagnostics) == before:
        message = "a default is a plain value, the same for everybody"
        hint = "give values that differ in the step: `do ACTION { … }`"
        build.report(codes.BAD_SETTING.at(node.span, message, help=hint))
    return None


def _result(setting: syntax.Setting, build: Build) -> pg.ActionResult | None:
    name = setting.key.text
    if name.casefold() in (*RESERVED, "channel"):
        message = f"`{name}` is a field of every event, and results are fields of an event"
        hint = f"choose another name, such as `task_{name}`"
        build.report(codes.DUPLICATE_NAME.at(setting.key.span, message, help=hint))
        return None
    form = _form(setting.value)
    if form != _Form(setting.value):
        message = "a result has only a type, because it may never arrive"
        build.report(codes.BAD_SETTING.at(setting.value.span, message))
        return None
    type = type_of(form.type, build)
    return None if type is None else pg.ActionResult(name=name, type=type)


# --- explain ---------------------------------------------------------------------------------


def explain(action: pg.Action, source: Model) -> Lines:
    yield heading("action", action.name, action.place)
    yield from action.doc.splitlines()
    yield "Parameters:" if action.parameters else "It takes nothing."
    for parameter in action.parameters:
        default = f", else {words(parameter.default)}" if parameter.default is not None else ""
        rule = default or ("" if parameter.is_required else ", optional")
        yield f"{INDENT}{name_words(parameter.name)}: {parameter.type}{rule}"
    if action.returns:
        returned = ", ".join(f"{r.name} ({r.type})" for r in action.returns)
        yield f"It returns: {returned}; each is missing until it arrives."
