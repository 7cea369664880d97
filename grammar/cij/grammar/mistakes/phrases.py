"""The names of terminals in messages, in words that an author knows."""

from collections.abc import Iterable

from cij.grammar.grammar_text import OWN_DECLARATIONS, STEP_WORDS

# The author's name for a group of terminals that fit together. Larger groups come first.
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
        "IN_ZONE",
        "IS",
        "NOT_IN",
        "NOT_BETWEEN",
        "BETWEEN",
        "CONTAINS",
        "CONTAINS_ANY",
        "STARTS_WITH",
        "STARTS_WITH_ANY",
        "MATCHES",
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
# After these tokens no value or name is missing.
COMPLETE = _CLOSERS | {"LBRACE"}
_PHRASES_MAX = 4


def words(accepted: Iterable[str]) -> list[str]:
    """Return the terminals that are keywords, such as SEND."""
    named = {terminal for group, _ in _GROUPS for terminal in group if "a step" != _}
    return sorted(
        name for name in accepted if name.isalpha() and name not in named and name not in _SIGNS
    )


def phrases(accepted: frozenset[str]) -> list[str]:
    """Return the names of the terminals that fit, the largest groups first, at most four."""
    left = set(accepted)
    if accepted & _CLOSERS or "LBRACE" in accepted:
        # An operator fits after nearly every value, so it would hide what is missing.
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
            "LAST_KNOWN",
            "DISTINCT",
            "FIRST_WHEN",
            "IN_SEGMENT",
            "NOT_IN_SEGMENT",
        ]
    ),
    "a step": frozenset(word.upper() for word in STEP_WORDS) | {"LABEL"},
    "a declaration": frozenset(word.upper() for word in OWN_DECLARATIONS)
    | {"KIND", "EVENT", "$END"},
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
        "CASE_VALUE",
    ]
)


def listed(phrases: list[str]) -> str:
    return phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} or {phrases[-1]}"


def shown(word: str) -> str:
    """Return a word in back-quotes; of a long word only the beginning."""
    line = word.split("\n", 1)[0]
    return f"`{line[:40]}…`" if len(line) > 40 or line != word else f"`{line}`"
