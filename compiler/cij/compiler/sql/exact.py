"""Calculation with exact numbers: the same digits on every engine, and never an error (S30).

Engines differ in how many digits a decimal result keeps, and some go over to floating point. So
products and quotients are decimals of six places, rounded from the exact value, halves away from zero.
What has more digits than an engine keeps is unknown: a guard, which calculates roughly in floating
point, keeps the engine from trying.
"""

from sqlglot import exp

from cij.compiler.sql.columns import DECIMAL_DIGITS, DECIMAL_PLACES, SQL_TYPES
from cij.compiler.sql.sizes import (
    ALL_DIGITS,
    COUNT_DIGITS,
    INTEGER_DIGITS,
    PLACES,
    RESULT_DIGITS,
    SUMMAND_DIGITS,
    Size,
    product_digits,
    sum_is_guarded,
    sum_size,
)
from cij.compiler.sql.template import fill
from cij.compiler.types import Type

# Seven places of a quotient come from a division of whole numbers, which all engines cut off. From the
# cut seventh place one rounds to six as from all of them.
_CUT = PLACES + 1
_SMALL_DIGITS = 18


def total(operator: str, left: exp.Expr, right: exp.Expr, a: Size, b: Size) -> exp.Expr:
    """Return the sum, or the difference."""
    if a.is_whole and b.is_whole and max(a.digits, b.digits) > _SMALL_DIGITS - 1:
        left = fill("CAST({a} AS HUGEINT)", a=left)
    tree = fill(f"{{a}} {operator} {{b}}", a=wide(left), b=right)
    if not sum_is_guarded(a, b):
        return tree
    roughly = fill(f"{{a}} {operator} {{b}}", a=_rough(left), b=_rough(right))
    return _guarded(tree, [(roughly, sum_size(a, b).digits)])


def wide(tree: exp.Expr) -> exp.Expr:
    """Return the operand with room for the result, if it is a literal: those are of small types."""
    return fill("CAST({a} AS BIGINT)", a=tree) if _is_whole_literal(tree) else tree


def product(left: exp.Expr, right: exp.Expr, a: Size, b: Size, *, is_whole: bool) -> exp.Expr:
    """Return the product; of two whole numbers it is one."""
    if is_whole:
        tree = fill("CAST({a} AS DECIMAL(38, 0)) * {b}", a=left, b=right)
    else:
        exactly = fill(f"CAST({{a}} AS DECIMAL(38, {a.places})) * {{b}}", a=left, b=right)
        tree = fill("CAST({x} AS DECIMAL(38, 6))", x=exactly)
    limit = product_digits(a, b, is_whole=is_whole)
    if a.digits + b.digits <= limit:
        return tree
    roughly = fill("{a} * {b}", a=_rough(left), b=_rough(right))
    return _guarded(tree, [(roughly, limit)])


def quotient(left: exp.Expr, right: exp.Expr, a: Size, b: Size) -> exp.Expr:
    """Return the quotient; `right` is never 0, but may be null."""
    # How often the exact quotient of the unscaled numbers is to be multiplied by 10, before it is cut.
    shift = _CUT + b.places - a.places
    dividend, divisor = _unscaled(left, a.places), _unscaled(right, b.places)
    if shift > 0:
        dividend = fill("{a} * {n}", a=dividend, n=exp.convert(10**shift))
    elif shift < 0:
        divisor = fill("({b} * {n})", b=divisor, n=exp.convert(10**-shift))
    tree = fill("ROUND({a} // {b} * 0.0000001, 6)", a=dividend, b=divisor)
    checks = []
    room = ALL_DIGITS - a.places - max(shift, 0)
    if a.digits > room:
        checks.append((_rough(left), room))
    room = ALL_DIGITS - b.places - max(-shift, 0)
    if b.digits > room:
        checks.append((_rough(right), room))
    tree = _guarded(tree, checks)
    # A divisor with a fraction may make the quotient larger than the dividend.
    if a.digits + b.places <= RESULT_DIGITS:
        return tree
    return fill(
        "CASE WHEN ABS({a}) < ABS({b}) * {n} THEN {x} END",
        a=_rough(left),
        b=_rough(right),
        n=_limit(RESULT_DIGITS),
        x=tree,
    )


