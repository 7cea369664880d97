"""Habits in signs, numbers and texts."""

import re
from decimal import Decimal
from functools import partial

from cij.grammar.grammar_text import DECLARATION_WORDS
from cij.grammar.misreading import DATES
from cij.grammar.mistakes.habit import guess, row

# --- rewrites that a regular expression cannot do ---------------------------------------------


def _decimal(match: re.Match[str]) -> str:
    """Rewrite `1.000,50` and `1,000.50`. The last sign is the decimal point."""
    whole, _, part = match[0].replace("'", "").replace(",", ".").rpartition(".")
    return f"{whole.replace('.', '_')}.{part}"


def _day(match: re.Match[str]) -> str:
    """Rewrite a date. Day and month are exchanged where only that gives a valid date."""
    parts = [int(part) for part in re.findall(r"\d+", match[0])]
    year, month, day = parts if parts[0] > 31 else parts[::-1]
    month, day = (day, month) if month > 12 else (month, day)
    return f"{year:04}-{month:02}-{day:02}"


def _clock(match: re.Match[str]) -> str:
    """Rewrite `9am` and `09:30 PM`."""
    hour, minute = int(match["hour"]) % 12, match["minute"] or "00"
    return f"{hour + 12 * (match['half'][0] in 'pP'):02}:{minute}"


def _smaller(match: re.Match[str]) -> str:
    """Rewrite `1.5 hours` in the next smaller unit."""
    smaller, ratio = _SMALLER[match[2]]
    return f"{int(Decimal(match[1]) * ratio)} {smaller}"


def _spaced(unit: str, match: re.Match[str]) -> str:
    return unit if match.string[match.start("bad") - 1].isspace() else f" {unit}"


def _misspelt(unit: str) -> str:
    """Return a pattern for a unit with a missing letter, two exchanged letters, or only its
    beginning."""
    found = {unit[:3], f"{unit[:3]}s", *(() if unit == "month" else unit[0])}
    for word in (unit, f"{unit}s"):
        found |= {word[:n] + word[n + 1 :] for n in range(1, len(word))}
        found |= {word[:n] + word[n + 1] + word[n] + word[n + 2 :] for n in range(1, len(word) - 1)}
    found |= {f"{unit[0]}{unit[-1]}{s}" for s in ("", "s")}
    return "|".join(sorted(found - {unit, f"{unit}s"}, key=lambda word: (-len(word), word)))


# --- the rows ---------------------------------------------------------------------------------

_UNITS = "(?:second|minute|hour|day|week|month|year)s?"
# Whole for each half and quarter. A day is missing, because it may have 23 or 25 hours.
_SMALLER = {"minute": ("seconds", 60), "hour": ("minutes", 60), "year": ("months", 12)}
_NUMBER = r"[0-9][0-9_]*(?:\.[0-9]+)?"
_DURATION = "for example `7 days`"
_TIMES = "times have 24 hours: for example `09:00`"
_DECLARATIONS = "|".join(DECLARATION_WORDS)
_COMMENT = "a comment starts with `#`"
_CURRENCIES = (
    ("EUR", r"€|EUROS?|Euros?|euros?|eur"),
    ("USD", r"US\$|\$|DOLLARS?|Dollars?|dollars?|usd"),
    ("GBP", r"£|POUNDS?|Pounds?|pounds?|gbp"),
)

