"""Values that come from outside, one at a time: what JSON and the command line can hold.

Decimals become text, which the store turns into exact numbers. Instants become naive UTC.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation

from cij.compiler.types import LIST_SIGN, Kind, Type, list_text
from cij.runtime import zones

_BOOLEANS = {"true": True, "t": True, "yes": True, "y": True, "1": True}
_BOOLEANS |= {"false": False, "f": False, "no": False, "n": False, "0": False}


class Unfit(Exception):
    """The value does not fit its type. The message says which and why."""


def read_value(what: str, type: Type, given: object, zone: str) -> object:
    """Return the value for a column of this type; None and empty text are missing.

    A date and time without an offset is local to `zone` (S4). Raises Unfit.
    """
    if given is None or given == "":
        return None
    reader, wanted = _READERS.get(type.kind, (_text, "a text"))
    if type.values is not None:
        wanted = "one of " + ", ".join(f'"{v}"' for v in type.values)
    try:
        if type.item is not None:
            return _list(what, given, type.item, zone)
        found = reader(given, zone)
        if type.values is not None and found not in type.values:
            raise ValueError
        return found
    except (ValueError, TypeError, InvalidOperation, OverflowError):
        raise Unfit(f"{what}: {_shown(given)} is not {wanted}") from None


def _shown(given: object) -> str:
    return f'"{given}"' if isinstance(given, str) else str(given)


def _text(given: object, zone: str) -> str:
    if not isinstance(given, str):
        raise TypeError
    return unicodedata.normalize("NFC", given)


def _key(given: object, zone: str) -> str:
    return str(_integer(given, zone)) if isinstance(given, int) else _text(given, zone)


def _integer(given: object, zone: str) -> int:
    number = _number(given)
    if number != number.to_integral_value() or abs(number) >= 2**63:
        raise ValueError
    return int(number)


def _decimal(given: object, zone: str) -> str:
    number = _number(given)
    if abs(number) >= 10**14:
        raise ValueError
    return f"{number:f}"


def _share(given: object, zone: str) -> str:
    if isinstance(given, str) and given.endswith("%"):
        return f"{_number(given[:-1]) / 100:f}"
    return _decimal(given, zone)


def _number(given: object) -> Decimal:
    # A float is read as it is written: 0.1 is a tenth.
    if isinstance(given, bool) or not isinstance(given, int | float | str | Decimal):
        raise TypeError
    number = Decimal(str(given))
    if not number.is_finite():
        raise ValueError
    return number


def _boolean(given: object, zone: str) -> bool:
    if isinstance(given, bool):
        return given
    if str(given).lower() not in _BOOLEANS:
        raise ValueError
    return _BOOLEANS[str(given).lower()]


def _date(given: object, zone: str) -> date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(given)):
        raise ValueError
    return date.fromisoformat(str(given))


def _datetime(given: object, zone: str) -> datetime:
    at = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    if at.tzinfo is not None:
        return at.astimezone(UTC).replace(tzinfo=None)
    return at if isinstance(given, datetime) else zones.to_instant(at, zone)


def _time(given: object, zone: str) -> time:
    at = given if isinstance(given, time) else time.fromisoformat(str(given))
    if at.tzinfo is not None:
        raise ValueError
    return at


def _list(what: str, given: object, item: Type, zone: str) -> str:
    if not isinstance(given, list):
        raise TypeError
    items = [str(read_value(what, item, one, zone)) for one in given if one not in (None, "")]
    if any(LIST_SIGN in one for one in items):
        raise ValueError
    return list_text(items)


_READERS: dict[Kind, tuple[Callable[[object, str], object], str]] = {
    "text": (_text, "a text"),
    "integer": (_integer, "a whole number"),
    "decimal": (_decimal, "a number"),
    "money": (_decimal, "an amount: a number such as 49.90, without its currency"),
    "percent": (_share, "a share (0.1 or 10%)"),
    "boolean": (_boolean, "true or false"),
    "date": (_date, "a date"),
    "datetime": (_datetime, "a date and time"),
    "time": (_time, "a time of day"),
    "list": (_text, "a list of such values"),
    "entity": (_key, "the key of a row"),
}
