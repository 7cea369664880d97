"""How values are written in data: one form for each type, for files, events and commands alike (S24).

Patterns that RE2 and Python read the same way: digits are those of ASCII. What a database or Python would
accept beyond these changes the value or is a slip: a database rounds 1.6, and reads 1_000 and 1e3 as
decimals only.
"""

import re
from decimal import Decimal

from cij.compiler.types import Kind

# As many as a column keeps, before and behind the point. Zeros at the end say nothing.
_WHOLE_MAX, _PLACES_MAX = 28, 10
_SHARE_WHOLE_MAX = 18
_EXPONENT_MAX = 100

_OFFSET = "(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)"
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = "[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6}0*)?)?"


def _decimal(whole_max: int, places_max: int) -> str:
    return f"[+-]?(0*[0-9]{{1,{whole_max}}}([.]([0-9]{{0,{places_max}}}0*))?|[.][0-9]{{1,{places_max}}}0*)"


PATTERNS: dict[Kind, str] = {
    "integer": "^[+-]?[0-9]+([.]0*)?$",
    "decimal": f"^{_decimal(_WHOLE_MAX, _PLACES_MAX)}$",
    "money": f"^{_decimal(_WHOLE_MAX, _PLACES_MAX)}$",
    # A hundredth has two places more.
    "percent": (
        f"^({_decimal(_SHARE_WHOLE_MAX, _PLACES_MAX)}|{_decimal(_SHARE_WHOLE_MAX, _PLACES_MAX - 2)} ?%)$"
    ),
    "date": f"^{_DAY}([ T]00:00(:00([.]0+)?)?)?$",
    # The groups are the local time and the offset.
    "datetime": f"^({_DAY}([ T]{_TIME})?) ?{_OFFSET}?$",
    "time": f"^{_TIME}$",
}
# Which group of the pattern of a datetime is its offset: those inside of the local time come before.
DATETIME_OFFSET_GROUP = 5

# What a type is called where a value does not fit it.
CALLED: dict[Kind, str] = {
    "text": "a text",
    "integer": "a whole number",
    "decimal": f"a number (digits and a point, at most {_WHOLE_MAX} before it and {_PLACES_MAX} behind it)",
    "money": "an amount (digits and a point, no currency)",
    "percent": "a share (0.1 or 10%)",
    "boolean": "true or false",
    "date": "a date",
    "datetime": "a date and time",
    "time": "a time of day",
    "list": "a list: JSON, or with commas between the values",
    "entity": "the key of a row",
}

YES = ("true", "t", "yes", "y", "1")
NO = ("false", "f", "no", "n", "0")

# Unicode's white space, with the separators of ASCII: what `trim` takes away, and what may stand around
# a value that is no text.
WHITE_SPACE = "".join(
    map(chr, (*range(0x09, 0x0E), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680))
) + "".join(map(chr, (*range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)))


def plain_number(number: Decimal) -> str:
    """Return a number without an exponent; one that no column can hold keeps it.

    `1e-999999999` written out takes gigabytes, so its size is looked at first.
    """
    is_short = number.is_finite() and abs(number.adjusted()) <= _EXPONENT_MAX
    return f"{number:f}" if is_short else str(number)


def fits(kind: Kind, text: str) -> bool:
    """Tell whether a text has the form of a type."""
    return re.fullmatch(PATTERNS[kind], text) is not None
