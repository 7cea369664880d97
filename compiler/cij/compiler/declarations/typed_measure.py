"""Measures are typed when they are first used, because one may use another."""

from dataclasses import replace

from cij.compiler import program as pg
from cij.compiler.declarations.body import read_body
from cij.compiler.expression import Expression
from cij.compiler.model import place
from cij.compiler.typecheck import Environment, check
from cij.grammar import codes, syntax


def typed_measure(name: str, env: Environment) -> pg.Measure | None:
    """Return the measure, typing it first if need be; None when it has a mistake."""
    if name in env.model.measures:
        return env.model.measures[name]
    node = env.declared["measure"][name]
    if _mark(name) in env.broken or _is_circular(name, node, env) or _is_field(name, node, env):
        return None
    inner = replace(env, event=None, trigger=(), measure_stack=(*env.measure_stack, name))
    value = _value(node, inner)
    if value is None:
        return None
    measure = pg.Measure(name=name, value=value, place=place(node.name.span))
    env.model.measures[name] = measure
    return measure


def _mark(name: str) -> str:
    # No field has this name: it holds a space.
    return f"measure {name}"


def _is_circular(name: str, node: syntax.Declaration, env: Environment) -> bool:
    """Report a measure that needs itself. All measures of the circle are broken then."""
    if name not in env.measure_stack:
        return False
    circle = env.measure_stack[env.measure_stack.index(name) :]
    message = f"measure `{name}` needs itself: {' -> '.join((*circle, name))}"
    env.report(codes.CIRCULAR_DEFINITION.at(node.name.span, message))
    env.broken.update(_mark(inner) for inner in circle)
    return True


def _is_field(name: str, node: syntax.Declaration, env: Environment) -> bool:
    """Report a measure with the name of a field: a condition could mean either."""
    if env.field(name) is None:
        return False
    message = f"`{name}` is a field of the customer already"
    hint = "choose another name for the measure"
    env.report(codes.DUPLICATE_NAME.at(node.name.span, message, help=hint))
    env.broken.add(_mark(name))
    return True


def _value(node: syntax.Declaration, env: Environment) -> Expression | None:
    body = read_body(
        f"measure `{node.name.text}`",
        node.name.span,
        node.items,
        env.report,
        settings=("value",),
        later=("by", "target", "unit"),
    )
    setting = body.need("value", "value = sum(purchase.amount)")
    return check(setting.value, env) if setting is not None else None
