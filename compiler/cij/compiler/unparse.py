"""Typed expressions and timers as text of the language, for graphs, `explain` and `why`.

Parentheses are written only where the grammar needs them: each rule returns its text and how tightly
it binds, and the text around it demands how tightly it must bind.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from enum import IntEnum
from typing import Any

from cij.compiler import expression as ex, program as pg
from cij.compiler.types import list_items

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class _Level(IntEnum):
    """How tightly a text binds: the rules of the grammar from `_expression` to `_atom`."""

    CASES = 0
    OR = 1
    AND = 2
    NOT = 3
    COMPARE = 4
    COALESCE = 5
    SUM = 6
    PRODUCT = 7
    UNARY = 8
    ATOM = 9


_Worded = tuple[str, _Level]


def words(expression: ex.Expression) -> str:
    """Return the expression as an author would write it."""
    return _worded(expression)[0]


def duration_words(period: ex.Period) -> str:
    """Return `7 days`, or `2 days 3 hours`."""
    return " ".join(f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in period.lengths)


def cap_words(cap: ex.Cap) -> str:
    """Return `at most 3 email per 7 days`."""
    per = f"calendar {cap.period.unit}" if cap.is_calendar else _per(cap.period)
    what = cap.channel or ("message" if cap.count == 1 else "messages")
    return f"at most {cap.count} {what} per {per}"


def _per(period: ex.Period) -> str:
    is_one = period.lengths == ((1, period.unit),)
    return period.unit if is_one else duration_words(period)


def hours_words(hours: ex.Hours) -> str:
    """Return `21:00..08:00`."""
    start, end = hours.start, hours.end
    return f"{_clock(start)}..{_clock(end)}"


def seconds_words(seconds: int) -> str:
    """Return a number of seconds in the largest unit that divides it: `3 days`, `90 minutes`."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length} {unit}{'' if seconds == length else 's'}"
    return f"{seconds} seconds"


def hours_list(hours: tuple[ex.Hours, ...]) -> str:
    """Return `21:00..08:00`, several with `and`."""
    return " and ".join(map(hours_words, hours))


def timer_words(timer: pg.Timer) -> str:
    """Return what stands after `wait`: `1 day at 09:00`, `until monday at 09:00`."""
    match timer:
        case pg.AfterPeriod(period=period, at=at):
            return duration_words(period) + _at(at)
        case pg.UntilMoment(moment=moment, at=at, zone=zone):
            return f"until {words(moment)}{_at(at)}{_in_zone(zone)}"
        case pg.UntilWeekday(weekday=weekday, at=at, zone=zone):
            return f"until {WEEKDAYS[weekday - 1]}{_at(at)}{_in_zone(zone)}"


def _in_zone(zone: str | None) -> str:
    return "" if zone is None else f' in "{zone}"'


def schedule_words(every: pg.Schedule) -> str:
    """Return what stands behind a segment: `every monday at 09:00`, `every 2 weeks at 09:00`."""
    zone = _in_zone(every.zone)
    if every.count > 1:
        return f"every {every.count} {every.unit}s{_at(every.at)}{zone}"
    unit = WEEKDAYS[every.weekday - 1] if every.unit == "week" else every.unit
    return f"every {unit}{_at(every.at)}{zone}"


def end_words(end: str) -> str:
    """Return a local end in ISO form as an author writes it: midnight is the end of the day before."""
    day, _, time = end.partition("T")
    # Before the first date there is none.
    if time != "00:00:00" or date.fromisoformat(day) == date.min:
        return moment_words(end)
    return f"the end of {date.fromisoformat(day) - timedelta(days=1)}"


def moment_words(local: str) -> str:
    """Return a local time of the program as it is written: `2026-12-01 09:00`."""
    return local.replace("T", " ").removesuffix(":00")


def event_words(
    event: str,
    of: str | None = None,
    where: ex.Expression | None = None,
    name: str | None = None,
) -> str:
    """Return what stands after `on`: `opened(reward) as look where channel = "web"`."""
    # The event that an action was done is written `done(call)`.
    word = event.rpartition(".")[2] if of is not None else event
    text = name_words(word) + (f"({name_words(of)})" if of is not None else "")
    text += f" as {name_words(name)}" if name is not None else ""
    return text if where is None else f"{text} where {words(where)}"


