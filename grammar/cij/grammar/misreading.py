"""Finds text that the grammar accepts with a meaning that no author intends.

`null` would be a field, and a date with slashes would be a division. Every file is searched for
these, so this module is separate from `mistakes`, which is loaded only after a mistake.
"""

import re
from collections.abc import Iterable

from lark import Token

from cij.grammar.codes import UNEXPECTED_TEXT
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.span import Span

DATES = "dates are written `2026-12-31`"
_NULLS = ("null", "NULL", "Null", "None", "nil", "undefined")
_DIVISION = re.compile(r"/[0-9]")
_MISREAD = re.compile(
    rf"(?<![\w.`])(?:(?P<null>{'|'.join(_NULLS)})(?![\w.`(])"
    r"|(?P<date>[0-3]?\d/[01]?\d/\d{4}|\d{4}/[01]?\d/[0-3]?\d)(?![\d/]))"
)
_TOLD = {
    "null": ("there is no `{}`", "write `x is unknown` for a missing value"),
    "date": ("`{}` is a division", DATES),
}


def misread(file: str, text: str, tokens: Iterable[Token]) -> list[Diagnostic]:
    # Most texts have none of these signs, and this search is much cheaper than the expression.
    if not any(word in text for word in _NULLS) and not _DIVISION.search(text):
        return []
    starts = {token.start_pos: token for token in tokens if token.type in ("PATH", "INT")}
    matches = ((starts.get(match.start()), match) for match in _MISREAD.finditer(text))
    return [_misread(file, token, match) for token, match in matches if token is not None]


def _misread(file: str, token: Token, match: re.Match[str]) -> Diagnostic:
    message, help = _TOLD[match.lastgroup or ""]
    line, column, size = token.line or 1, token.column or 1, len(match[0])
    span = Span(file, match.start(), match.end(), line, column, line, column + size)
    return UNEXPECTED_TEXT.at(span, message.format(match[0]), help=help)