def summed(x: exp.Expr, size: Size) -> exp.Expr:
    """Return the aggregate of the sum of all `x`: 0 for none, null where one has too many digits."""
    if size.digits <= SUMMAND_DIGITS:
        return fill("COALESCE(SUM({x}), 0)", x=x)
    return fill(
        "CASE WHEN COALESCE(MAX(ABS({x})), 0) < {limit} "
        "THEN COALESCE(SUM(CASE WHEN ABS({x}) < {limit} THEN {x} END), 0) END",
        x=x,
        # Whole, and not rough: comparing with a floating-point number doubles the time of a sum.
        limit=exp.Literal.number(str(10**SUMMAND_DIGITS)),
    )


def average(x: exp.Expr, size: Size) -> exp.Expr:
    """Return the aggregate of the mean of all `x` that are known, null for none."""
    total = fill("SUM({x})", x=x) if size.digits <= SUMMAND_DIGITS else summed(x, size)
    digits = RESULT_DIGITS if size.places else ALL_DIGITS
    whole = Size(min(size.digits + COUNT_DIGITS, digits), size.places)
    # For none the count is 0, by which nothing is divided.
    return quotient(total, fill("NULLIF(COUNT({x}), 0)", x=x), whole, Size(COUNT_DIGITS))


def absolute(tree: exp.Expr, size: Size) -> exp.Expr:
    """Return the number without its sign: the smallest whole number of an engine has no opposite."""
    if size.is_whole and size.digits > _SMALL_DIGITS:
        tree = fill("CAST({a} AS HUGEINT)", a=tree)
    return fill("ABS({a})", a=tree)


_BIGINT = "{a} >= -9223372036854775808 AND {a} <= 9223372036854775807"


def storable(tree: exp.Expr, size: Size, type: Type) -> exp.Expr:
    """Return a calculated number as far as a column of this type can hold it, else null."""
    if type.kind == "integer" and size.digits > INTEGER_DIGITS:
        return fill(f"CASE WHEN {_BIGINT} THEN {{a}} END", a=tree)
    if SQL_TYPES[type.kind].startswith("DECIMAL") and size.digits > DECIMAL_DIGITS - DECIMAL_PLACES:
        return _guarded(tree, [(_rough(tree), RESULT_DIGITS)])
    return tree


def _unscaled(tree: exp.Expr, places: int) -> exp.Expr:
    if not places:
        return fill("CAST({a} AS HUGEINT)", a=tree)
    # A multiplication would lose the digits in front: the text has all of them.
    text = f"CAST(REPLACE(CAST(CAST({{a}} AS DECIMAL(38, {places})) AS TEXT), '.', '') AS HUGEINT)"
    return fill(text, a=tree)


def _rough(tree: exp.Expr) -> exp.Expr:
    return fill("CAST({a} AS DOUBLE)", a=tree)


def _limit(digits: int) -> exp.Expr:
    return exp.Literal.number(f"1e{digits}")


def _guarded(tree: exp.Expr, checks: list[tuple[exp.Expr, int]]) -> exp.Expr:
    """Return the tree, null where one of the values has more digits before the point."""
    if not checks:
        return tree
    tests = [fill("ABS({a}) < {n}", a=a, n=_limit(digits)) for a, digits in checks]
    return fill("CASE WHEN {ok} THEN {a} END", ok=exp.and_(*tests, copy=False), a=tree)


def _is_whole_literal(tree: exp.Expr) -> bool:
    literal = tree.this if isinstance(tree, exp.Neg) else tree
    return isinstance(literal, exp.Literal) and not literal.is_string and "." not in literal.name