SIGNS = (
    row(
        rf"(?P<kind>{_DECLARATIONS})\s*[=:]\s*(?=[^\W\d\"{{])",
        r"punctuation after `\g<kind>`",
        r"write `\g<kind> NAME {`",
        r"\g<kind> ",
        needs="NAME",
        lacks="TEXT PLUS",
    ),
    row(
        rf"(?P<kind>{_DECLARATIONS})\s*[=:]\s*(?=[^\W\d\"{{])",
        r"punctuation after `\g<kind>`",
        r"write `\g<kind> NAME {`",
        r"\g<kind> ",
        needs="KIND",
    ),
    row(
        r"(?P<name>[^\W\d]\w*)[ \t]*[:=]\s*(?=(?:\"[^\"\n]*\"\s*)?\{)",
        r"punctuation between `\g<name>` and its block",
        r"write `\g<name> {`",
        r"\g<name> ",
        lacks="LABEL",
        is_late=True,
    ),
    row(
        r"renamed\s+[^\W\d]\w*\s*(?P<bad>->|=>|=|as)\s",
        "`\\g<bad>` is not a word here",
        "write `renamed OLD to NEW`",
        "to",
    ),
    row(r"==+", "`==` is not an operator", "equality is one `=`", "="),
    row(r"&&", "`&&` is not an operator", "write `and`", "and"),
    row(r"\|\|", "`||` is not an operator", "write `or`", "or"),
    row(r"<>", "`<>` is not an operator", "write `!=`", "!="),
    row(r"=!", "`=!` is not an operator", "write `!=`", "!="),
    row(r"=>(?!\s*\{)", "`=>` is not an operator", "write `>=`", ">="),
    row(r"=<", "`=<` is not an operator", "write `<=`", "<="),
    guess(r"[-=]>", "an arrow has no meaning here", "write what follows in braces", "", " {"),
    row(r"!(?!=)", "`!` is not an operator", "write `not`", "not "),
    row(
        '[“”„«»]([^“”„«»"\n]*)[“”»"]|"([^“”„«»"\n]*)[“”»]',
        "a curly quote",
        'write texts in straight double quotes: `"…"`',
        lambda m: f'"{m[1] or m[2] or ""}"',
    ),
    row("[“”„«»]", "a curly quote", 'write texts in straight double quotes: `"…"`', '"'),
    row(
        "[‘’'´]([^‘’'´\"\n]*)[‘’'´]",
        "a single quote",
        'write texts in double quotes: `"…"`',
        r'"\1"',
        r"\1",
    ),
    guess("[‘’`´']", "a single quote", 'write texts in double quotes: `"…"`'),
    row("[\u00a0\u202f\u2007\u3000]", "a special space", "write an ordinary space", " "),
    row("[\u200b-\u200f\u2060\ufeff]", "an invisible character", "delete it", ""),
    row("\0", "a NUL character", "delete it, or save the file as UTF-8", ""),
    row(r"…|\.\.\.", "`…` stands for something left out", "write it out", is_certain=False),
    row(r"/\*(?:(?!\*/)(?s:.))*\*/", "not a comment", _COMMENT, "", is_certain=False),
    row(r"(?://|--)([^\n]*)", "not a comment", _COMMENT, r"#\1"),
    guess(r"/\*", "not a comment", _COMMENT, ""),
    row(r";", "`;` has no meaning here", "a line needs nothing at its end", ""),
    row(r"[−–—]", "a dash is not a minus", "write `-`", "-"),
    row(r"≥", "`≥` is not an operator", "write `>=`", ">="),
    row(r"≤", "`≤` is not an operator", "write `<=`", "<="),
    row(r"≠", "`≠` is not an operator", "write `!=`", "!="),
    row(
        r"(?!(?:again|steps)[ \t]*:)(?<!\w)(?P<key>[^\W\d][\w.]*)[ \t]*:(?!\s*\{|[\\/])",
        "a colon after a name",
        r"a setting is written `\g<key> = value`",
        r"\g<key> =",
        lacks="LABEL KIND",
    ),
    row(
        r":(?=\s*\n)",
        "a colon before a block",
        "write a block between `{` and `}`",
        " {",
        is_certain=False,
        needs="LBRACE",
    ),
    row(
        r",(?=\s*[^\W\d][\w.]*\s*=|\s*\}|[ \t]*\n)",
        "a comma between settings",
        "write each setting on its own line, without a comma at its end",
        "",
        needs="KEY",
    ),
)

