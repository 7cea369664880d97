"""The structure of a text by its layout: where declarations begin, and which brace is wrong.

Authors indent the text between braces. Where the braces of a declaration do not match, the
indentation usually shows the mistake, often many lines before the place where the parser stops.
"""

import re
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

from cij.grammar.grammar_text import PLAIN_DECLARATIONS

_WORD = r"(?:[^\W\d][\w\u0300-\u036f]*|`[^`\n]+`)"
_KINDS = "|".join(PLAIN_DECLARATIONS)
# The beginning of a declaration up to its brace, which distinguishes it from a word inside a block.
_BEGINNING = rf"""
    (?:(?:{_KINDS}|journey|policy)[ \t]+{_WORD}[ \t]*\{{
    |message[ \t]+{_WORD}[ \t]+{_WORD}[ \t]*\{{
    |fragment[ \t]+{_WORD}[ \t]*[({{]
    |test[ \t]+"
    |use[ \t]+{_WORD})
"""
# The parts of a text that have to be skipped or counted.
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
# Finds only beginnings, and skips all other lines as fast as possible.
_FIRST_COLUMN = re.compile(
    rf'''
    (?P<beginning>(?<![^\n\ufeff])(?={_BEGINNING}))
    |"""(?:[^\\]|\\.)*?"""|"(?:[^"\\\n]|\\[^\n])*"|\#[^\n]*|`[^`\n]+`
    |\ufeff|[^"#`\n]*+\n|[^"#`\n]++|.
    ''',
    re.VERBOSE | re.DOTALL,
)
# Finds brackets of all kinds outside of texts, comments and names.
_BRACKET = re.compile(
    r'''"""(?:[^\\]|\\.)*?"""|"(?:[^"\\\n]|\\[^\n])*"|\#[^\n]*|`[^`\n]+`|([{}()\[\]])''', re.DOTALL
)
_OPENERS = {"}": "{", ")": "(", "]": "["}
# In characters. No author's declaration is as long, and the search would be slow on longer ones.
REGION_MAX = 200_000


@dataclass(frozen=True, slots=True)
class BraceFault:
    """A brace to insert before `place`, or to delete at `place`.

    `opener` is the start of the line to which a missing brace belongs.
    """

    brace: str
    place: int
    is_missing: bool
    opener: int = 0

    @property
    def weight(self) -> int:
        """The number of `{` minus the number of `}` that the fault accounts for."""
        return 1 if (self.brace == "}") == self.is_missing else -1


@dataclass(frozen=True, slots=True)
class _Line:
    """A line with code: the offset of its first character, and its indent."""

    start: int
    indent: int


@dataclass(slots=True)
class _Scan:
    """The lines so far, the lines that opened the open braces, and the faults."""

    text: str
    lines: list[_Line] = field(default_factory=list)
    open: list[_Line] = field(default_factory=list)
    faults: list[BraceFault] = field(default_factory=list)

    def line(self, start: int, indent: int) -> None:
        """Begin a line.

        Where it is not deeper than the line of an open brace, that brace is not closed.
        """
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
            # This includes a `}` on a line that is deeper than the line of the brace that it would
            # close.
            self.faults.append(self._unopened(start))

    def _unopened(self, start: int) -> BraceFault:
        """Return the fault for a `}` without a `{`.

        Where the line above with the same indent is followed by deeper lines, its `{` is missing.
        Otherwise the `}` is one too many.
        """
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
    """The layout of one text. It is computed on first use, because most mistakes do not need it."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _beginnings(self) -> list[int]:
        """The offsets at which a declaration begins in the first column."""
        found = _FIRST_COLUMN.finditer(self.text)
        return [match.start() for match in found if match.lastgroup == "beginning"]

    def is_beginning(self, start: int) -> bool:
        return self.text[start - 1 : start] in ("", "\n") and start in self._known

    @cached_property
    def _known(self) -> frozenset[int]:
        return frozenset(self._beginnings)

    def next_beginning(self, start: int) -> int:
        """Return the next offset after `start` at which a declaration begins; else the end of the
        text."""
        index = bisect_left(self._beginnings, start + 1)
        return self._beginnings[index] if index < len(self._beginnings) else len(self.text)

    def balance(self, begin: int, end: int) -> Counter[str]:
        """Return for each kind of bracket the number of opening minus the number of closing
        ones."""
        counts: Counter[str] = Counter()
        if end - begin <= REGION_MAX:
            for match in _BRACKET.finditer(self.text, begin, end):
                sign = match[1]
                if sign is not None:
                    counts[_OPENERS.get(sign, sign)] += -1 if sign in _OPENERS else 1
        return counts

    def brace_faults(self, begin: int, end: int) -> list[BraceFault]:
        """Return the faults of the braces of a declaration.

        There are none where the braces match in number, or where the indentation does not explain
        the difference.
        """
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
        # With more faults than the difference in number, the text is not indented by its braces.
        return scan.faults if weight == count and len(scan.faults) == abs(count) else []
