"""`when C then V … else V`: all values have one type."""

from collections.abc import Callable

from cij.compiler import expression as ex
from cij.compiler.typecheck import operators
from cij.compiler.typecheck.environment import Environment
from cij.compiler.types import Type, join
from cij.grammar import codes, syntax

Check = Callable[[syntax.Expression, Environment], ex.Expression | None]

# A condition is a value already, and a duration has its unit only where it is written.
_NOT_BY_CASES = ("boolean", "duration", "list")


def check_cases(
    node: syntax.Cases, env: Environment, check: Check, check_condition: Check
) -> ex.Expression | None:
    """Return the typed value, or None after a mistake was reported."""
    conditions = [check_condition(condition, env) for condition, _ in node.cases]
    written = [*(value for _, value in node.cases), node.otherwise]
    values = [check(value, env) for value in written]
    type = _type(written, values, env)
    if type is None:
        return None
    made = [
        ex.Case(condition=condition, value=value)
        for condition, value in zip(conditions, values, strict=False)
        if condition is not None and value is not None
    ]
    *_, otherwise = values
    if len(made) < len(conditions) or otherwise is None:
        return None
    is_nullable = any(value is not None and value.is_nullable for value in values)
    return ex.Cases(type=type, is_nullable=is_nullable, cases=tuple(made), otherwise=otherwise)


def _type(
    written: list[syntax.Expression], values: list[ex.Expression | None], env: Environment
) -> Type | None:
    """Return the type of all values; None after a mistake was reported."""
    first, *others = values
    if first is None:
        return None
    if first.type.kind in _NOT_BY_CASES or first.type.entity is not None:
        message = f"a value by cases cannot be {first.type}"
        help = "write the conditions with `and` and `or`" if first.type.kind == "boolean" else None
        env.report(codes.TYPE_MISMATCH.at(written[0].span, message, help=help))
        return None
    type = first.type
    for node, value in zip(written[1:], others, strict=True):
        if value is None:
            return None
        if not operators.comparable(type, value.type):
            spans = (written[0].span, node.span)
            env.report(operators.mismatch("choose between", first, value, spans))
            return None
        # `1` and `0.5` are a whole number and a decimal, so the value is a decimal.
        type = join(type, value.type) or type
    return type
