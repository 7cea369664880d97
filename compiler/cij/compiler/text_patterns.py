"""The patterns of `matches`: what they may contain, and the regular expression that engines read.

    "[A-Z]{2}-[0-9]+" --portable--> ^(?:[A-Z]{2}-[0-9]+)$

Engines and Python differ in what `\\d`, `$`, `.` and ranges of letters mean, so a pattern has only
parts that mean the same in all of them, and it is written out anew. None of these parts needs
backtracking, and the size is limited: the time is linear in the length of the text.
"""

from dataclasses import dataclass
from typing import NoReturn

# Bounds that every engine keeps: PostgreSQL repeats up to 255 times.
SIZE_MAX = 500
REPEATS_MAX = 200
_DEPTH_MAX = 20
_SPECIAL = frozenset("\\.[](){}|*+?^$")
_IN_CLASS = frozenset("\\[]^-")
_CLASSES = {"d": "[0-9]", "w": "[A-Za-z0-9_]", "s": "[ ]"}
_QUANTIFIERS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_KINDS = (("0", "9"), ("a", "z"), ("A", "Z"))


class BadPattern(Exception):
    """A pattern that `matches` does not take; `help` says what to write."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


def portable(pattern: str) -> str:
    """Return the regular expression that finds whole texts which fit a pattern.

    Raises: BadPattern.
    """
    reader = _Reader(pattern)
    part = reader.alternatives(0)
    if reader.next is not None:
        reader.fail("`)` closes no group", "write `\\\\)` for the character itself")
    return f"^(?:{part.text})$"


@dataclass(frozen=True, slots=True)
class _Part:
    """A part as it is written for engines. `size` counts characters, each as often as it repeats."""

    text: str
    size: int


@dataclass(slots=True)
class _Reader:
    """Reads a pattern from left to right."""

    pattern: str
    at: int = 0

    @property
    def next(self) -> str | None:
        return self.pattern[self.at] if self.at < len(self.pattern) else None

    def take(self) -> str:
        self.at += 1
        return self.pattern[self.at - 1]

    def fail(self, message: str, help: str | None = None) -> NoReturn:
        raise BadPattern(message, help)

    def alternatives(self, depth: int) -> _Part:
        if depth > _DEPTH_MAX:
            self.fail(f"the pattern has more than {_DEPTH_MAX} groups inside each other")
        parts = [self._sequence(depth)]
        while self.next == "|":
            self.take()
            parts.append(self._sequence(depth))
        return self._limited("|".join(p.text for p in parts), sum(p.size for p in parts))

    def _sequence(self, depth: int) -> _Part:
        parts = []
        while self.next is not None and self.next not in "|)":
            parts.append(self._piece(depth))
        if not parts:
            self.fail("a part of the pattern is empty", "for an optional part, write `(a|b)?`")
        return self._limited("".join(p.text for p in parts), sum(p.size for p in parts))

    def _limited(self, text: str, size: int) -> _Part:
        if size > SIZE_MAX:
            message = f"the pattern has more than {SIZE_MAX} characters, counted with repetitions"
            self.fail(message, "repeat with `*` or `+`, without a number")
        return _Part(text, size)

    def _piece(self, depth: int) -> _Part:
        atom = self._atom(depth)
        if self.next is None or self.next not in "*+?{":
            return atom
        low, high = self._times()
        if self.next is not None and self.next in "*+?{":
            self.fail(f"`{self.next}` follows another repetition", "use one of them")
        most = f"{high}" if high is not None else ""
        size = atom.size * (high or low + 1)
        return self._limited(f"{atom.text}{{{low},{most}}}", size)

    def _times(self) -> tuple[int, int | None]:
        sign = self.take()
        if sign in _QUANTIFIERS:
            return _QUANTIFIERS[sign]
        inside, brace, _ = self.pattern[self.at :].partition("}")
        low, comma, high = inside.partition(",")
        numbers = [n for n in (low, high) if n or n is low]
        if not brace or not all(n.isascii() and n.isdigit() and len(n) < 4 for n in numbers):
            self.fail("`{` is followed by a number of times", "for example `{3}` or `{1,3}`")
        self.at += len(inside) + 1
        least = int(low)
        most = least if not comma else int(high) if high else None
        if (most == 0) or (most or least) < least or max(least, most or 0) > REPEATS_MAX:
            self.fail(f"`{{{inside}}}` is no number of times from 1 to {REPEATS_MAX}")
        return least, most

    def _atom(self, depth: int) -> _Part:
        char = self.take()
        if char == "(":
            return self._group(depth)
        if char == "[":
            return self._class()
        if char == ".":
            # Also a line end, which engines leave out or not.
            return _Part("(?:.|\\n)", 1)
        if char == "\\":
            return _Part(_quoted(self._escaped(_SPECIAL)), 1)
        if char in "^$":
            message = f"`{char}` is not needed: a pattern is about the whole text"
            self.fail(message, "for a part of a text, write `.*` around it")
        if char in _SPECIAL:
            help = f"write `\\\\{char}` for the character itself"
            self.fail(f"`{char}` does not belong here", help)
        return _Part(char, 1)

    def _group(self, depth: int) -> _Part:
        if self.next == "?":
            self.fail("`(?` is not part of a pattern", "for any case, write `lower(x) matches …`")
        inner = self.alternatives(depth + 1)
        if self.next != ")":
            self.fail("`(` has no `)`", "write `\\\\(` for the character itself")
        self.take()
        return _Part(f"(?:{inner.text})", inner.size)

    def _escaped(self, allowed: frozenset[str]) -> str:
        if self.next is None:
            self.fail("a backslash at the end", "write `\\\\\\\\` for the character itself")
        char = self.take()
        if char in _CLASSES:
            self.fail(f"`\\{char}` is not part of a pattern", f"write `{_CLASSES[char]}`")
        if char not in allowed | _SPECIAL | _IN_CLASS:
            self.fail(f"`\\{char}` is not part of a pattern", "a backslash goes before a sign")
        return char

    def _class(self) -> _Part:
        sign = self.take() if self.next == "^" else ""
        items: list[str] = []
        while self.next is not None and self.next != "]":
            items.append(self._item(is_first=not items))
        if self.next is None or not items:
            self.fail("`[` is followed by characters and `]`", "for example `[a-z0-9]`")
        self.take()
        return _Part(f"[{sign}{''.join(items)}]", 1)

    def _item(self, *, is_first: bool) -> str:
        low = self.take()
        if low == "\\":
            return _quoted(self._escaped(_IN_CLASS))
        if low == "-" and (is_first or self.next == "]"):
            return _quoted(low)
        if low in _IN_CLASS:
            self.fail(
                f"`{low}` does not belong here", f"write `\\\\{low}` for the character itself"
            )
        if self.next != "-" or self.pattern[self.at + 1 : self.at + 2] == "]":
            return _quoted(low)
        self.take()
        high = self.take() if self.next is not None else ""
        if not any(start <= low <= high <= end and high for start, end in _KINDS):
            message = f"`{low}-{high}` is not a range of letters or digits"
            self.fail(message, "for example `a-z`, `A-Z` or `0-9`; other letters one by one")
        return f"{low}-{high}"


def _quoted(char: str) -> str:
    return f"\\{char}" if char in _SPECIAL | _IN_CLASS else char