def percent_words(share: str | Decimal) -> str:
    """Return a share of 1 as `45%`."""
    return f"{_plain(Decimal(share) * 100)}%"


# A name as the grammar knows it. What is no such name, or a word there, goes into back-quotes.
_NAME = re.compile(r"[^\W\d][\w\u0300-\u036f]*")
_WORDS = frozenset(("and", "false", "in", "is", "not", "or", "true", "where"))


def name_words(name: str) -> str:
    """Return a name, dotted or not, with back-quotes around the parts that need them."""
    return ".".join(_quoted(part) for part in name.split("."))


def _quoted(part: str) -> str:
    return part if _NAME.fullmatch(part) and part not in _WORDS else f"`{part}`"


def _at(time: str | None) -> str:
    return "" if time is None else f" at {_clock(time)}"


def _clock(time: str) -> str:
    """Return a time of day without seconds that say nothing."""
    return time[:-3] if time.count(":") == 2 and time.endswith(":00") else time


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _worded(node: ex.Expression) -> _Worded:
    return _RULES[type(node)](node)


def in_parentheses(level: _Level, node: ex.Expression) -> str:
    """Return the text of `node` where the grammar wants something that binds like `level`."""
    text, own = _worded(node)
    return text if own >= level else f"({text})"


def _listed(items: tuple[ex.Expression, ...]) -> str:
    return ", ".join(words(item) for item in items)


# --- values -----------------------------------------------------------------------------------


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}


def _text(value: str) -> str:
    return '"' + "".join(_ESCAPES.get(char, char) for char in value) + '"'


def _datetime(value: str) -> str:
    day, time = value[:10], value[11:]
    return f"{day} {_clock(time)}"


_CONSTANTS: dict[str, Callable[[str], str]] = {
    "text": _text,
    "decimal": str,
    "percent": percent_words,
    "datetime": _datetime,
    "time": _clock,
}


def _constant(node: ex.Constant) -> _Worded:
    value = node.value
    if isinstance(value, bool):
        return str(value).lower(), _Level.ATOM
    if node.type.item is not None:
        show = _CONSTANTS.get(node.type.item.kind, str)
        return f"[{', '.join(show(item) for item in list_items(str(value)))}]", _Level.ATOM
    text = _CONSTANTS.get(node.type.kind, str)(str(value))
    if node.type.currency:
        text = f"{text} {node.type.currency}"
    return text, _Level.UNARY if text.startswith("-") else _Level.ATOM


def _period(node: ex.Period) -> _Worded:
    return duration_words(node), _Level.ATOM


def _fixed(text: str) -> Callable[[Any], _Worded]:
    return lambda _: (text, _Level.ATOM)


def _named(node: ex.Field | ex.Column | ex.EventField) -> _Worded:
    return name_words(node.name), _Level.ATOM


def _trigger(node: ex.TriggerField) -> _Worded:
    return f"trigger.{name_words(node.name)}", _Level.ATOM


def _related(node: ex.Related) -> _Worded:
    return f"{in_parentheses(_Level.ATOM, node.base)}.{name_words(node.name)}", _Level.ATOM


def _measure(node: ex.MeasureValue) -> _Worded:
    return name_words(node.measure), _Level.ATOM


def _consent(node: ex.Consent) -> _Worded:
    parts = ("consent", node.topic, *([node.channel] if node.channel else []))
    return ".".join(_quoted(part) for part in parts), _Level.ATOM


def _arithmetic(node: ex.Arithmetic) -> _Worded:
    if node.operator == "-" and _is_zero(node.left):
        return f"-{in_parentheses(_Level.UNARY, node.right)}", _Level.UNARY
    level = _Level.SUM if node.operator in "+-" else _Level.PRODUCT
    # The grammar groups from the left: `a - (b - c)` keeps its parentheses, `(a - b) - c` not.
    right = in_parentheses(_Level(level + 1), node.right)
    return f"{in_parentheses(level, node.left)} {node.operator} {right}", level


