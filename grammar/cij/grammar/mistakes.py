"""Says what is wrong where the text does not fit the grammar, in the author's words."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from lark import Token

from cij.grammar.codes import UNEXPECTED_TEXT
from cij.grammar.diagnostic import Diagnostic, Edit, Fix, Label
from cij.grammar.expressions import DEPTH_MAX
from cij.grammar.span import Span

TOO_DEEP = f"nested more than {DEPTH_MAX} levels deep"
TOO_DEEP_HELP = "give a part of it a name of its own, or list values as `in [a, b, c]`"

DECLARATIONS = [
    "source",
    "profile",
    "entity",
    "event",
    "enrich",
    "measure",
    "predict",
    "score",
    "segment",
    "lifecycle",
    "topic",
    "message",
    "action",
    "journey",
    "fragment",
    "policy",
    "export",
    "test",
    "use",
]
_UNITS = "(?:second|minute|hour|day|week|month|year)s?"


@dataclass(frozen=True, slots=True)
class Mistake:
    """Where reading stopped. `found` is None at the end of the file or for a stray character;
    `accepted` are the terminals that would have fitted; `begin` is where the declaration begins."""

    file: str
    text: str
    start: int
    found: Token | None
    accepted: frozenset[str]
    tokens: Sequence[Token]
    begin: int
    is_too_deep: bool = False

    @property
    def is_outside(self) -> bool:
        """Whether it stands between declarations and not in one."""
        return "KIND" in self.accepted

    @property
    def before(self) -> Token | None:
        return self.tokens[-1] if self.tokens else None

    @property
    def word(self) -> str:
        """What stands there: a token, a run of word characters, or one character."""
        if self.found is not None:
            return str(self.found)
        match = re.compile(r"\w+|.", re.DOTALL).match(self.text, self.start)
        return match[0] if match else ""

    def span(self, start: int, end: int) -> Span:
        line, column = _place(self.text, start)
        end_line, end_column = _place(self.text, end)
        return Span(self.file, start, end, line, column, end_line, end_column)

    @property
    def word_span(self) -> Span:
        return self.span(self.start, self.start + len(self.word))


@dataclass(frozen=True, slots=True)
class _Habit:
    """A way of writing from elsewhere. `pattern` is tried a little before the mistake, and the
    match must reach it; `instead` replaces the match where one text is certain to be meant."""

    pattern: re.Pattern[str]
    message: str
    help: str
    instead: str | None = None


def _habit(pattern: str, message: str, help: str, instead: str | None = None) -> _Habit:
    return _Habit(re.compile(pattern), message, help, instead)


_HABITS = (
    _habit(r"==", "`==` is not an operator", "equality is one `=`", "="),
    _habit(r"&&", "`&&` is not an operator", "write `and`", "and"),
    _habit(r"\|\|", "`||` is not an operator", "write `or`", "or"),
    _habit(r"<>", "`<>` is not an operator", "write `!=`", "!="),
    _habit(r"![^=]", "`!` is not an operator", "write `not`"),
    _habit("[“”„«»]", "a curly quote", 'texts stand between straight quotes: `"…"`', '"'),
    _habit("[‘’`´']", "a single quote", 'texts stand between double quotes: `"…"`'),
    _habit("[\u00a0\u202f\u2007\u3000]", "a special space", "write an ordinary space", " "),
    _habit("[\u200b-\u200f\u2060\ufeff]", "an invisible character", "delete it", ""),
    _habit("\0", "a NUL character", "delete it, or save the file as UTF-8", ""),
    _habit(r"…|\.\.\.", "`…` stands for something left out", "write it out"),
    _habit(r"//|/\*|--", "not a comment", "a comment starts with `#`"),
    _habit(r";", "`;` has no meaning here", "a line ends without a sign", ""),
    _habit(r"[−–—]", "a dash is not a minus", "write `-`", "-"),
    _habit(r"≥", "`≥` is not an operator", "write `>=`", ">="),
    _habit(r"≤", "`≤` is not an operator", "write `<=`", "<="),
    _habit(r"≠", "`≠` is not an operator", "write `!=`", "!="),
    _habit(rf"{_UNITS}\s+[0-9]+", "the number comes first", "for example `7 days`"),
    _habit(r"[0-9_]+[^\W\d]\w*", "a number and a word without a space", "for example `7 days`"),
)
_SHOUTED = re.compile(r"(?:AND|OR|NOT|IN|IS|WHERE|BETWEEN|WHEN)\Z")
# What the author would call a group of terminals that come together.
_GROUPS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"KIND", "MESSAGE", "JOURNEY"}), "a declaration"),
    (frozenset({"PATH", "TEXT", "INT", "DURATION"}), "a value"),
    (frozenset({"SEND", "WAIT", "LABEL"}), "a step"),
    (frozenset({"DURATION", "UNIT"}), "a duration such as `7 days`"),
    (frozenset({"DURATION"}), "a duration such as `7 days`"),
    (frozenset({"NAME"}), "a name"),
    (frozenset({"PATH"}), "a name"),
    (frozenset({"KEY"}), "a setting such as `key = value`"),
    (frozenset({"TEXT"}), 'a text such as `"ana"`'),
    (frozenset({"INT"}), "a whole number"),
    (frozenset({"PERCENT"}), "a share such as `50%`"),
    (frozenset({"DATETIME"}), "a date and time such as `2026-12-31 09:00`"),
    (frozenset({"TIME_RANGE"}), "hours such as `21:00..08:00`"),
    (frozenset({"TIME"}), "a time such as `09:00`"),
    (frozenset({"UNIT"}), "a unit such as `day`"),
    (frozenset({"WEEKDAY"}), "a weekday"),
)
_SIGNS = {
    "ASSIGN": "=",
    "COLON": ":",
    "COMMA": ",",
    "LBRACE": "{",
    "LPAR": "(",
    "LSQB": "[",
    "RBRACE": "}",
    "RPAR": ")",
    "RSQB": "]",
}
_OPERATORS = frozenset(
    [
        "AND",
        "AND_STAY",
        "OR",
        "IN",
        "IS",
        "NOT_IN",
        "NOT_BETWEEN",
        "BETWEEN",
        "CONTAINS",
        "STARTS_WITH",
        "COALESCE",
        "LESS",
        "LESS_EQUAL",
        "MORE",
        "MORE_EQUAL",
        "NOT_EQUAL",
        "PLUS",
        "MINUS",
        "STAR",
        "SLASH",
        "ASSIGN",
        "SINCE",
        "LABEL",
        "WITHIN",
        "WHERE",
    ]
)
_CLOSERS = frozenset({"RBRACE", "RPAR", "RSQB"})
# After these no value or name is missing.
_COMPLETE = _CLOSERS | {"LBRACE"}
_PHRASES_MAX = 4


def explain(mistake: Mistake) -> Diagnostic:
    """Return the one diagnostic for a place where reading stopped."""
    if mistake.is_too_deep:
        return UNEXPECTED_TEXT.at(mistake.word_span, TOO_DEEP, help=TOO_DEEP_HELP)
    return (
        _swallowed(mistake)
        or _habitual(mistake)
        or _shouted(mistake)
        or _particular(mistake)
        or _missing(mistake)
    )


def unclosed(mistake: Mistake, next_begin: int) -> Diagnostic:
    """Say that a declaration has no `}` before the next one begins."""
    own = _first_line(mistake.text, mistake.begin)
    begin = mistake.span(mistake.begin, mistake.begin + len(own))
    end = next_begin + len(_first_line(mistake.text, next_begin))
    return UNEXPECTED_TEXT.at(
        mistake.span(next_begin, end),
        f"`{own}` is not closed before the next declaration",
        help="write the missing `}` above",
        related=[Label(begin, "this one is open")],
    )


def _swallowed(mistake: Mistake) -> Diagnostic | None:
    """Find the line that ends too early, so that the first word of the next line was taken for
    its value: in `where points >`, `refresh = 1 hour` reading stops at the `=`."""
    if len(mistake.tokens) < 2 or mistake.word not in ("=", ":"):
        return None
    early, taken = mistake.tokens[-2:]
    end = early.end_pos or 0
    is_first_of_line = "\n" in mistake.text[end : taken.start_pos]
    if taken.type not in ("PATH", "NAME") or early.type in _COMPLETE or not is_first_of_line:
        return None
    what = "a value" if taken.type == "PATH" else "a name"
    message = f"expected {what} after {_shown(early)}"
    return UNEXPECTED_TEXT.at(mistake.span(end, end), message)


def _habitual(mistake: Mistake) -> Diagnostic | None:
    for habit in _HABITS:
        for start in (mistake.start, mistake.start - 1):
            match = habit.pattern.match(mistake.text, max(start, 0))
            if match and match.end() > mistake.start:
                return _of_habit(mistake, habit, match)
    return None


def _of_habit(mistake: Mistake, habit: _Habit, match: re.Match[str]) -> Diagnostic:
    span = mistake.span(match.start(), match.end())
    fixes = []
    if habit.instead is not None:
        fixes = [Fix(habit.help, (Edit(span, habit.instead),))]
    return UNEXPECTED_TEXT.at(span, habit.message, help=habit.help, fixes=fixes)


def _shouted(mistake: Mistake) -> Diagnostic | None:
    """Find `AND` for `and`: a name to the grammar, so reading stops only a few words later."""
    nearby = [*mistake.tokens[-2:], *([mistake.found] if mistake.found else [])]
    for token in nearby:
        if token.type in ("NAME", "PATH") and _SHOUTED.match(token):
            start = token.start_pos or 0
            span, word = mistake.span(start, start + len(token)), token.lower()
            fix = Fix(f"write `{word}`", (Edit(span, word),))
            help = f"write `{word}` in lower case"
            return UNEXPECTED_TEXT.at(span, f"`{token}` is not a word here", help=help, fixes=[fix])
    return None


def _particular(mistake: Mistake) -> Diagnostic | None:
    word, span = mistake.word, mistake.word_span
    if word == '"':
        help = 'close it with `"` on the same line, or write it between `"""` and `"""`'
        return UNEXPECTED_TEXT.at(span, "a text without an end", help=help)
    if word == "," and "KEY" in mistake.accepted:
        help = "each setting has a line of its own, with no sign at its end"
        return UNEXPECTED_TEXT.at(span, "a comma between settings", help=help)
    if word == ":" and mistake.before is not None and mistake.before.type == "NAME":
        help = f"a setting is written `{mistake.before} = value`"
        return UNEXPECTED_TEXT.at(span, "a colon after a name", help=help)
    before = mistake.before
    if before is not None and _is_stray(mistake, before):
        start = before.start_pos or 0
        place = mistake.span(start, start + len(before))
        help = "go on with `and`, `or` or an operator, or begin a new line"
        return UNEXPECTED_TEXT.at(place, f"`{before}` does not fit here", help=help)
    if before is not None and before.type == "NAME" and before.upper() in mistake.accepted:
        # A word of the statement was taken for the name that is missing before it.
        start = before.start_pos or 0
        place = mistake.span(start, start + len(before))
        return UNEXPECTED_TEXT.at(place, f"expected a name before `{before}`")
    if word == "}" and mistake.is_outside:
        return UNEXPECTED_TEXT.at(span, "a `}` that closes nothing", help="delete it")
    return None


def _is_stray(mistake: Mistake, before: Token) -> bool:
    """Tell whether the word before the mistake was taken for a block on the line of a value."""
    if not {"NAME", "TEXT", "LBRACE"} <= mistake.accepted or len(mistake.tokens) < 2:
        return False
    earlier = mistake.tokens[-2]
    return earlier.type not in ("LBRACE", "RBRACE") and earlier.end_line == before.line


def _missing(mistake: Mistake) -> Diagnostic:
    expected = _listed(_phrases(mistake.accepted))
    if not mistake.word:
        return _at_end(mistake, expected)
    help = _near(mistake) or (f"expected {expected}" if mistake.is_outside else None)
    if "RBRACE" in mistake.accepted or mistake.is_outside or mistake.before is None:
        expected = f"expected {expected}"
        found = _shown(mistake.word)
        return UNEXPECTED_TEXT.at(
            mistake.word_span, f"{found} does not fit here", help=help or expected
        )
    message = f"expected {expected} after {_shown(mistake.before)}"
    return UNEXPECTED_TEXT.at(_gap(mistake), message, help=help)


def _at_end(mistake: Mistake, expected: str) -> Diagnostic:
    """Say what is missing at the end of the file."""
    own = _first_line(mistake.text, mistake.begin)
    begin = Label(mistake.span(mistake.begin, mistake.begin + len(own)), "this one is open")
    if "RBRACE" in mistake.accepted:
        message, help = f"`{own}` is not closed", "write the missing `}`"
        return UNEXPECTED_TEXT.at(_gap(mistake), message, help=help, related=[begin])
    after = f" after {_shown(mistake.before)}" if mistake.before else ""
    return UNEXPECTED_TEXT.at(_gap(mistake), f"expected {expected}{after}", related=[begin])


def _gap(mistake: Mistake) -> Span:
    """Return the mistaken word, or the end of the word before when a line ends between them:
    what is missing belongs to that line."""
    before = mistake.before
    end = 0 if before is None else before.end_pos or 0
    is_new_line = "\n" in mistake.text[end : mistake.start] or not mistake.word
    return mistake.span(end, end) if is_new_line else mistake.word_span


def _near(mistake: Mistake) -> str | None:
    """Return advice when the word resembles one that fits."""
    words = DECLARATIONS if mistake.is_outside else [w.lower() for w in _words(mistake.accepted)]
    near = get_close_matches(mistake.word.lower(), words, n=1, cutoff=0.7)
    return f"did you mean `{near[0]}`?" if near else None


def _words(accepted: Iterable[str]) -> list[str]:
    """Return the terminals that are plain words, such as SEND."""
    named = {terminal for group, _ in _GROUPS for terminal in group if "a step" != _}
    return sorted(
        name for name in accepted if name.isalpha() and name not in named and name not in _SIGNS
    )


def _phrases(accepted: frozenset[str]) -> list[str]:
    """Name what fits, the largest groups first."""
    left = set(accepted)
    if accepted & _CLOSERS or "LBRACE" in accepted:
        left -= _OPERATORS
    if accepted & _CLOSERS and "PATH" not in accepted:
        left.discard("LPAR")
    phrases: list[str] = []
    for group, phrase in _GROUPS:
        if group <= left and phrase not in phrases:
            phrases.append(phrase)
            left -= _COVERED.get(phrase, group)
    phrases += [f"`{_SIGNS[name]}`" for name in _SIGNS if name in left]
    phrases += [f"`{name.lower().replace('_', ' ')}`" for name in sorted(left) if _is_word(name)]
    return phrases[:_PHRASES_MAX] or ["something else"]


_COVERED = {
    "a value": frozenset(
        [
            "PATH",
            "TEXT",
            "INT",
            "DECIMAL",
            "DURATION",
            "MONEY",
            "PERCENT",
            "DATE",
            "DATETIME",
            "TIME",
            "TIME_RANGE",
            "TRUE",
            "FALSE",
            "LPAR",
            "LSQB",
            "MINUS",
            "NOT",
            "AT_ENTRY",
            "IN_SEGMENT",
            "NOT_IN_SEGMENT",
        ]
    ),
    "a step": frozenset(
        [
            "SEND",
            "WAIT",
            "IF",
            "SWITCH",
            "SPLIT",
            "FIRST",
            "DO",
            "SET",
            "EMIT",
            "REPEAT",
            "RUN",
            "END",
            "LABEL",
        ]
    ),
    "a declaration": frozenset({"USE", "KIND", "MESSAGE", "JOURNEY", "FRAGMENT", "POLICY", "TEST"})
    | {"$END"},
}


def _is_word(name: str) -> bool:
    return name not in _SIGNS and name.replace("_", "").isalpha() and name not in _LITERALS


_LITERALS = frozenset(
    [
        "PATH",
        "TEXT",
        "INT",
        "DECIMAL",
        "DURATION",
        "MONEY",
        "PERCENT",
        "DATE",
        "DATETIME",
        "TIME",
        "KEY",
        "LABEL",
        "NAME",
        "COALESCE",
        "LESS",
        "LESS_EQUAL",
        "MORE",
        "MORE_EQUAL",
        "NOT_EQUAL",
        "PLUS",
        "MINUS",
        "STAR",
        "SLASH",
        "AND_STAY",
    ]
)


def _listed(phrases: list[str]) -> str:
    return phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} or {phrases[-1]}"


def _shown(word: str) -> str:
    """Quote a word; only the beginning of a long one."""
    line = word.split("\n", 1)[0]
    return f"`{line[:40]}…`" if len(line) > 40 or line != word else f"`{line}`"


def _first_line(text: str, start: int) -> str:
    """Return the beginning of a declaration up to its brace."""
    end = start + len(text[start:].split("\n", 1)[0])
    return text[start:end].split("{")[0].rstrip()[:60]


def _place(text: str, offset: int) -> tuple[int, int]:
    line_start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, offset) + 1, offset - line_start + 1
