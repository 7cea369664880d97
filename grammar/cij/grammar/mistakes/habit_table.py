"""The mistakes that people make who come from other languages, or write as they speak.

One row a way of writing: what it looks like, what is wrong, what to do, and what may be meant. The
first row that fits wins. Where a pattern has a group `bad`, only that stands in the author's way;
the rest is what it is known by.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cij.grammar.mistakes.phrases import DECLARATIONS

Reading = str | Callable[[re.Match[str]], str]


@dataclass(frozen=True, slots=True)
class Habit:
    """`instead` are templates of what may be meant. When `is_certain`, the first is offered as a
    fix. The terminals of `needs` must fit where reading stops, those of `lacks` must not.
    When `is_late`, reading may stop only at the word behind the pattern; when `is_unreadable`,
    it stops where no word of the language can be read."""

    pattern: re.Pattern[str]
    message: str
    help: str
    instead: tuple[Reading, ...] = ()
    is_certain: bool = True
    is_late: bool = False
    is_unreadable: bool = False
    needs: frozenset[str] = field(default=frozenset())
    lacks: frozenset[str] = field(default=frozenset())

    def readings(self, match: re.Match[str]) -> Iterator[str]:
        for reading in self.instead:
            yield match.expand(reading) if isinstance(reading, str) else reading(match)


def _row(pattern: str, message: str, help: str, *instead: Reading, **more: Any) -> Habit:
    for name in ("needs", "lacks"):
        more[name] = frozenset(more.get(name, "").split())
    return Habit(re.compile(pattern), message, help, instead, **more)


def _guess(pattern: str, message: str, help: str, *instead: Reading, **more: Any) -> Habit:
    return _row(pattern, message, help, *instead, is_certain=False, **more)


# --- what a regular expression cannot rewrite -------------------------------------------------


def _decimal(match: re.Match[str]) -> str:
    """Read `1.000,50` and `1,000.50`: the last sign divides."""
    whole, _, part = match[0].replace("'", "").replace(",", ".").rpartition(".")
    return f"{whole.replace('.', '_')}.{part}"


def _day(match: re.Match[str]) -> str:
    """Read a day by its numbers; day and month change places where only that gives a date."""
    parts = [int(part) for part in re.findall(r"\d+", match[0])]
    year, month, day = parts if parts[0] > 31 else parts[::-1]
    month, day = (day, month) if month > 12 else (month, day)
    return f"{year:04}-{month:02}-{day:02}"


def _clock(match: re.Match[str]) -> str:
    """Read `9am` and `09:30 PM`."""
    hour, minute = int(match["hour"]) % 12, match["minute"] or "00"
    return f"{hour + 12 * (match['half'][0] in 'pP'):02}:{minute}"


# --- the rows ---------------------------------------------------------------------------------

_UNITS = "(?:second|minute|hour|day|week|month|year)s?"
_NUMBER = r"[0-9][0-9_]*(?:\.[0-9]+)?"
_DURATION = "for example `7 days`"
_TIMES = "times have 24 hours: for example `09:00`"
_DATES = "dates are written `2026-12-31`"
_DECLARATIONS = "|".join(DECLARATIONS)
_CHANNELS = "email|sms|push|whatsapp|webhook|in_app"
_COMMENT = "a comment starts with `#`"
_CURRENCIES = (
    ("EUR", r"€|EUROS?|Euros?|euros?|eur"),
    ("USD", r"US\$|\$|DOLLARS?|Dollars?|dollars?|usd"),
    ("GBP", r"£|POUNDS?|Pounds?|pounds?|gbp"),
)

_SIGNS = (
    _row(
        r"(?P<name>[^\W\d]\w*)[ \t]*[:=]\s*(?=(?:\"[^\"\n]*\"\s*)?\{)",
        r"a sign between `\g<name>` and its block",
        r"write `\g<name> {`",
        r"\g<name> ",
        lacks="SEND CASE",
        is_late=True,
    ),
    _row(
        r"renamed\s+[^\W\d]\w*\s*(?P<bad>->|=>|=|as)\s",
        "`\\g<bad>` is not a word here",
        "write `renamed OLD to NEW`",
        "to",
    ),
    _row(r"==+", "`==` is not an operator", "equality is one `=`", "="),
    _row(r"&&", "`&&` is not an operator", "write `and`", "and"),
    _row(r"\|\|", "`||` is not an operator", "write `or`", "or"),
    _row(r"<>", "`<>` is not an operator", "write `!=`", "!="),
    _row(r"=!", "`=!` is not an operator", "write `!=`", "!="),
    _row(r"=>(?!\s*\{)", "`=>` is not an operator", "write `>=`", ">="),
    _row(r"=<", "`=<` is not an operator", "write `<=`", "<="),
    _guess(r"[-=]>", "an arrow has no meaning here", "what follows stands in braces", "", " {"),
    _row(r"!(?!=)", "`!` is not an operator", "write `not`", "not "),
    _row(
        '[“”„«»]([^“”„«»"\n]*)[“”»"]|"([^“”„«»"\n]*)[“”»]',
        "a curly quote",
        'texts stand between straight quotes: `"…"`',
        lambda m: f'"{m[1] or m[2] or ""}"',
    ),
    _row("[“”„«»]", "a curly quote", 'texts stand between straight quotes: `"…"`', '"'),
    _row(
        "[‘’'´]([^‘’'´\"\n]*)[‘’'´]",
        "a single quote",
        'texts stand between double quotes: `"…"`',
        r'"\1"',
        r"\1",
    ),
    _guess("[‘’`´']", "a single quote", 'texts stand between double quotes: `"…"`'),
    _row("[\u00a0\u202f\u2007\u3000]", "a special space", "write an ordinary space", " "),
    _row("[\u200b-\u200f\u2060\ufeff]", "an invisible character", "delete it", ""),
    _row("\0", "a NUL character", "delete it, or save the file as UTF-8", ""),
    _row(r"…|\.\.\.", "`…` stands for something left out", "write it out", is_certain=False),
    _row(r"/\*(?:(?!\*/)(?s:.))*\*/", "not a comment", _COMMENT, "", is_certain=False),
    _row(r"(?://|--)([^\n]*)", "not a comment", _COMMENT, r"#\1"),
    _guess(r"/\*", "not a comment", _COMMENT, ""),
    _row(r";", "`;` has no meaning here", "a line ends without a sign", ""),
    _row(r"[−–—]", "a dash is not a minus", "write `-`", "-"),
    _row(r"≥", "`≥` is not an operator", "write `>=`", ">="),
    _row(r"≤", "`≤` is not an operator", "write `<=`", "<="),
    _row(r"≠", "`≠` is not an operator", "write `!=`", "!="),
    _row(
        r"(?P<key>[^\W\d][\w.]*)[ \t]*:(?!\s*\{)",
        "a colon after a name",
        r"a setting is written `\g<key> = value`",
        r"\g<key> =",
        lacks="SEND ON CASE ELSE KIND",
    ),
    _row(
        r":(?=\s*\n)",
        "a colon before a block",
        "a block stands between `{` and `}`",
        " {",
        is_certain=False,
        needs="LBRACE",
    ),
    _row(
        r",(?=\s*[^\W\d][\w.]*\s*=|\s*\})",
        "a comma between settings",
        "each setting has a line of its own, with no sign at its end",
        "",
        needs="KEY",
    ),
)

_NUMBERS = (
    _row(
        r"(\d\d?:\d\d)\s*(?:-|–|to|until)\s*(\d\d?:\d\d)",
        "hours with a sign of their own",
        r"write `\1..\2`",
        r"\1..\2",
        needs="TIME_RANGE",
        lacks="TIME",
    ),
    _guess(
        r"(\d+)(?=\s+[^\W\d])",
        "a share without `%`",
        r"write `\1%`",
        r"\1%",
        needs="PERCENT",
        lacks="INT",
    ),
    _guess(
        r"[0-3]?\d([/.-])[01]?\d\1\d{4}(?!\d)|\d{4}([/.])[01]?\d\2[0-3]?\d(?!\d)",
        "a date in a form that differs by country",
        _DATES,
        _day,
        lambda m: f"{_day(m)} 00:00",
    ),
    _row(
        r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?:[:.]\d+)*Z?(?!\w)",
        "a `T` in a date and time",
        "a space stands between them: `2026-12-31 09:00`",
        r"\1 \2",
    ),
    _row(
        r"(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?[ \t]*(?P<half>[aApP])\.?[mM]\.?(?!\w)",
        "a time with `am` or `pm`",
        _TIMES,
        _clock,
        is_late=True,
    ),
    _row(rf"({_UNITS})\s+(\d+)(?!\w)", "the number comes first", _DURATION, r"\2 \1"),
    _row(
        rf"([0-9_]+)({_UNITS})(?!\w)",
        "a number and a word without a space",
        _DURATION,
        r"\1 \2",
    ),
    _row(
        rf"(\d+)[ \t]+(?!{_UNITS})(?i:({_UNITS}))(?!\w)",
        "a unit of time in capitals",
        _DURATION,
        lambda m: m[0].lower(),
        is_late=True,
    ),
    _row(rf'"(\d+\s+{_UNITS})"', "a duration in quotes", "write `\\1`", r"\1"),
    _row(rf'"({_NUMBER}%?)"', "a number in quotes", "write `\\1`", r"\1", r"\1 days", lacks="NAME"),
    _row(
        r"(\d{1,3})(?:(?:,\d{3})+\.|(?:\.\d{3})+,|,(?!\d{3}(?!\d)))\d+(?![\d.,])",
        "a number with a comma",
        "thousands are written `1_000`, decimals `0.5`",
        _decimal,
    ),
    _row(
        r"\d{1,3}(?:,\d{3})+(?!\d)|\d{1,3}(?:'\d{3})+(?!\d)|\d{1,3}(?:\.\d{3}){2,}(?!\d)",
        "a number with a sign between thousands",
        "thousands are written `1_000`",
        lambda m: re.sub("[,.']", "_", m[0]),
    ),
    _row(
        r"\d+(?P<bad> (?=\d{3}(?!\d)))",
        "a number with a space",
        "thousands are written `1_000`",
        "_",
        is_late=True,
    ),
    *(
        row
        for code, words in _CURRENCIES
        for row in (
            _row(
                rf"({_NUMBER})[ \t]*(?:{words})(?!\w)",
                "a currency is a code of three capitals",
                rf"write `\1 {code}`",
                rf"\1 {code}",
                is_late=True,
            ),
            _row(
                rf"(?:{words}|{code})[ \t]*({_NUMBER})",
                "a currency stands behind the number",
                rf"write `\1 {code}`",
                rf"\1 {code}",
            ),
        )
    ),
    _row(
        rf"({_NUMBER})(?:[ \t]+per ?cent|[ \t]*%%)(?!\w)",
        "a share is written with `%`",
        r"write `\1%`",
        r"\1%",
        is_late=True,
    ),
    _row(
        rf"%[ \t]*({_NUMBER})",
        "`%` stands behind the number",
        r"write `\1%`",
        r"\1%",
        lacks="PLUS",
    ),
    _guess(r"%", "`%` is not an operator", "`%` ends a share such as `20%`"),
    _row(
        r"\d+(?!\w)",
        "a number without a unit",
        _DURATION,
        r"\g<0> days",
        is_certain=False,
        needs="DURATION",
        lacks="INT",
    ),
    _row(
        r"(\d\d?)(?!\w)",
        "a number where a time belongs",
        _TIMES,
        lambda m: f"{int(m[1]):02}:00",
        needs="TIME",
        lacks="INT",
    ),
    _guess(
        r"[0-9_]+[^\W\d]\w*", "a number and a word without a space", _DURATION, "1 day", "1", "x"
    ),
)

_VALUE = r'(?:"[^"\n]*"|[\w.]+)'
_SPOKEN = (
    (r"equals|(?:is\s+)?equal\s+to|eq", "="),
    (r"(?:is\s+)?(?:more|greater|bigger)\s+than", ">"),
    (r"(?:is\s+)?(?:less|smaller|fewer)\s+than", "<"),
    (r"(?:is\s+)?at\s+least", ">="),
    (r"like|includes|has", "contains"),
)

_CONDITIONS = (
    _row(
        r"is\s+(?P<bad>not\s+(?:known|null|NULL|unknown))(?!\w)",
        "`is` goes with `known` or `unknown`",
        "write `is known` or `is unknown`",
        lambda m: "unknown" if m[0].endswith(" known") else "known",
    ),
    _row(
        r"is\s+(?P<bad>null|NULL|none|None|empty|missing|nil)(?!\w)",
        "there is no `\\g<bad>`",
        "write `is unknown`",
        "unknown",
    ),
    _row(
        r"(?P<bad>is\s+not)\s+(?!known|unknown)[\w\"]",
        "`is not` compares nothing",
        "write `!=`",
        "!=",
    ),
    _row(
        r"(?P<bad>is)\s+(?!known|unknown|\w+\s+than)[\w\"]",
        "`is` compares nothing",
        "write `=`",
        "=",
    ),
    *(
        _row(
            rf"(?P<bad>{words})\s+{_VALUE}",
            "`\\g<bad>` is not an operator",
            f"write `{sign}`",
            sign,
            is_late=True,
        )
        for words, sign in _SPOKEN
    ),
    _row(
        r"(?P<bad>(?:in|during|over)\s+(?:the\s+)?last)\s+\d",
        "`\\g<bad>` is not a window",
        "write `within last`",
        "within last",
    ),
    _row(
        r"(?P<bad>in\s+(?:segments\s+)?)(?!segment\s|top\s)([^\W\d]\w*)",
        "expected `in segment` or a list",
        r"write `in segment \2`",
        "in segment ",
    ),
    _row(
        r"(?P<bad>not)\s*(?:[<>=]|!=)",
        "`not` is a word of the language",
        "a field of this name stands in back-quotes",
        "`not`",
    ),
    _row(
        r"in\s*(?P<bad>\(([^()\n]*)\))",
        "a list stands in square brackets",
        "for example `in [1, 2]`",
        r"[\2]",
    ),
)

_STEPS = (
    _row(
        r"send\s+(?P<bad>(?:an?|the)\s+)[^\W\d]\w*\s+\S",
        "`send` is followed by a channel",
        "for example `send email welcome`",
        "",
    ),
    _row(
        r"[^\W\d]\w*[ \t]*(?P<bad>[=-])[ \t]*(?:send|wait|do|if|switch|split|set|emit|run|end)\s",
        "a label ends with `:`",
        "for example `reward: send email welcome`",
        ":",
        needs="SEND",
    ),
    _guess(
        r"goto|jump",
        "there is no jump",
        "branches join behind their `}`; `end` leaves",
        "end",
        needs="SEND",
    ),
    _guess(
        r"(?P<bad>with|using)\s+[^\W\d][\w.]*\s*=",
        "`\\g<bad>` is not a word here",
        "parameters stand between `{` and `}`, each on a line of its own",
    ),
    _row(
        r"elif(?!\w)|elsif(?!\w)|elseif(?!\w)",
        "`\\g<0>` is not a word here",
        "write `else if`",
        "else if",
    ),
    _guess(
        r"(?P<bad>else)\s+if(?!\w)",
        "an `else` without an `if` above it",
        "begin with `if`; `else` follows the `}` of an `if`, `wait`, `switch` or `first`",
        "",
        needs="SEND",
    ),
    _row(
        r"(?P<bad>then)(?!\w)",
        "`then` has no place here",
        "what follows stands between `{` and `}`",
        "",
        needs="LBRACE",
        is_late=True,
    ),
    _guess(
        rf"(?P<bad>send\s+(?:{_CHANNELS}))[ \t]*(?:\n\s*|\}})[^\n]*",
        "`\\g<bad>` names no message",
        "for example `send email welcome`",
        r"\g<bad> `…`",
    ),
    _guess(
        r"(?P<bad>send\s+([^\W\d]\w*))[ \t]*(?:[{\n]\s*|\})[^\n]*",
        "`\\g<bad>` names no channel",
        r"for example `send email \2`",
        r"send `…` \2",
    ),
    _row(
        r"wait\s+(?P<bad>for\s+)\d",
        "`wait for` is followed by an event",
        "a time is `wait 3 days`; an event is `wait for purchase up to 3 days`",
        "",
    ),
    _guess(
        r"(?P<bad>wait\s+for\s+([^\W\d]\w*(?:\([^)\n]*\))?))[ \t]*(?:[{\n]\s*|\})[^\n]*",
        "`\\g<bad>` has no end",
        r"say how long: `wait for \2 up to 3 days`",
        r"\g<bad> up to 1 day",
    ),
    _row(
        r"(?P<bad>(?:sleep|delay|pause|hold)(?:\s+for)?)\s+\d",
        "`\\g<bad>` is no step",
        "write `wait`",
        "wait",
    ),
    _row(
        rf"(?P<bad>(?:{_CHANNELS}))\s+[^\W\d]",
        "`\\g<bad>` is no step",
        r"write `send \g<bad> …`",
        r"send \g<bad>",
        needs="SEND",
    ),
    _row(
        r"(?P<bad>exit|stop|finish|return|leave)(?!\w)",
        "`\\g<bad>` is no step",
        "write `end`: it ends the journey for this customer",
        "end",
        needs="SEND",
    ),
    _row(
        r"(?P<bad>default|otherwise)\s*\{",
        "`\\g<bad>` is not a word here",
        "write `else`",
        "else",
    ),
    _row(r"repeat\s+(?P<bad>)\d", "expected `up to` after `repeat`", "write `up to`", "up to "),
)

_HEADS = (
    _row(
        rf"(?P<kind>{_DECLARATIONS})\s*[=:]\s*(?=[^\W\d\"{{])",
        r"a sign after `\g<kind>`",
        r"a declaration is written `\g<kind> NAME {`",
        r"\g<kind> ",
        needs="KIND",
    ),
    _row(
        r"(?:on|for)\s+(?P<bad>(?:event|the|an?)\s+)[^\W\d]",
        "an event is known by its name alone",
        "for example `on purchase`",
        "",
    ),
    _row(
        r"(?P<bad>starts?|begins?|trigger)\s+(?:on|from|when)(?!\w)",
        "`\\g<bad>` is not a word here",
        "a journey begins with `enter on EVENT` or `enter from segment SEGMENT`",
        "enter",
    ),
    _row(
        r"enter\s+(?P<bad>(?:in\s+|by\s+)?segment)(?!\w)",
        "expected `from` after `enter`",
        "write `enter from segment SEGMENT`",
        "from segment",
    ),
    _row(
        r"enter\s+from\s+(?P<bad>)(?!segment)[^\W\d]",
        "expected `segment` after `from`",
        "write `enter from segment SEGMENT`",
        "segment ",
    ),
    _guess(
        r"enter\s+(?P<bad>when)(?!\w)",
        "`enter` waits for an event or reads a segment",
        "write `enter on EVENT`, or name the condition in a segment and `enter from segment` it",
        "on",
    ),
    _guess(
        r"goal\s+[^\W\d]\w*\s+(?P<bad>=|:|is)",
        "a goal is an event or a condition",
        "write `goal NAME on EVENT` or `goal NAME when CONDITION`",
        "on",
        "when",
    ),
    _row(
        r"(?:exit|goal|on|add|never)\s[^\n{}=]*?(?P<bad>if)(?!\w)",
        "`if` is not a word here",
        "write `when`",
        "when",
        "where",
        is_late=True,
    ),
    _guess(
        r"(?P<bad>if)(?!\w)",
        "`if` is not a word here",
        "write `on EVENT` or `when CONDITION`",
        "on",
        "when",
        needs="ON WHEN",
    ),
    _row(
        r"exit\s+(?P<bad>)(?!on\s|when\s)[^\W\d]\w*[ \t]*\n\s*[^\n]+",
        "expected `on` after `exit`",
        "write `exit on EVENT` or `exit when CONDITION`",
        "on ",
        is_certain=False,
    ),
    _row(
        r"then\s+(?P<bad>goto)\s",
        "`goto` is not a word here",
        "write `go to`",
        "go to",
    ),
    _row(
        rf"(?P<bad>in|after)\s+\d+\s+{_UNITS}",
        "`\\g<bad>` is not a word here",
        "write `within`",
        "within",
        needs="WITHIN",
        lacks="LAST",
    ),
    _row(
        r"(?P<bad>max|maximum|no\s+more\s+than|up\s+to)\s+\d",
        "`\\g<bad>` is not a word here",
        "write `at most`",
        "at most",
        needs="AT QUIET",
    ),
    _row(
        r"(?P<bad>in|within|an?|each|every)\s",
        "`\\g<bad>` is not a word here",
        "write `per`",
        "per",
        needs="PER",
        lacks="PLUS",
    ),
    _row(
        r"(?P<bad>)[^\W\d]\w*(?:\([^)\n]*\))?\s+by\s",
        "expected `event` before the name of an event",
        "write `event`",
        "event ",
        needs="EVENT CLOCK",
    ),
    _guess(
        r"message\s+(?P<bad>[^\W\d]\w*)\s*\{",
        "`message \\g<bad>` names no channel",
        r"for example `message email \g<bad>`",
        r"`…` \g<bad>",
    ),
    _row(
        rf"(?:{_DECLARATIONS})\s+(?P<bad>[^\W\d]\w*(?:[ \t]*-[ \t]*\w+|[ \t]+\w+)+)(?=[ \t]*\{{)",
        "a name of several words",
        "join them with `_`, or write them between back-quotes",
        lambda m: re.sub(r"[ \t-]+", "_", m["bad"]),
        needs="LBRACE",
    ),
    _guess(
        r"(?P<bad>)[^\W\d][\w.]*\s*(?:[<>]=?|!=)\s*\S",
        "expected `where` before a condition",
        "for example `where points > 1000`",
        "where ",
        needs="LBRACE TEXT",
    ),
    _guess(
        r"(?P<bad>when|if)\s+[^\W\d][\w.]*\s*(?:[<>=]|!=)",
        "`\\g<bad>` is not a word here",
        "write `where`",
        "where",
        needs="LBRACE",
        lacks="PLUS",
    ),
    _row(
        r"(?P<bad>campaign|flow|workflow|program)\s+[^\W\d]",
        "there is no declaration `\\g<bad>`",
        "write `journey`",
        "journey",
        needs="KIND",
    ),
    _row(
        r"(?P<bad>audience|group|cohort|list)\s+[^\W\d]",
        "there is no declaration `\\g<bad>`",
        "write `segment`",
        "segment",
        needs="KIND",
    ),
    _row(
        r"(?P<bad>import|include)\s+[^\W\d]",
        "there is no declaration `\\g<bad>`",
        "write `use`",
        "use",
        needs="KIND",
    ),
)

_TEXTS = (
    _row(
        r'"([^"\\\n`]+)"',
        "a name in quotes",
        "a name stands without quotes; one of several words between back-quotes",
        lambda m: m[1] if m[1].isidentifier() else f"`{m[1]}`",
        needs="NAME",
        lacks="TEXT",
    ),
    _guess(
        r'"""(?:(?!\n\})(?s:.))*',
        "a text without an end",
        'close it with `"` on the same line, or write it between `"""` and `"""`',
        '""',
        is_unreadable=True,
    ),
    _guess(
        r'"(?!"")(?:[^"\\\n{}]|\\[^\n])*',
        "a text without an end",
        'close it with `"` on the same line, or write it between `"""` and `"""`',
        '""',
        '"")',
        is_unreadable=True,
    ),
)

HABITS = _SIGNS + _NUMBERS + _CONDITIONS + _STEPS + _HEADS + _TEXTS

# What the grammar reads, and no author means as it reads it.
NULLS = ("null", "NULL", "Null", "None", "nil", "undefined")
MISREAD = re.compile(
    rf"(?<![\w.`])(?:(?P<null>{'|'.join(NULLS)})(?![\w.`(])"
    r"|(?P<date>[0-3]?\d/[01]?\d/\d{4}|\d{4}/[01]?\d/[0-3]?\d)(?![\d/]))"
)
TOLD = {
    "null": ("there is no `{}`", "what is not known is `unknown`: write `x is unknown`"),
    "date": ("`{}` is a division", _DATES),
}