def _is_zero(node: ex.Expression) -> bool:
    # The minus of an author is kept as a subtraction from zero.
    return isinstance(node, ex.Constant) and node.value in (0, "0") and node.value is not False


def _cases(node: ex.Cases) -> _Worded:
    said = [f"when {_asked(case.condition)} then {words(case.value)}" for case in node.cases]
    return " ".join([*said, f"else {words(node.otherwise)}"]), _Level.CASES


def _asked(condition: ex.Expression) -> str:
    # In `when -1` the first word would be a name, from which 1 is taken.
    text = words(condition)
    return f"({text})" if text.startswith("-") else text


def _coalesce(node: ex.Coalesce) -> _Worded:
    left, right = (
        in_parentheses(_Level.COALESCE, node.value),
        in_parentheses(_Level.SUM, node.default),
    )
    return f"{left} ?? {right}", _Level.COALESCE


def _call(node: ex.Call) -> _Worded:
    return f"{node.function}({_listed(node.arguments)})", _Level.ATOM


def _aggregate(node: ex.Aggregate) -> _Worded:
    what, where = name_words(node.event), node.where
    first, *rest = where.items if isinstance(where, ex.And) else (where,)
    if isinstance(first, ex.OfMessage):
        what += f"({name_words(first.step)})"
        where = _all_of(rest)
    if node.value is not None:
        what += f".{words(node.value)}"
    condition = "" if where is None else f" where {words(where)}"
    function = node.function.removesuffix(" distinct")
    if function != node.function:
        what = f"distinct {what}"
    return f"{function}({what}{_window(node.window)}{condition})", _Level.ATOM


def _all_of(items: Sequence[ex.Expression | None]) -> ex.Expression | None:
    found = tuple(item for item in items if item is not None)
    return ex.And(items=found) if len(found) > 1 else next(iter(found), None)


def _of_message(node: ex.OfMessage) -> _Worded:
    # Where it does not stand first: the language has no words for it there.
    return f"message of {name_words(node.step)}", _Level.ATOM


def _window(window: ex.Last | ex.Range | None) -> str:
    match window:
        case None:
            return ""
        case ex.Last(period=period):
            return f" within last {duration_words(period)}"
        case ex.Range(start=start, end=None):
            return f" since {words(start)}"
        case ex.Range(start=start, end=end):
            assert end is not None, "the case above has the window without an end"
            start_text, end_text = (
                in_parentheses(_Level.COALESCE, start),
                in_parentheses(_Level.COALESCE, end),
            )
            return f" between {start_text} and {end_text}"


# --- conditions -------------------------------------------------------------------------------


def _compare(node: ex.Compare) -> _Worded:
    left, right = (in_parentheses(_Level.COALESCE, side) for side in (node.left, node.right))
    return f"{left} {node.operator} {right}", _Level.COMPARE


def _in_set(node: ex.InSet, negation: str = "") -> _Worded:
    value = in_parentheses(_Level.COALESCE, node.value)
    return f"{value} {negation}in [{_listed(node.items)}]", _Level.COMPARE


def _top_share(node: ex.TopShare, negation: str = "") -> _Worded:
    value = in_parentheses(_Level.COALESCE, node.value)
    return f"{value} {negation}in top {percent_words(node.share)}", _Level.COMPARE


def _known(node: ex.Known, negation: str = "") -> _Worded:
    state = "unknown" if negation else "known"
    return f"{in_parentheses(_Level.COALESCE, node.value)} is {state}", _Level.COMPARE


def _member(node: ex.Member, negation: str = "") -> _Worded:
    return f"{negation}in segment {name_words(node.segment)}", _Level.COMPARE


def _hash_share(node: ex.HashShare) -> _Worded:
    share = Decimal(node.high) - Decimal(node.low)
    return f"{percent_words(share)} of people by `{node.salt}`", _Level.COMPARE


