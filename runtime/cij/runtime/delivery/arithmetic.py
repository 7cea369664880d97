"""The arithmetic of templates: that of conditions, in exact decimals (S30).

The library would calculate in binary floats, take a text for 0, and let some errors of Python out. Here
the type of a result follows from the types of the operands: whole numbers give a whole number, an amount
gives an amount, all others a decimal.
"""

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, DecimalException
from typing import Any

from cij.runtime.delivery.rendered_values import Amount

# As many places as the store keeps.
PLACES = 10
_DIGITS_MAX = 38
_AMOUNT_PLACES = 2
# Room for the exact product of any two numbers, so that only the last step rounds.
_EXACT = Context(prec=2 * _DIGITS_MAX + PLACES, rounding=ROUND_HALF_UP)
_NUMBER = re.compile(r"[+-]?[0-9]+([.][0-9]+)?")

Number = int | Decimal


class NoNumber(Exception):
    """A calculation that has no result. The message says why."""


def number(value: Any) -> Number:
    """Return a value of a template as a number. Raises NoNumber: a text is not taken for 0."""
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return value
    if isinstance(value, float):
        # Written in the template: it stands for its digits.
        return Decimal(str(value))
    text = str(value).strip()
    if not _NUMBER.fullmatch(text):
        raise NoNumber(f"`{value}` is not a number")
    return Decimal(text) if "." in text else int(text)


def _two(function: Callable[[Number, Number], Number]) -> Callable[..., Number]:
    def calculate(left: Any, right: Any = 0) -> Number:
        a, b = number(left), number(right)
        try:
            found = function(a, b)
        except (ZeroDivisionError, DecimalException):
            raise NoNumber(f"there is no result for {a} and {b}") from None
        is_amount = isinstance(a, Amount) or isinstance(b, Amount)
        return _fitted(found, is_amount=is_amount)

    return calculate


def _fitted(found: Number, *, is_amount: bool) -> Number:
    """Return a result with the places that its type keeps."""
    if abs(found) >= 10**_DIGITS_MAX:
        raise NoNumber("the result has too many digits")
    if isinstance(found, int):
        return found
    least = _AMOUNT_PLACES if is_amount else 0
    rounded = _places(found, PLACES).normalize(_EXACT)
    exponent = rounded.as_tuple().exponent
    assert isinstance(exponent, int), "a finite number has an exponent"
    fitted = _places(rounded, max(least, -exponent))
    return Amount(fitted) if is_amount else fitted


def _places(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), context=_EXACT)


def _quotient(a: Number, b: Number) -> Number:
    if isinstance(a, int) and isinstance(b, int):
        return a // b
    return _EXACT.divide(Decimal(a), Decimal(b))


def _remainder(a: Number, b: Number) -> Number:
    """The remainder has the sign of the divisor, for whole numbers and decimals alike."""
    if isinstance(a, int) and isinstance(b, int):
        return a % b
    found = _EXACT.remainder(Decimal(a), Decimal(b))
    return _EXACT.add(found, Decimal(b)) if found and (found < 0) != (b < 0) else found


def _exactly(name: str) -> Callable[[Number, Number], Number]:
    def calculate(a: Number, b: Number) -> Number:
        if isinstance(a, int) and isinstance(b, int):
            return {"add": a + b, "subtract": a - b, "multiply": a * b}[name]
        exact: Decimal = getattr(_EXACT, name)(Decimal(a), Decimal(b))
        return exact

    return calculate


def _round(value: Any, places: Any = 0) -> Number:
    """Halves away from zero; without places the result is a whole number."""
    a, wanted = number(value), number(places)
    if isinstance(a, int):
        return a
    if wanted <= 0:
        return int(_places(a, 0))
    return _fitted(_places(a, min(int(wanted), PLACES)), is_amount=isinstance(a, Amount))


def _whole(step: Callable[[Decimal], int]) -> Callable[[Any], Number]:
    def calculate(value: Any) -> Number:
        a = number(value)
        return a if isinstance(a, int) else step(a)

    return calculate


def _abs(value: Any) -> Number:
    a = number(value)
    return _fitted(a if a >= 0 else -a, is_amount=isinstance(a, Amount))


FILTERS: dict[str, Callable[..., Number]] = {
    "abs": _abs,
    "at_least": _two(max),
    "at_most": _two(min),
    "ceil": _whole(lambda a: a.__ceil__()),
    "divided_by": _two(_quotient),
    "floor": _whole(lambda a: a.__floor__()),
    "minus": _two(_exactly("subtract")),
    "modulo": _two(_remainder),
    "plus": _two(_exactly("add")),
    "round": _round,
    "times": _two(_exactly("multiply")),
}
