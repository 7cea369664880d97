"""What the layout of a text says of its structure: where declarations begin, which brace is missing.

Authors indent what stands between braces. So where the braces of a declaration do not match, its
lines mostly still tell where the mistake is, long before reading stops at it.
"""

import re
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

from cij.grammar.grammar_text import PLAIN_DECLARATIONS

_WORD = r"(?:[^\W\d][\w\u0300-\u036f]*|`[^`\n]+`)"
_KINDS = "|".join(PLAIN_DECLARATIONS)
# How a declaration begins, up to its brace: enough to tell it from a word inside a block.
_BEGINNING = rf"""
    (?:(?:{_KINDS}|journey|policy)[ \t]+{_WORD}[ \t]*\{{
    |message[ \t]+{_WORD}[ \t]+{_WORD}[ \t]*\{{
    |fragment[ \t]+{_WORD}[ \t]*[({{]
    |test[ \t]+"
    |use[ \t]+{_WORD})
"""
# What must be stepped over or counted on the way through a text.
_LANDMARK = re.compile(
    rf'''
    (?P<beginning>(?<![^\n\ufeff])[ \t]*(?={_BEGINNING}))
    |(?P<line>(?<![^\n\ufeff])[ \t]*(?=[^\s\#]))
    |(?P<text>"""(?:[^\\]|\\.)*?"""|"(?:[^"\\\n]|\\[^\n])*")
    |(?P<comment>\#[^\n]*)
    |(?P<name>`[^`\n]+`)
    |(?P<open>\{{)|(?P<close>\}})
    ''',
    re.VERBOSE | re.DOTALL,
)
# Only beginnings, and lines as fast as possible.
_FIRST_COLUMN = re.compile(
    rf'''
    (?P<beginning>(?<![^\n\ufeff])(?={_BEGINNING}))
    |"""(?:[^\\]|\\.)*?"""|"(?:[^"\\\n]|\\[^\n])*"|\#[^\n]*|`[^`\n]+`
    |\ufeff|[^"#`\n]*+\n|[^"#`\n]++|.
    ''',
    re.VERBOSE | re.DOTALL,
)
# The same for brackets of all kinds.
_BRACKET = re.compile(
    r'''"""(?:[^\\]|\\.)*?"""|"(?:[^"\\\n]|\\[^\n])*"|\#[^\n]*|`[^`\n]+`|([{}()\[\]])''', re.DOTALL
)
_OPENERS = {"}": "{", ")": "(", "]": "["}
# No author's declaration is so long; what is longer is not looked at as a whole.
REGION_MAX = 200_000


@dataclass(frozen=True, slots=True)
class BraceFault:
    """A brace to put in before `place`, or the one at `place` to take out. `opener` is where the
    line starts that a missing brace belongs to."""

    brace: str
    place: int
    is_missing: bool
    opener: int = 0

    @property
    def weight(self) -> int:
        """Return what the fault adds to the count of `{` less the count of `}`."""
        return 1 if (self.brace == "}") == self.is_missing else -1


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that holds code: where its code starts, how far it is indented."""

    start: int
    indent: int


@dataclass(slots=True)
class _Scan:
    """The lines so far, which of them opened the braces that are open, what did not match."""

    text: str
    lines: list[_Line] = field(default_factory=list)
    open: list[_Line] = field(default_factory=list)
    faults: list[BraceFault] = field(default_factory=list)

    def line(self, start: int, indent: int) -> None:
        """Begin a line. One not deeper than the line that opened a brace stands behind it."""
        line = _Line(start, indent)
        is_close = self.text.startswith("}", start)
        while self.open and indent - self.open[-1].indent < int(not is_close):
            self.faults.append(BraceFault("}", start, True, self.open.pop().start))
        self.lines.append(line)

    def brace(self, start: int, is_open: bool) -> None:
        if is_open:
            self.open.append(self.lines[-1])
        elif self.open and self.lines[-1].indent <= self.open[-1].indent:
            self.open.pop()
        else:
            # Also a `}` on a line that is deeper than the one it would close.
            self.faults.append(self._unopened(start))

    def _unopened(self, start: int) -> BraceFault:
        """Blame the line above that a `}` at the start of its own line would close."""
        indent, below = self.lines[-1].indent, self.lines[-1]
        for line in self.lines[-2::-1] if start == below.start else ():
            if line.indent <= indent:
                is_opener = line.indent == indent < below.indent
                missing = BraceFault("{", below.start, True, line.start)
                return missing if is_opener else _extra(start)
            below = line
        return _extra(start)


def _extra(start: int) -> BraceFault:
    return BraceFault("}", start, False)


class Layout:
    """The layout of one text; read once, when something needs it."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _beginnings(self) -> list[int]:
        """Return where the first column begins a declaration."""
        found = _FIRST_COLUMN.finditer(self.text)
        return [match.start() for match in found if match.lastgroup == "beginning"]

    def is_beginning(self, start: int) -> bool:
        return self.text[start - 1 : start] in ("", "\n") and start in self._known

    @cached_property
    def _known(self) -> frozenset[int]:
        return frozenset(self._beginnings)

    def next_beginning(self, start: int) -> int:
        """Return the next place after `start` where the first column begins a declaration."""
        index = bisect_left(self._beginnings, start + 1)
        return self._beginnings[index] if index < len(self._beginnings) else len(self.text)

    def balance(self, begin: int, end: int) -> Counter[str]:
        """Return for each kind of bracket how many more are opened than closed."""
        counts: Counter[str] = Counter()
        if end - begin <= REGION_MAX:
            for match in _BRACKET.finditer(self.text, begin, end):
                sign = match[1]
                if sign is not None:
                    counts[_OPENERS.get(sign, sign)] += -1 if sign in _OPENERS else 1
        return counts

    def brace_faults(self, begin: int, end: int) -> list[BraceFault]:
        """Return what is wrong with the braces of a declaration, if they do not match in number
        and its lines agree on where."""
        if end - begin > REGION_MAX:
            return []
        scan, count = _Scan(self.text), 0
        for match in _LANDMARK.finditer(self.text, begin, end):
            kind = match.lastgroup
            if kind in ("line", "beginning"):
                scan.line(match.end(), match.end() - match.start())
            elif kind in ("open", "close") and scan.lines:
                count += 1 if kind == "open" else -1
                scan.brace(match.start(), kind == "open")
        scan.faults += [BraceFault("}", end, True, line.start) for line in scan.open]
        weight = sum(fault.weight for fault in scan.faults)
        # Only so many faults as there are braces too many or too few: else nothing is indented.
        return scan.faults if weight == count and len(scan.faults) == abs(count) else []
