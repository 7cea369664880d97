"""The costs of repairs. A mistake that a careful author is unlikely to make costs more.

The numbers have no unit. They only rank repairs.
"""

from difflib import get_close_matches

from cij.grammar.grammar_text import DECLARATION_WORDS
from cij.grammar.recovery.automaton import BEGINNINGS
from cij.grammar.recovery.damage import PLACEHOLDER

_SKIP = 3
_SKIP_BRACE = 6
SWAP = 4
UNDO = 1
# A longer word resembles no word of the language, and comparing it is slow.
_WORD_MAX = 30
UNBALANCED = 8
SIMILAR = 1
_CLOSERS = frozenset({"RBRACE", "RPAR", "RSQB"})
_SIGNS = frozenset({"COMMA", "ASSIGN", "COLON", "LBRACE", "LPAR", "LSQB"})
_NAMES = frozenset({"NAME", "PATH", "TEXT", "INT"})
_RARE = frozenset({"KEY", "LABEL", "DECIMAL", "MONEY", "PERCENT", "DATE", "DATETIME", "TIME"})
_RARE |= {"TIME_RANGE", "DURATION", "UNIT", "WEEKDAY", "TRUE", "FALSE"}
# The texts of inserted tokens. Later stages have to be able to read them.
_TEXTS = {
    "KIND": "segment",
    "TEXT": '""',
    "INT": "1",
    "DECIMAL": "1.0",
    "DURATION": "1 day",
    "MONEY": "1 EUR",
    "PERCENT": "1%",
    "DATE": "2000-01-01",
    "DATETIME": "2000-01-01 00:00",
    "TIME": "00:00",
    "CASE_VALUE": "case.x",
    "TIME_RANGE": "00:00..00:01",
    "UNIT": "day",
    "WEEKDAY": "monday",
    "GO_TO": "go to",
    "UP_TO": "up to",
    "BEST_OF": "best of",
    "FIRST_WHEN": "when",
    "LAST_KNOWN": "last known",
    "DOWN_FOR": "the runtime is down for",
    "NO_OTHER": "no other",
    "STARTS_WITH_ANY": "starts with any of",
    "CONTAINS_ANY": "contains any of",
    "IN_SEGMENT": "in segment",
    "IN_ZONE": "in",
    "NOT_IN_SEGMENT": "not in segment",
    "NOT_IN": "not in",
    "NOT_BETWEEN": "not between",
    "STARTS_WITH": "starts with",
    "AT_ENTRY": "at entry",
    "AND_STAY": "and stay",
    "ASSIGN": "=",
    "COALESCE": "??",
    "LESS": "<",
    "LESS_EQUAL": "<=",
    "MINUS": "-",
    "MORE": ">",
    "MORE_EQUAL": ">=",
    "NOT_EQUAL": "!=",
    "PLUS": "+",
    "SLASH": "/",
    "STAR": "*",
}
NAMED = frozenset({"NAME", "PATH", "KEY", "LABEL"})


def insert(type: str) -> int:
    """Return the cost of inserting a token."""
    # A missing closing bracket is the most common mistake, a missing name one of the rarest.
    if type in _CLOSERS:
        return 1
    if type in _SIGNS:
        return 2
    if type in _NAMES:
        return 10
    return 12 if type in _RARE or type in BEGINNINGS else 5


def skip(type: str) -> int:
    """Return the cost of deleting a token. Braces cost more, because they carry the structure."""
    return _SKIP_BRACE if type in ("LBRACE", "RBRACE") else _SKIP


def replace(type: str, found: str, word: str) -> int:
    """Return the cost of replacing a token. It is small where the words are similar."""
    return SIMILAR if similar(type, word) else skip(found) + insert(type)


def similar(type: str, word: str) -> str | None:
    """Return the word of `type` that the author's word resembles; None without one."""
    if type in NAMED or len(word) > _WORD_MAX or not word[:1].isalpha():
        return None
    # Declarations with their own rule have their own terminal, so they are no text of KIND.
    words = [w for w in DECLARATION_WORDS if w.upper() not in BEGINNINGS]
    words = words if type == "KIND" else [text(type)]
    found = get_close_matches(word.lower(), words, n=1, cutoff=0.7)
    return found[0] if found else None


def text(type: str) -> str:
    """Return the text of an inserted token."""
    return PLACEHOLDER if type in NAMED else _TEXTS.get(type, type.lower())
