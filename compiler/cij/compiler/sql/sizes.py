"""How large a number can become: what decides where a calculation needs a guard (S30).

Engines keep 38 digits and raise an error above, for one customer and so for all. So a calculation whose
result may be larger has a guard: where it would be too large, it is unknown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cij.compiler import expression as ex
from cij.compiler.sql.columns import DECIMAL_DIGITS, DECIMAL_PLACES
from cij.compiler.types import INTEGER, Type

ALL_DIGITS = 38
INTEGER_DIGITS = 19
# Digits before the point that a calculated decimal has at most: one less than a column holds.
RESULT_DIGITS = DECIMAL_DIGITS - DECIMAL_PLACES - 1
# A sum of so large values, a million of them, is still within the digits.
SUMMAND_DIGITS = 22
# Of a product or a quotient.
PLACES = 6
# Nobody has more events, and a duration is seconds.
COUNT_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Size:
    """Digits before and behind the point: no more than these."""

    digits: int
    places: int = 0

    @property
    def is_whole(self) -> bool:
        return self.places == 0


Measures = Callable[[str], ex.Expression]

_DECIMAL = Size(DECIMAL_DIGITS - DECIMAL_PLACES, DECIMAL_PLACES)


def size(node: ex.Expression, measures: Measures) -> Size:
    """Return the size of a number's value; `measures` gives the value of a measure."""
    rule = _RULES.get(type(node))
    return _of_type(node.type) if rule is None else rule(node, measures)


def sum_size(a: Size, b: Size) -> Size:
    """Return the size of a sum or a difference, once it is guarded."""
    limit = ALL_DIGITS if a.is_whole and b.is_whole else RESULT_DIGITS
    return Size(min(max(a.digits, b.digits) + 1, limit), max(a.places, b.places))


def sum_is_guarded(a: Size, b: Size) -> bool:
    """Tell whether a sum or a difference may have too many digits."""
    return max(a.digits, b.digits) + 1 > (
        ALL_DIGITS if a.is_whole and b.is_whole else RESULT_DIGITS
    )


def product_digits(a: Size, b: Size, *, is_whole: bool) -> int:
    """Return how many digits before the point a product may have to be calculated exactly."""
    if is_whole:
        return ALL_DIGITS
    return min(ALL_DIGITS - max(a.places + b.places, PLACES), RESULT_DIGITS)


def is_guarded(node: ex.Expression, measures: Measures) -> bool:
    """Tell whether a value may be unknown because it is too large, whatever it is made of."""
    match node:
        case ex.Arithmetic() if node.type.kind != "duration" and node.left.type.kind in _NUMBERS:
            return _calculation_is_guarded(node, measures)
        case ex.Aggregate(function="sum", value=value) if value is not None:
            return size(value, measures).digits > SUMMAND_DIGITS or is_guarded(value, measures)
        case ex.Call(arguments=arguments):
            return any(is_guarded(argument, measures) for argument in arguments)
        case ex.Coalesce(default=default):
            return is_guarded(default, measures)
        case ex.Cases():
            return any(is_guarded(value, measures) for value in _values(node))
        case ex.MeasureValue(measure=name):
            return is_guarded(measures(name), measures)
    return False


_NUMBERS = ("integer", "decimal", "money", "percent")


def _calculation_is_guarded(node: ex.Arithmetic, measures: Measures) -> bool:
    a, b = size(node.left, measures), size(node.right, measures)
    if is_guarded(node.left, measures) or is_guarded(node.right, measures):
        return True
    if node.operator in "+-":
        return sum_is_guarded(a, b)
    is_whole = node.left.type == node.right.type == INTEGER
    return a.digits + b.digits > product_digits(a, b, is_whole=is_whole)


def _of_type(type: Type) -> Size:
    if type.kind in ("decimal", "money", "percent"):
        return _DECIMAL
    return Size(INTEGER_DIGITS)


def _constant(node: ex.Constant, measures: Measures) -> Size:
    if node.type.kind not in ("integer", "decimal", "money", "percent"):
        # The default of `??` may be an instant or a text, which has no size.
        return _of_type(node.type)
    value = Decimal(str(node.value))
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int), "constants are finite"
    return Size(max(value.adjusted() + 1, 1), max(-exponent, 0))


def _arithmetic(node: ex.Arithmetic, measures: Measures) -> Size:
    if node.type.kind == "duration":
        return Size(COUNT_DIGITS, PLACES)
    a, b = size(node.left, measures), size(node.right, measures)
    if node.operator in "+-":
        return sum_size(a, b)
    if node.operator == "*" and node.left.type == node.right.type == INTEGER:
        return Size(min(a.digits + b.digits, ALL_DIGITS))
    return Size(RESULT_DIGITS, PLACES)


def _aggregate(node: ex.Aggregate, measures: Measures) -> Size:
    if node.function in ("count", "count distinct"):
        return Size(COUNT_DIGITS)
    if node.function == "avg":
        return Size(RESULT_DIGITS, PLACES)
    assert node.value is not None, "only counts have no value"
    found = size(node.value, measures)
    if node.function != "sum":
        return found
    limit = ALL_DIGITS if found.is_whole else RESULT_DIGITS
    return Size(min(found.digits + COUNT_DIGITS, limit), found.places)


def _call(node: ex.Call, measures: Measures) -> Size:
    if node.function == "number":
        return Size(INTEGER_DIGITS, PLACES)
    if node.function == "mod":
        return Size(min(size(part, measures).digits for part in node.arguments))
    if node.function not in ("round", "abs"):
        return Size(COUNT_DIGITS)
    found = size(node.arguments[0], measures)
    # The smallest whole number has no opposite, and a number is rounded up.
    places = found.places if node.function == "abs" else 0
    return Size(min(found.digits + 1, ALL_DIGITS - places), places)


def _coalesce(node: ex.Coalesce, measures: Measures) -> Size:
    a, b = size(node.value, measures), size(node.default, measures)
    return Size(max(a.digits, b.digits), max(a.places, b.places))


def _values(node: ex.Cases) -> list[ex.Expression]:
    return [*(case.value for case in node.cases), node.otherwise]


def _cases(node: ex.Cases, measures: Measures) -> Size:
    sizes = [size(value, measures) for value in _values(node)]
    return Size(max(s.digits for s in sizes), max(s.places for s in sizes))


_RULES: dict[type, Callable[[Any, Measures], Size]] = {
    ex.Aggregate: _aggregate,
    ex.Arithmetic: _arithmetic,
    ex.Call: _call,
    ex.Cases: _cases,
    ex.Coalesce: _coalesce,
    ex.Constant: _constant,
    ex.MeasureValue: lambda node, measures: size(measures(node.measure), measures),
}
