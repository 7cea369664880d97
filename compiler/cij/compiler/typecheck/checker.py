"""One expression: names resolved, types decided, mistakes reported."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import chain, repeat
from typing import Any, cast

from cij.compiler import expression as ex
from cij.compiler.functions import ARGUMENTS_MAX, FUNCTIONS
from cij.compiler.naming import did_you_mean
from cij.compiler.typecheck import enum_values, operators
from cij.compiler.typecheck.aggregates import AGGREGATES, check_aggregate
from cij.compiler.typecheck.by_cases import check_cases
from cij.compiler.typecheck.environment import Environment
from cij.compiler.typecheck.names import resolve
from cij.compiler.typecheck.relations import check_relation
from cij.compiler.typecheck.written_period import period
from cij.compiler.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    IN_LISTS,
    INTEGER,
    PERCENT,
    TEXT,
    TIME,
    Type,
    join,
    list_of,
    list_text,
    money,
)
from cij.grammar import codes, syntax
from cij.grammar.span import Span

_Rule = Callable[[Any, Environment], ex.Expression | None]


def check(node: syntax.Expression, env: Environment) -> ex.Expression | None:
    """Return the typed expression, or None after a mistake was reported."""
    rule = _RULES.get(type(node))
    if rule is None:
        _not_a_value(node, env)
        return None
    return rule(node, env)


def check_condition(node: syntax.Expression, env: Environment) -> ex.Expression | None:
    """As `check`, and report what is not true or false."""
    found = check(node, env)
    if found is None or operators.is_condition(found):
        return found
    message = f"a condition is true or false, and this is {found.type}"
    hint = "compare it with something, or ask `is known`"
    env.report(codes.TYPE_MISMATCH.at(node.span, message, label=str(found.type), help=hint))
    return None


def all_of(items: Sequence[ex.Expression | None]) -> ex.Expression | None:
    """Return the conjunction of conditions, or None where one of them has a mistake."""
    typed = tuple(item for item in items if item is not None)
    if not typed or len(typed) < len(items):
        return None
    return typed[0] if len(typed) == 1 else ex.And(type=BOOLEAN, items=typed)


def check_value(node: syntax.Expression, wanted: Type, env: Environment) -> ex.Expression | None:
    """As `check`, and report a value of another type than `wanted`."""
    if isinstance(node, syntax.ListOf) and wanted.item is not None:
        return _list_value(node, wanted, env)
    if isinstance(node, syntax.Cases) and wanted.values is not None:
        return check_cases(node, env, lambda part, e: check_value(part, wanted, e), check_condition)
    found = check(node, env)
    if found is None:
        return None
    if found.type.kind == wanted.kind == "text":
        fault = enum_values.fault(wanted, found, node.span)
        if fault is not None:
            env.report(fault)
            return None
        if wanted.values is None or isinstance(found, ex.Constant):
            return found
    is_key = isinstance(found, ex.Constant) and found.type.kind in ("text", "integer")
    if wanted.entity is not None and is_key and isinstance(found, ex.Constant):
        return ex.Constant(type=wanted, value=str(found.value))
    if found.type == wanted or (wanted == DECIMAL and found.type.is_number):
        return found
    message = f"expected {wanted}, and this is {found.type}"
    hint = _with_unit(found, wanted)
    env.report(codes.TYPE_MISMATCH.at(node.span, message, label=str(found.type), help=hint))
    return None


def _with_unit(found: ex.Expression, wanted: Type) -> str | None:
    """Return how a plain number is written where one with a unit is expected."""
    if not isinstance(found, ex.Constant) or found.type.kind not in ("integer", "decimal"):
        return None
    units = {"duration": " days", "percent": "%", "money": f" {wanted.currency}"}
    unit = units.get(wanted.kind)
    return f"write the unit: `{found.value}{unit}`" if unit else None


def _list_value(node: syntax.ListOf, wanted: Type, env: Environment) -> ex.Expression | None:
    assert wanted.item is not None, "only a list has items"
    items = [check_value(item, wanted.item, env) for item in node.items]
    if any(item is None for item in items):
        return None
    constants = [item for item in items if isinstance(item, ex.Constant)]
    if len(constants) < len(items):
        env.report(codes.TYPE_MISMATCH.at(node.span, "a list as a value holds plain values"))
        return None
    return list_constant(constants, wanted.item)


# --- literals ---------------------------------------------------------------------------------


_WHOLE_DIGITS_MAX, _PLACES_MAX = 18, 6


def _number(node: syntax.Number, env: Environment) -> ex.Expression | None:
    if node.is_integer and _is_exact(node.value, node.span, env):
        return ex.Constant(type=INTEGER, value=int(node.value))
    return _decimal(DECIMAL, node.value, node.span, env)


def _decimal(type: Type, value: Decimal, span: Span, env: Environment) -> ex.Expression | None:
    return ex.Constant(type=type, value=f"{value:f}") if _is_exact(value, span, env) else None


def _is_exact(value: Decimal, span: Span, env: Environment) -> bool:
    """Tell whether all engines hold the number as it is written, or report it."""
    size = abs(Fraction(value))
    if size < 10**_WHOLE_DIGITS_MAX and (size * 10**_PLACES_MAX).denominator == 1:
        return True
    limits = f"{_WHOLE_DIGITS_MAX} digits before the point and {_PLACES_MAX} after it"
    env.report(codes.TYPE_MISMATCH.at(span, f"a number has at most {limits}"))
    return False


def _duration(node: syntax.Duration, env: Environment) -> ex.Expression:
    return period(node)


def _literal(type: Type, text: Callable[[Any], bool | str]) -> _Rule:
    def rule(node: Any, env: Environment) -> ex.Expression:
        return ex.Constant(type=type, value=text(node.value))

    return rule


def _money(node: syntax.Money, env: Environment) -> ex.Expression | None:
    return _decimal(money(node.currency), node.amount, node.span, env)


def _percent(node: syntax.Percent, env: Environment) -> ex.Expression | None:
    return _decimal(PERCENT, node.value / Decimal(100), node.span, env)


def _list(node: syntax.ListOf, env: Environment) -> ex.Expression | None:
    items = [check(item, env) for item in node.items]
    constants = [item for item in items if isinstance(item, ex.Constant)]
    if None in items:
        return None
    kinds = {item.type.kind for item in constants}
    if len(constants) < len(items) or len(kinds) != 1 or not kinds <= set(IN_LISTS):
        message = "a list as a value holds texts, whole numbers or dates, all of one kind"
        env.report(codes.TYPE_MISMATCH.at(node.span, message))
        return None
    return list_constant(constants, constants[0].type)


def list_constant(items: Sequence[ex.Constant], item: Type) -> ex.Constant:
    """Return the constant of a list of constants."""
    return ex.Constant(type=list_of(item), value=list_text(str(i.value) for i in items))


# --- operators --------------------------------------------------------------------------------


def _unary(node: syntax.Unary, env: Environment) -> ex.Expression | None:
    if node.operator == "not":
        inner = check_condition(node.operand, env)
        return None if inner is None else ex.Not(type=BOOLEAN, item=inner)
    inner = check(node.operand, env)
    return None if inner is None else operators.negative(inner, node.span, env)


def _binary(node: syntax.Binary, env: Environment) -> ex.Expression | None:
    if node.operator in ("and", "or"):
        return _logical(node, env)
    left, right = check(node.left, env), check(node.right, env)
    if left is None or right is None:
        return None
    spans = (node.left.span, node.right.span)
    if node.operator == "??":
        return _coalesce(left, right, node, env)
    if node.operator in "+-*/":
        return operators.arithmetic(node.operator, left, right, spans, env)
    return operators.compare(cast(ex.Comparison, node.operator), left, right, spans, env)


def _logical(node: syntax.Binary, env: Environment) -> ex.Expression | None:
    # `a and b and c` is one node with three items, as the author sees it.
    items = [check_condition(part, env) for part in _flat(node.operator, node)]
    if any(item is None for item in items):
        return None
    kind = ex.And if node.operator == "and" else ex.Or
    return kind(type=BOOLEAN, items=tuple(i for i in items if i is not None))


def _flat(operator: str, node: syntax.Expression) -> list[syntax.Expression]:
    parts: list[syntax.Expression] = []
    while isinstance(node, syntax.Binary) and node.operator == operator:
        parts.append(node.right)
        node = node.left
    return [node, *reversed(parts)]


def _coalesce(
    left: ex.Expression, right: ex.Expression, node: syntax.Binary, env: Environment
) -> ex.Expression | None:
    if not operators.comparable(left.type, right.type):
        spans = (node.left.span, node.right.span)
        env.report(operators.mismatch("replace", left, right, spans))
        return None
    # `points ?? 0.5` is whole or not, so it is a decimal.
    type = join(left.type, right.type) or left.type
    return ex.Coalesce(type=type, is_nullable=right.is_nullable, value=left, default=right)


def _in_list(node: syntax.InList, env: Environment) -> ex.Expression | None:
    value = check(node.value, env)
    if value is None:
        return None
    if not node.items.items:
        message = "the list is empty, so nothing is ever in it"
        env.report(codes.TYPE_MISMATCH.at(node.items.span, message))
        return None
    items: list[ex.Expression] = []
    for part in node.items.items:
        typed = check(part, env)
        if typed is None:
            return None
        if operators.compare("=", value, typed, (node.value.span, part.span), env) is None:
            return None
        items.append(typed)
    for item in items:
        value, _ = operators.align(value, item)
    items = [operators.align(value, item)[1] for item in items]
    found = ex.InSet(value=value, items=tuple(items))
    return _negate_if(node.is_negated, found)


def _any_of(node: syntax.AnyOf, env: Environment) -> ex.Expression | None:
    value = check(node.value, env)
    if value is None:
        return None
    if not node.items.items:
        message = "the list is empty, so nothing ever fits"
        env.report(codes.TYPE_MISMATCH.at(node.items.span, message))
        return None
    operator = cast(ex.Comparison, node.operator)
    found: list[ex.Expression] = []
    for part in node.items.items:
        typed = check(part, env)
        spans = (node.value.span, part.span)
        one = None if typed is None else operators.compare(operator, value, typed, spans, env)
        if one is None:
            return None
        found.append(one)
    return found[0] if len(found) == 1 else ex.Or(items=tuple(found))


def _between(node: syntax.Between, env: Environment) -> ex.Expression | None:
    parts = [check(part, env) for part in (node.value, node.low, node.high)]
    value, low, high = parts
    if value is None or low is None or high is None:
        return None
    at_least = operators.compare(">=", value, low, (node.value.span, node.low.span), env)
    if at_least is None:
        return None
    at_most = operators.compare("<=", value, high, (node.value.span, node.high.span), env)
    if at_most is None:
        return None
    return _negate_if(node.is_negated, ex.And(type=BOOLEAN, items=(at_least, at_most)))


def _known(node: syntax.Known, env: Environment) -> ex.Expression | None:
    value = check(node.value, env)
    return None if value is None else _negate_if(node.is_negated, ex.Known(value=value))


def _negate_if(is_negated: bool, node: ex.Expression) -> ex.Expression:
    return ex.Not(type=BOOLEAN, item=node) if is_negated else node


def _in_segment(node: syntax.InSegment, env: Environment) -> ex.Expression | None:
    name = node.segment.text
    if name not in env.declared["segment"]:
        hint = did_you_mean(name, env.declared["segment"])
        message = f"there is no segment `{name}`"
        env.report(codes.UNKNOWN_NAME.at(node.segment.span, message, help=hint))
        return None
    return _negate_if(node.is_negated, ex.Member(segment=name))


def _in_top(node: syntax.InTop, env: Environment) -> ex.Expression | None:
    # All customers are put into order, so no single event is in reach.
    value = check(node.value, replace(env, event=None, trigger=()))
    if value is None:
        return None
    if not (value.type.is_number or value.type.kind == "money"):
        message = f"`in top` needs a number to order people by, and this is {value.type}"
        env.report(codes.TYPE_MISMATCH.at(node.value.span, message))
        return None
    if node.percent.value > 100:
        message = "a share of the customers is 100% at most"
        env.report(codes.TYPE_MISMATCH.at(node.percent.span, message))
        return None
    share = str(node.percent.value / Decimal(100))
    return _negate_if(node.is_negated, ex.TopShare(value=value, share=share))


# --- calls ------------------------------------------------------------------------------------


def _call(node: syntax.Call, env: Environment) -> ex.Expression | None:
    name = node.function.text
    if name in AGGREGATES:
        return check_aggregate(node, env, check, check_condition)
    special = _SPECIAL.get(name)
    if special is not None:
        return special(node, env)
    if name in env.declared["entity"]:
        return _relation(node, env)
    if name not in FUNCTIONS:
        known = [*FUNCTIONS, *AGGREGATES, *_SPECIAL]
        hint = did_you_mean(name, known) if len(name) > 1 else None
        message = f"there is no function `{name}`"
        env.report(codes.UNKNOWN_NAME.at(node.function.span, message, help=hint))
        return None
    return _function(node, env)


def _relation(node: syntax.Call, env: Environment) -> ex.Expression | None:
    if env.source is None:
        message = f"`{node.function.text}(…)` takes a column, and there are no columns here"
        hint = "declare it as a field of the event or of the customer, and read its fields here"
        env.report(codes.TYPE_MISMATCH.at(node.span, message, help=hint))
        return None
    key = check(node.arguments[0].value, env) if _takes(node, 1, env) else None
    return None if key is None else check_relation(node, key, env)


def _function(node: syntax.Call, env: Environment) -> ex.Expression | None:
    function = FUNCTIONS[node.function.text]
    if not _takes(node, len(function.parameters), env, repeats=function.repeats):
        return None
    arguments = []
    parameters = chain(function.parameters, repeat(function.parameters[-1]))
    for argument, kinds in zip(node.arguments, parameters, strict=False):
        typed = check(argument.value, env)
        if typed is None:
            return None
        if typed.type.kind not in kinds:
            message = f"`{function.name}` takes {' or '.join(kinds)}, and this is {typed.type}"
            env.report(codes.TYPE_MISMATCH.at(argument.span, message, label=str(typed.type)))
            return None
        arguments.append(typed)
    nullable = any(a.is_nullable for a in arguments) or function.is_partial
    return ex.Call(
        type=function.result or arguments[0].type,
        is_nullable=nullable,
        function=function.name,
        arguments=tuple(arguments),
    )


def _takes(node: syntax.Call, count: int, env: Environment, *, repeats: bool = False) -> bool:
    name = node.function.text
    for argument in node.arguments:
        if argument.window is not None or argument.where is not None or argument.is_distinct:
            message = f"`{name}` is no aggregate: it takes no window, `where` or `distinct`"
            env.report(codes.TYPE_MISMATCH.at(argument.span, message))
            return False
    most = ARGUMENTS_MAX if repeats else count
    if not count <= len(node.arguments) <= most:
        wanted = f"{count} to {most}" if repeats else str(count)
        plural = "" if most == 1 else "s"
        given = "1 is" if len(node.arguments) == 1 else f"{len(node.arguments)} are"
        message = f"`{name}` takes {wanted} argument{plural}, and {given} given"
        env.report(codes.TYPE_MISMATCH.at(node.span, message))
        return False
    return True


def _money_call(node: syntax.Call, env: Environment) -> ex.Expression | None:
    if not _takes(node, 2, env):
        return None
    amount = check(node.arguments[0].value, env)
    currency = node.arguments[1].value
    if amount is None:
        return None
    if not isinstance(currency, syntax.Path) or not is_currency(currency.text):
        message = "the second argument of `money` is a currency of three capitals, such as EUR"
        env.report(codes.TYPE_MISMATCH.at(currency.span, message))
        return None
    if not amount.type.is_number:
        message = f"an amount of money is a number, and this is {amount.type}"
        env.report(codes.TYPE_MISMATCH.at(node.arguments[0].span, message))
        return None
    return amount.model_copy(update={"type": money(currency.text)})


def is_currency(text: str) -> bool:
    """Tell whether a text has the form of an ISO 4217 code."""
    return len(text) == 3 and text.isascii() and text.isupper() and text.isalpha()


def _now(node: syntax.Call, env: Environment) -> ex.Expression | None:
    return ex.Now() if _takes(node, 0, env) and _has_now(node, env) else None


def _today(node: syntax.Call, env: Environment) -> ex.Expression | None:
    return ex.Today() if _takes(node, 0, env) and _has_now(node, env) else None


def _has_now(node: syntax.Call, env: Environment) -> bool:
    """Tell whether an expression is read again as time goes on, or report that it is not."""
    if env.source is None:
        return True
    message = f"`{node.function.text}()` changes all the time, but a row is read only when its source changes"
    hint = "keep the column as it is, and compare it with the time in a condition"
    env.report(codes.TYPE_MISMATCH.at(node.span, message, help=hint))
    return False


_SPECIAL: dict[str, Callable[[syntax.Call, Environment], ex.Expression | None]] = {
    "money": _money_call,
    "now": _now,
    "today": _today,
}


def _not_a_value(node: syntax.Expression, env: Environment) -> None:
    what = {syntax.Rate: "a rate", syntax.TimeRange: "a range of times"}
    message = f"{what.get(type(node), 'this')} cannot be used in an expression here"
    env.report(codes.TYPE_MISMATCH.at(node.span, message))


def _at_entry(node: syntax.AtEntry, env: Environment) -> ex.Expression | None:
    if not env.has_passage:
        message = "`at entry` is a value that a passage keeps, so only journeys can read it"
        env.report(codes.UNKNOWN_NAME.at(node.span, message))
        return None
    found = resolve(node.path, env)
    if found is None or isinstance(found, ex.Field):
        return found and ex.AtEntry(type=found.type, is_nullable=found.is_nullable, name=found.name)
    message = "`at entry` needs a field of the customer"
    env.report(codes.TYPE_MISMATCH.at(node.path.span, message))
    return None


_RULES: dict[type, _Rule] = {
    syntax.Text: _literal(TEXT, str),
    syntax.Number: _number,
    syntax.Boolean: _literal(BOOLEAN, bool),
    syntax.Duration: _duration,
    syntax.Money: _money,
    syntax.Percent: _percent,
    syntax.Date: _literal(DATE, lambda v: str(v.isoformat())),
    syntax.DateTime: _literal(DATETIME, lambda v: str(v.isoformat(sep=" "))),
    syntax.Time: _literal(TIME, lambda v: str(v.isoformat())),
    syntax.ListOf: _list,
    syntax.Path: resolve,
    syntax.Call: _call,
    syntax.Unary: _unary,
    syntax.Binary: _binary,
    syntax.Cases: lambda node, env: check_cases(node, env, check, check_condition),
    syntax.AnyOf: _any_of,
    syntax.InList: _in_list,
    syntax.InSegment: _in_segment,
    syntax.InTop: _in_top,
    syntax.Between: _between,
    syntax.Known: _known,
    syntax.AtEntry: _at_entry,
}
