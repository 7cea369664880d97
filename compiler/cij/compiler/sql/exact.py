"""Products and quotients of exact numbers: the same digits on every engine.

Engines differ in how many digits a decimal result keeps, and some go over to floating point. So
results are decimals of six places, rounded from the exact value, halves away from zero.
"""

from sqlglot import exp

from cij.compiler.sql.template import fill

PLACES = 6


def wide(tree: exp.Expr) -> exp.Expr:
    """Return the operand with room for the result, if it is a literal: those are of small types."""
    return fill("CAST({a} AS BIGINT)", a=tree) if _is_whole_literal(tree) else tree


def product(left: exp.Expr, right: exp.Expr, *, is_whole: bool) -> exp.Expr:
    """Return the product; of two whole numbers it is one, whatever its size."""
    if is_whole:
        return fill("CAST({a} AS DECIMAL(38, 0)) * {b}", a=left, b=right)
    return fill("CAST(CAST({a} AS DECIMAL(38, 6)) * {b} AS DECIMAL(38, 6))", a=left, b=right)


def quotient(left: exp.Expr, right: exp.Expr, *, is_whole_divisor: bool = True) -> exp.Expr:
    """Return the quotient; `right` is never 0, but may be null.

    Seven places come from a division of whole numbers, which all engines cut off; from the cut
    seventh place one rounds to six as from all of them.
    """
    divisor, scale = right, 10 ** (PLACES + 1)
    if not is_whole_divisor:
        scale *= 10**PLACES
        divisor = fill("CAST({b} * {n} AS HUGEINT)", b=right, n=exp.convert(10**PLACES))
    dividend = fill("CAST({a} * {n} AS HUGEINT)", a=left, n=exp.convert(scale))
    return fill("ROUND({a} // {b} * 0.0000001, 6)", a=dividend, b=divisor)


def _is_whole_literal(tree: exp.Expr) -> bool:
    literal = tree.this if isinstance(tree, exp.Neg) else tree
    return isinstance(literal, exp.Literal) and not literal.is_string and "." not in literal.name
