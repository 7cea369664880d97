"""The values of literal tokens: numbers, units, dates, texts."""

import re
import unicodedata
from datetime import date, datetime, time
from decimal import Decimal
from textwrap import dedent

# Limits keep later stages from values that no engine can store.
DIGITS_MAX = 30
YEARS_MAX = 1000
_UNITS_A_YEAR = {
    "second": 31_536_000,
    "minute": 525_600,
    "hour": 8_760,
    "day": 365,
    "week": 52,
    "month": 12,
    "year": 1,
}
_ESCAPES = {"\\": "\\", '"': '"', "n": "\n", "t": "\t"}
_QUOTES = '"""'
# The grammar reads three capital letters as a currency, also where an author means one of these
# words.
_SHOUTED = {"AND", "NOT", "FOR", "SET"}


class BadLiteral(Exception):
    """A literal with a correct form and no value, such as 31 June.

    Only the tree builder catches it.
    """

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


def number(text: str) -> Decimal:
    """Read `1_000` or `0.92`."""
    digits = text.replace("_", "")
    if len(digits) > DIGITS_MAX:
        raise BadLiteral(f"a number of more than {DIGITS_MAX} digits")
    return Decimal(digits)


def integer(text: str) -> int:
    return int(number(text))


def unit(text: str) -> str:
    """Return the singular of a unit: `day` for `days`."""
    return text.removesuffix("s")


def duration(text: str) -> tuple[tuple[int, str], ...]:
    """Read `7 days`, or two units: `1 hour 30 minutes` is 90 minutes, and `2 days 3 hours` stays two
    steps, because a day has no fixed number of hours (S2)."""
    lengths = [_units(*found) for found in re.findall(r"(\S+)\s+(\S+)", text)]
    if len(lengths) == 2:
        lengths = _together(text, *lengths)
    if any(count > YEARS_MAX * _UNITS_A_YEAR[singular] for count, singular in lengths):
        raise BadLiteral(f"`{text}` is longer than {YEARS_MAX} years")
    return tuple(length for length in lengths if length[0]) or (lengths[0],)


def _together(text: str, first: tuple[int, str], second: tuple[int, str]) -> list[tuple[int, str]]:
    """Return two units as one where they have a fixed ratio; report those that do not go together."""
    (count, larger), (more, smaller) = first, second
    ratio = _RATIOS.get((larger, smaller))
    if ratio is not None:
        return [(count * ratio + more, smaller)]
    if smaller == larger:
        raise BadLiteral(f"`{text}` has one unit twice", "add the two numbers up")
    if _UNITS_A_YEAR[smaller] < _UNITS_A_YEAR[larger]:
        raise BadLiteral(
            f"`{text}` has its units in the wrong order", "write the larger unit first"
        )
    return [first, second]


def _units(digits: str, word: str) -> tuple[int, str]:
    return integer(digits), unit(word)


# How many of the smaller unit are always in one of the larger.
_RATIOS = {
    ("hour", "minute"): 60,
    ("hour", "second"): 3600,
    ("minute", "second"): 60,
    ("week", "day"): 7,
    ("year", "month"): 12,
}


def money(text: str) -> tuple[Decimal, str]:
    """Read `50 EUR`."""
    digits, currency = text.split()
    if currency in _SHOUTED:
        word = currency.lower()
        raise BadLiteral(f"`{currency}` is not a currency", f"write `{word}` in lower case")
    return number(digits), currency


def percent(text: str) -> Decimal:
    return number(text[:-1].rstrip())


def day(text: str) -> date:
    """Read `2026-12-31`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadLiteral(f"`{text}` is not a calendar date") from None


def clock_time(text: str) -> time:
    """Read `09:00`, also `9:00`."""
    try:
        # Seconds are optional, so they are added before the split.
        hour, minute, second = map(int, f"{text}:0".split(":")[:3])
        return time(hour, minute, second)
    except ValueError:
        help = "a time is between `00:00` and `23:59`"
        raise BadLiteral(f"`{text}` is not a time of day", help) from None


def moment(text: str) -> datetime:
    """Read `2026-12-31 09:00`."""
    date_text, time_text = text.split()
    return datetime.combine(day(date_text), clock_time(time_text))


def time_range(text: str) -> tuple[time, time]:
    """Read `21:00..08:00`."""
    start, end = text.split("..")
    return clock_time(start.strip()), clock_time(end.strip())


def name(text: str) -> str:
    """Return a name without back-quotes, in NFC, so that equal names compare as equal (S3)."""
    return unicodedata.normalize("NFC", text.strip("`"))


def path(text: str) -> tuple[str, ...]:
    """Split `shop.email` at the dots outside of back-quotes."""
    return tuple(name(part) for part in re.findall(r"`[^`\n]+`|[^.`]+", text))


def text(raw: str) -> str:
    """Read `"…"` or `\"\"\"…\"\"\"`."""
    if raw.startswith(_QUOTES):
        return unicodedata.normalize("NFC", _unescape(dedented(raw)))
    return unicodedata.normalize("NFC", _unescape(raw[1:-1]))


def is_long(raw: str) -> bool:
    return raw.startswith(_QUOTES)


def dedented(raw: str) -> str:
    """Return the lines of a long text without their common indent and without the lines of its
    quotes."""
    first, newline, rest = raw[3:-3].replace("\r\n", "\n").partition("\n")
    if not newline:
        return first
    lines = dedent(_without_closing_line(rest))
    return lines if not first.strip() else f"{first}\n{lines}"


def _without_closing_line(rest: str) -> str:
    head, newline, last = rest.rpartition("\n")
    return rest if last.strip() else head if newline else ""


def _unescape(raw: str) -> str:
    if "\\" not in raw:
        return raw
    return re.sub(r"\\(.)", _escape, raw, flags=re.DOTALL)


def _escape(match: re.Match[str]) -> str:
    try:
        return _ESCAPES[match[1]]
    except KeyError:
        help = "a backslash itself is written `\\\\`"
        raise BadLiteral(f"unknown escape `\\{match[1]}` in a text", help) from None