NUMBERS = (
    row(
        r"(\d\d?:\d\d)\s*(?:-|–|to|until)\s*(\d\d?:\d\d)",
        "hours without `..` between them",
        r"write `\1..\2`",
        r"\1..\2",
        needs="TIME_RANGE",
        lacks="TIME",
    ),
    guess(
        r"(\d+)(?=\s+[^\W\d])",
        "a share without `%`",
        r"write `\1%`",
        r"\1%",
        needs="PERCENT",
        lacks="INT",
    ),
    guess(
        r"[0-3]?\d([/.-])[01]?\d\1\d{4}(?!\d)|\d{4}([/.])[01]?\d\2[0-3]?\d(?!\d)",
        "a date in a form that depends on the country",
        DATES,
        _day,
        lambda m: f"{_day(m)} 00:00",
    ),
    row(
        r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?:[:.]\d+)*Z?(?!\w)",
        "a `T` in a date and time",
        "write a space between them: `2026-12-31 09:00`",
        r"\1 \2",
    ),
    row(
        r"(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?[ \t]*(?P<half>[aApP])\.?[mM]\.?(?!\w)",
        "a time with `am` or `pm`",
        _TIMES,
        _clock,
        is_late=True,
    ),
    row(rf"({_UNITS})\s+(\d+)(?!\w)", "the number comes first", _DURATION, r"\2 \1"),
    row(
        rf"([0-9_]+)({_UNITS})(?!\w)",
        "a number and a word without a space",
        _DURATION,
        r"\1 \2",
    ),
    row(
        rf"(\d+)[ \t]+(?!{_UNITS})(?i:({_UNITS}))(?!\w)",
        "a unit of time in capitals",
        _DURATION,
        lambda m: m[0].lower(),
        is_late=True,
    ),
    row(rf'"(\d+\s+{_UNITS})"', "a duration in quotes", "write `\\1`", r"\1"),
    row(rf'"({_NUMBER}%?)"', "a number in quotes", "write `\\1`", r"\1", r"\1 days", lacks="NAME"),
    row(
        r"(\d{1,3})(?:(?:,\d{3})+\.|(?:\.\d{3})+,|,(?!\d{3}(?!\d)))\d+(?![\d.,])",
        "a number with a comma",
        "thousands are written `1_000`, decimals `0.5`",
        _decimal,
    ),
    row(
        r"\d{1,3}(?:,\d{3})+(?!\d)|\d{1,3}(?:'\d{3})+(?!\d)|\d{1,3}(?:\.\d{3}){2,}(?!\d)",
        "a number with a separator between thousands",
        "thousands are written `1_000`",
        lambda m: re.sub("[,.']", "_", m[0]),
    ),
    row(
        r"\d+(?P<bad> (?=\d{3}(?!\d)))",
        "a number with a space",
        "thousands are written `1_000`",
        "_",
        is_late=True,
    ),
    *(
        each
        for code, words in _CURRENCIES
        for each in (
            row(
                rf"({_NUMBER})[ \t]*(?:{words})(?!\w)",
                "a currency is a code of three capital letters",
                rf"write `\1 {code}`",
                rf"\1 {code}",
                is_late=True,
            ),
            row(
                rf"(?:{words}|{code})[ \t]*({_NUMBER})",
                "the currency comes after the number",
                rf"write `\1 {code}`",
                rf"\1 {code}",
            ),
        )
    ),
    row(
        rf"({_NUMBER})(?:[ \t]+per ?cent|[ \t]*%%)(?!\w)",
        "a share is written with `%`",
        r"write `\1%`",
        r"\1%",
        is_late=True,
    ),
    row(
        rf"%[ \t]*({_NUMBER})",
        "`%` comes after the number",
        r"write `\1%`",
        r"\1%",
        lacks="PLUS",
    ),
    guess(r"%", "`%` is not an operator", "`%` ends a share such as `20%`"),
    *(
        row(
            rf"\d+[ \t]*(?P<bad>{_misspelt(unit)})(?!\w)",
            r"there is no unit `\g<bad>`",
            f"write `{unit}s`",
            partial(_spaced, f"{unit}s"),
            needs="DURATION",
            lacks="INT",
        )
        for unit in ("second", "minute", "hour", "day", "week", "month", "year")
    ),
    row(
        rf"(\d+\.(?:25|50?|75))[ \t]+({'|'.join(_SMALLER)})s?(?!\w)",
        "a duration is a whole number of a unit",
        "use the next smaller unit",
        _smaller,
        needs="DURATION",
        lacks="DECIMAL",
    ),
    guess(
        rf"\d+\.\d+[ \t]+{_UNITS}(?!\w)",
        "a duration is a whole number of a unit",
        "write a whole number: for example `36 hours` instead of 1.5 days",
        "1 day",
        needs="DURATION",
        lacks="DECIMAL",
    ),
    row(
        r"\d+(?!\w)",
        "a number without a unit",
        _DURATION,
        r"\g<0> days",
        is_certain=False,
        needs="DURATION",
        lacks="INT",
    ),
    row(
        r"(\d\d?)(?!\w)",
        "a number where a time belongs",
        _TIMES,
        lambda m: f"{int(m[1]):02}:00",
        needs="TIME",
        lacks="INT",
    ),
    guess(
        r"[0-9_]+[^\W\d]\w*", "a number and a word without a space", _DURATION, "1 day", "1", "x"
    ),
)

TEXTS = (
    row(
        r'"[^"\n]*\{[{%][^"}\n]*(?P<bad>"([^"\'\n]*)")[^"\n]*\}[^"\n]*"',
        'a `"` inside a text on one line ends it',
        r"write single quotes: `'\2'`",
        r"'\2'",
        is_late=True,
    ),
    row(
        r'"([^"\\\n`]+)"',
        "a name in quotes",
        "write a name without quotes, or in back-quotes if it has several words",
        lambda m: m[1] if m[1].isidentifier() else f"`{m[1]}`",
        needs="NAME",
        lacks="TEXT",
    ),
    guess(
        r'"""(?:(?!\n\})(?s:.))*',
        "a text without an end",
        'close it with `"` on the same line, or write it between `"""` and `"""`',
        '""',
        is_unreadable=True,
    ),
    guess(
        r'"(?!"")(?:[^"\\\n{}]|\\[^\n])*',
        "a text without an end",
        'close it with `"` on the same line, or write it between `"""` and `"""`',
        '""',
        '"")',
        is_unreadable=True,
    ),
)
