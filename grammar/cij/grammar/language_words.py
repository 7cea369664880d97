"""The words of the language, read from its grammar: for completion and for highlighting."""

import re
from collections.abc import Iterable
from functools import cache

from cij.grammar.grammar_text import grammar_sources

# `SEND.1: /send(?!\w)/` and `KIND.1: /(?:source|profile|…)(?!\w)/`.
_TERMINAL = re.compile(r"^([A-Z_]+)(?:\.\d+)?\s*:\s*/(.+)/\s*$", re.MULTILINE)
_LOOKAHEAD = re.compile(r"\(\?[!=].*\Z")
_BLANKS = re.compile(r"\[ \\t\\r\\n\]\+")
_CHOICE = re.compile(r"\(\?:([a-z_|]+)\)(s\?)?")
_WORD = re.compile(r"[a-z]+(?: [a-z]+)*")


def words_of(terminals: Iterable[str]) -> list[str]:
    """Return the words that terminals stand for. Signs, names and values have none."""
    known = _by_terminal()
    return sorted({word for name in terminals for word in known.get(name, ())})


def all_words() -> list[str]:
    """Return all words of the language, such as `send` and `up to`."""
    return words_of(_by_terminal())


@cache
def _by_terminal() -> dict[str, tuple[str, ...]]:
    text = "\n".join(grammar_sources())
    found = {name: _words(pattern) for name, pattern in _TERMINAL.findall(text)}
    return {name: words for name, words in found.items() if words}


def _words(pattern: str) -> tuple[str, ...]:
    plain = _BLANKS.sub(" ", _LOOKAHEAD.sub("", pattern))
    choice = _CHOICE.fullmatch(plain)
    if choice is not None:
        words = choice[1].split("|")
        return tuple([*words, *(f"{word}s" for word in words)] if choice[2] else words)
    return (plain,) if _WORD.fullmatch(plain) else ()
