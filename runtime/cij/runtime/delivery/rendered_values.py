"""The values that a template knows, and how one is written when it is printed."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from cij.runtime.errors import PermanentDelivery

_AMOUNT_EXPONENT = -2


class Amount(Decimal):
    """An amount of money: it is printed with two places at least, and what is made of it is one too."""


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` as dicts in dicts; dotted keys are taken apart, null is no value at all."""
    tree: dict[str, Any] = {}
    for key, value in values.items():
        if value is None:
            continue
        *folders, last = key.split(".")
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
            if not isinstance(place, dict):
                raise PermanentDelivery(f"`{folder}` of `{key}` is a value and not a group")
        place[last] = nested(value) if isinstance(value, Mapping) else value
    return tree


def number(text: str) -> Decimal:
    """Return a number of the outbox that has a point: of two places it is an amount, else a decimal.

    It stays a decimal where it is a whole number: a template calculates by types and not by values (S30).
    """
    found = Decimal(text)
    if found.as_tuple().exponent == _AMOUNT_EXPONENT:
        return Amount(found)
    is_whole = found == found.to_integral_value()
    return found.to_integral_value() if is_whole else _stripped(found)


def _stripped(value: Decimal) -> Decimal:
    # Not by `normalize`, which rounds to 28 digits.
    return Decimal(f"{value:f}".rstrip("0"))


def plain(value: Any) -> str:
    """Return the text of one value: numbers without exponent or useless zeros, dates as ISO."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(Decimal(str(value)))
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, (int, date)):
        return str(value)
    if value is None:
        return ""
    if isinstance(value, Iterable) and not isinstance(value, Mapping):
        return ", ".join(map(plain, value))
    raise PermanentDelivery(f"a group of values cannot be printed: name one of {_fields(value)}")


def _number(value: Decimal) -> str:
    if not value.is_finite():
        raise PermanentDelivery(f"{value} is not a number that a message can show")
    if value.as_tuple().exponent == _AMOUNT_EXPONENT:
        return format(value, "f")
    if value == value.to_integral_value():
        return format(value.to_integral_value(), "f")
    text = format(value, "f")
    # Two decimals stay as they are, for 49.90 may be a price.
    while text.endswith("0") and len(text) - text.index(".") > 3:
        text = text[:-1]
    return text


def _fields(group: Any) -> str:
    return ", ".join(map(str, group)) if isinstance(group, Mapping) else type(group).__name__