def _winner(node: ex.Winner) -> _Worded:
    return f"{name_words(node.arm) if node.arm else 'an arm'} has won", _Level.ATOM


def _best(node: ex.Best) -> _Worded:
    return f"{name_words(node.choices[node.place].message)} is the best", _Level.ATOM


def _and(node: ex.And, negation: str = "") -> _Worded:
    if _is_between(node):
        return _between(node, negation)
    return " and ".join(in_parentheses(_Level.AND, item) for item in node.items), _Level.AND


def _is_between(node: ex.And) -> bool:
    """`x between a and b` is kept as its two comparisons."""
    match node.items:
        case (ex.Compare(operator=">=", left=low), ex.Compare(operator="<=", left=high)):
            return bool(low == high)
    return False


def _between(node: ex.And, negation: str) -> _Worded:
    low, high = node.items
    assert isinstance(low, ex.Compare) and isinstance(high, ex.Compare), "two comparisons"
    value, start, end = (
        in_parentheses(_Level.COALESCE, e) for e in (low.left, low.right, high.right)
    )
    return f"{value} {negation}between {start} and {end}", _Level.COMPARE


def _or(node: ex.Or) -> _Worded:
    return " or ".join(in_parentheses(_Level.OR, item) for item in node.items), _Level.OR


def _not(node: ex.Not) -> _Worded:
    match node.item:
        case ex.InSet() as item:
            return _in_set(item, "not ")
        case ex.TopShare() as item:
            return _top_share(item, "not ")
        case ex.Known() as item:
            return _known(item, "not ")
        case ex.Member() as item:
            return _member(item, "not ")
        case ex.And() as item if _is_between(item):
            return _between(item, "not ")
    # `not` takes one comparison or atom: `not not a` is not in the grammar.
    return f"not {in_parentheses(_Level.COMPARE, node.item)}", _Level.NOT


_RULES: dict[type, Callable[[Any], _Worded]] = {
    ex.Constant: _constant,
    ex.Period: _period,
    ex.Now: _fixed("now()"),
    ex.Today: _fixed("today()"),
    ex.Field: _named,
    ex.Column: _named,
    ex.ColumnBefore: lambda node: (f"before.{name_words(node.name)}", _Level.ATOM),
    ex.EventField: _named,
    ex.TriggerField: _trigger,
    ex.Consent: _consent,
    ex.Member: _member,
    ex.Related: _related,
    ex.MeasureValue: _measure,
    ex.HashShare: _hash_share,
    ex.Again: lambda node: ("there is another turn", _Level.ATOM),
    ex.AtEntry: lambda node: (f"at entry {name_words(node.name)}", _Level.ATOM),
    ex.EnteredAt: _fixed("the entry"),
    ex.Result: lambda node: (name_words(f"{node.step}.{node.name}"), _Level.ATOM),
    ex.SendOutcome: lambda node: (name_words(f"{node.step}.outcome"), _Level.ATOM),
    ex.Noted: lambda node: (name_words(f"{node.step}.{node.name}"), _Level.ATOM),
    ex.FirstCome: lambda node: (f"among the first {node.count}", _Level.ATOM),
    ex.Expired: lambda node: (f"held for {duration_words(node.period)}", _Level.ATOM),
    ex.Listed: _fixed("on the suppression list"),
    ex.InQuiet: lambda node: (f"in quiet hours {hours_list(node.hours)}", _Level.ATOM),
    ex.OverCap: lambda node: (f"no room in {' or '.join(map(cap_words, node.caps))}", _Level.ATOM),
    ex.HeldUntil: _fixed("the end of quiet hours, or room in a cap"),
    ex.Winner: _winner,
    ex.Best: _best,
    ex.Aggregate: _aggregate,
    ex.OfMessage: _of_message,
    ex.Compare: _compare,
    ex.InSet: _in_set,
    ex.TopShare: _top_share,
    ex.Known: _known,
    ex.And: _and,
    ex.Or: _or,
    ex.Not: _not,
    ex.Arithmetic: _arithmetic,
    ex.Coalesce: _coalesce,
    ex.Cases: _cases,
    ex.Call: _call,
}
