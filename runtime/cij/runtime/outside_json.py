"""JSON from outside: whatever is written there, it becomes values that a store can hold, or an error."""

import json
import math
from decimal import Decimal
from typing import Any

# Deeper than any answer or event; what is read recurses into it.
_DEPTH_MAX = 64


def read_json(text: str | bytes, *, is_exact: bool = False) -> Any:
    """Return the value of a JSON text. Raises ValueError, also for one that is nested too deep.

    With `is_exact` a number with a point is a Decimal, which keeps all its digits.

    Half a surrogate pair is no character, and no store takes it: it becomes a question mark.
    """
    return _read(text, parse_float=Decimal if is_exact else None)


def shown_json(text: str | bytes) -> Any:
    """Return the value as `read_json` does, to be written as JSON again for a person to look at.

    JSON has no number that is not finite: it stays the text that was given, such as `NaN` or `1e400`.
    Raises ValueError.
    """
    return _read(text, parse_float=_finite, parse_constant=str)


def _read(text: str | bytes, **numbers: Any) -> Any:
    try:
        found = json.loads(text, **numbers)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if _may_be_deep(text) and _is_deep(found):
        raise ValueError("it is nested too deep")
    return _whole(found) if _may_be_broken(text) else found


def _finite(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


# Most texts are shallow and have no escapes, and are looked at no further.
def _may_be_deep(text: str | bytes) -> bool:
    if isinstance(text, bytes):
        return text.count(b"[") + text.count(b"{") > _DEPTH_MAX
    return text.count("[") + text.count("{") > _DEPTH_MAX


def _may_be_broken(text: str | bytes) -> bool:
    return isinstance(text, bytes) or "\\u" in text


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEPTH_MAX):
        level = [inner for outer in level for inner in _inner(outer)]
        if not level:
            return False
    return True


def _inner(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [v for v in value.values() if isinstance(v, (dict, list))]
    if isinstance(value, list):
        return [v for v in value if isinstance(v, (dict, list))]
    return []


def _whole(value: Any) -> Any:
    """Return the value with a question mark in place of each half of a character."""
    match value:
        case str():
            return value if value.isascii() else value.encode("utf-8", "replace").decode()
        case list():
            return [_whole(inner) for inner in value]
        case dict():
            return {_whole(key): _whole(inner) for key, inner in value.items()}
    return value
