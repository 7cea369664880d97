"""Files that the grammar itself generates: any words in any order it allows, sense or nonsense."""

import re
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark

from cij.grammar import table_cache

_NAMES = st.sampled_from(["a", "points", "send", "in", "`odd name`", "año", "monday", "where"])
_SAMPLES: dict[str, st.SearchStrategy[str]] = {
    "NAME": _NAMES,
    "PATH": st.lists(_NAMES, min_size=1, max_size=3).map(".".join),
    "KEY": st.lists(_NAMES, min_size=1, max_size=2).map(".".join),
    "LABEL": _NAMES,
    "KIND": st.sampled_from(["source", "segment", "export"]),
    "UNIT": st.sampled_from(["day", "weeks"]),
    "WEEKDAY": st.sampled_from(["monday", "sunday"]),
    "DURATION": st.sampled_from(["7 days", "1  hour", "99999999 years"]),
    "MONEY": st.sampled_from(["50 EUR", "1_000.5\tUSD"]),
    "PERCENT": st.sampled_from(["20%", "2.5 %"]),
    "DATE": st.sampled_from(["2026-12-31", "2026-13-40"]),
    "DATETIME": st.sampled_from(["2026-12-31 09:00", "2026-12-31  9:00:05"]),
    "TIME": st.sampled_from(["09:00", "25:00"]),
    "TIME_RANGE": st.sampled_from(["21:00..08:00", "21:00 .. 8:00"]),
    "DECIMAL": st.sampled_from(["0.92", "1_0.0"]),
    "INT": st.sampled_from(["0", "1_000"]),
    "TEXT": st.sampled_from(['""', '"a \\" b"', '"""\n a\n  b\n"""', '"""x"""', '"\\q"']),
    "COMMENT": st.sampled_from(["# c\n", "#\n", "# }\n"]),
    "SPACE": st.sampled_from([" ", "\n", "\n\n\n", "\t"]),
}


@cache
def programs() -> st.SearchStrategy[str]:
    """Generate files from the grammar itself, with a space after every token."""
    lark: Any = table_cache.build()
    explicit = {name: strategy.map(_spaced) for name, strategy in _SAMPLES.items()}
    for terminal in lark.terminals:
        if terminal.name not in explicit:
            explicit[terminal.name] = st.just(_spaced(_plain(terminal.pattern.value)))
    return from_lark(lark, start="start", explicit=explicit)


def _plain(pattern: str) -> str:
    """Return the text of a sign or word from its pattern: `in[ \\t\\r\\n]+segment(?!\\w)`."""
    return re.sub(r"\(\?.*", "", pattern.replace(r"[ \t\r\n]+", " "))


def _spaced(text: str) -> str:
    return text if text.isspace() or text.endswith("\n") else f"{text} "
