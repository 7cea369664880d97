"""Values that come from outside, one at a time: what JSON and the command line can hold.

Decimals become text, which the store turns into exact numbers. Instants become naive UTC.
"""

import json
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal, InvalidOperation

from cij.compiler.types import LIST_SIGN, Kind, Type, list_text
from cij.compiler.written_values import (
    CALLED,
    DATETIME_OFFSET_GROUP,
    NO,
    PATTERNS,
    WHITE_SPACE,
    YES,
    fits,
    plain_number,
)
from cij.runtime import zones

_EXACT = Context(prec=60)
# Characters of a value in the reason why it does not fit; the whole of it is kept beside.
_SHOWN_MAX = 200


class Unfit(Exception):
    """The value does not fit its type. The message says which and why."""


def read_value(what: str, type: Type, given: object, zone: str) -> object:
    """Return the value for a column of this type; None and empty text are missing.

    A date and time without an offset is local to `zone` (S4). Raises Unfit.
    """
    if given is None or given == "":
        return None
    if isinstance(given, str) and type.kind != "text" and not given.strip(WHITE_SPACE):
        return None
    reader, wanted = _READERS.get(type.kind, _text), CALLED[type.kind]
    if type.values is not None:
        wanted = "one of " + ", ".join(f'"{v}"' for v in type.values)
    try:
        if type.item is not None:
            return _list(what, given, type.item, zone)
        found = reader(_stripped(given, type), zone)
        if type.values is not None and found not in type.values:
            raise ValueError
        return found
    except (ValueError, TypeError, InvalidOperation, OverflowError):
        raise Unfit(f"{what}: {_shown(given)} is not {wanted}") from None


def _stripped(given: object, type: Type) -> object:
    # As in a file: white space around a value says nothing, but in a text.
    is_free = type.kind == "text" and type.values is None
    return given.strip(WHITE_SPACE) if isinstance(given, str) and not is_free else given


def _shown(given: object) -> str:
    try:
        text = str(given)
    except ValueError:
        # A whole number of thousands of digits.
        return "the number"
    short = text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"
    return f'"{short}"' if isinstance(given, str) else short


def _text(given: object, zone: str) -> str:
    if not isinstance(given, str):
        raise TypeError
    return unicodedata.normalize("NFC", given)


def _key(given: object, zone: str) -> str:
    return str(given) if _is_whole(given) else _text(given, zone)


def _is_whole(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool)


def _integer(given: object, zone: str) -> int:
    number = Decimal(_written("integer", given))
    if not -(2**63) <= number < 2**63:
        raise ValueError
    return int(number)


def _decimal(given: object, zone: str) -> str:
    return _written("decimal", given)


def _share(given: object, zone: str) -> str:
    text = _written("percent", given)
    if not text.endswith("%"):
        return text
    # Exactly: the last two places are behind the point.
    return f"{Decimal(text[:-1].strip()).scaleb(-2, _EXACT):f}"


def _written(kind: Kind, given: object) -> str:
    """Return a number as it is written, if that is the form of its type."""
    if isinstance(given, bool) or not isinstance(given, int | float | str | Decimal):
        raise TypeError
    # A float is read as it is written: 0.1 is a tenth, and 1e-05 is 0.00001.
    text = given if isinstance(given, str) else plain_number(Decimal(str(given)))
    if not fits(kind, text):
        raise ValueError
    return text


def _boolean(given: object, zone: str) -> bool:
    if isinstance(given, bool):
        return given
    text = str(given).lower()
    if text not in (*YES, *NO):
        raise ValueError
    return text in YES


def _date(given: object, zone: str) -> date:
    if not fits("date", str(given)):
        raise ValueError
    return date.fromisoformat(str(given)[:10])


def _datetime(given: object, zone: str) -> datetime:
    if isinstance(given, datetime):
        return given if given.tzinfo is None else given.astimezone(UTC).replace(tzinfo=None)
    found = re.fullmatch(PATTERNS["datetime"], str(given))
    if found is None:
        raise ValueError
    day, _, hours = found[1].replace("T", " ").partition(" ")
    at = datetime.combine(date.fromisoformat(day), _clock(hours) if hours else time())
    offset = found[DATETIME_OFFSET_GROUP]
    return zones.to_instant(at, zone) if not offset else at - _offset(offset)


def _offset(text: str) -> timedelta:
    if text in ("Z", "z"):
        return timedelta()
    digits = text[1:].replace(":", "")
    length = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return -length if text[0] == "-" else length


def _time(given: object, zone: str) -> time:
    if isinstance(given, time):
        at = given
    elif fits("time", str(given)):
        at = _clock(str(given))
    else:
        raise ValueError
    if at.tzinfo is not None:
        raise ValueError
    return at


def _clock(text: str) -> time:
    hours, minutes, *rest = text.split(":")
    seconds, _, fraction = (rest[0] if rest else "0").partition(".")
    return time(int(hours), int(minutes), int(seconds), int(fraction[:6].ljust(6, "0")))


def _list(what: str, given: object, item: Type, zone: str) -> str:
    """Read a list, as JSON in a text too, or with commas between its items: `a,b`."""
    items = [
        str(read_value(what, item, one, zone)) for one in _items(given) if one not in (None, "")
    ]
    if any(LIST_SIGN in one for one in items):
        raise ValueError
    return list_text(items)


def _items(given: object) -> list[object]:
    if isinstance(given, str) and not given.strip().startswith("["):
        return [one.strip() for one in given.split(",")]
    found: object = json.loads(given) if isinstance(given, str) else given
    if not isinstance(found, list):
        raise TypeError
    return list(found)


_READERS: dict[Kind, Callable[[object, str], object]] = {
    "text": _text,
    "integer": _integer,
    "decimal": _decimal,
    "money": _decimal,
    "percent": _share,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "time": _time,
    "entity": _key,
}
