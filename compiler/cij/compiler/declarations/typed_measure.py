"""Measures are typed when they are first used, because one may use another."""

from dataclasses import replace

from cij.compiler import program as pg
from cij.compiler.declarations.body import read_body
from cij.compiler.model import place
from cij.compiler.typecheck import Environment, check
from cij.grammar import codes


def _mark(name: str) -> str:
    # No field has this name: it holds a space.
    return f"measure {name}"


def typed_measure(name: str, env: Environment) -> pg.Measure | None:
    """Return the measure, typing it first if need be; None when it has a mistake."""
    if name in env.model.measures:
        return env.model.measures[name]
    node = env.declared["measure"][name]
    if _mark(name) in env.broken:
        return None
    if name in env.measure_stack:
        circle = env.measure_stack[env.measure_stack.index(name) :]
        message = f"measure `{name}` needs itself: {' -> '.join((*circle, name))}"
        env.report(codes.CIRCULAR_DEFINITION.at(node.name.span, message))
        env.broken.update(_mark(inner) for inner in circle)
        return None
    if env.field(name) is not None:
        message = f"`{name}` is a field of the customer already"
        env.report(
            codes.DUPLICATE_NAME.at(
                node.name.span, message, help="choose another name for the measure"
            )
        )
        env.broken.add(_mark(name))
        return None
    body = read_body(
        f"measure `{name}`",
        node.name.span,
        node.items,
        env.report,
        settings=("value",),
        later=("by", "target", "unit"),
    )
    setting = body.need("value", "value = sum(purchase.amount)")
    if setting is None:
        return None
    inner = replace(env, event=None, trigger=(), measure_stack=(*env.measure_stack, name))
    value = check(setting.value, inner)
    if value is None:
        return None
    measure = pg.Measure(name=name, value=value, place=place(node.name.span))
    env.model.measures[name] = measure
    return measure
