"""Finds characters that make a reviewer see a different text from the one that `cij` reads.

Characters that change the direction of writing can show code as a comment and a comment as code.
They are refused everywhere, also in comments and texts. Direction marks for single words are
allowed in texts, since Arabic and Hebrew need them. A name must have no invisible character,
because it would look like another.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice

from lark import Token

from cij.grammar.codes import HIDDEN_CHARACTER
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.span import Span

# Embeddings, overrides and isolates of the bidirectional algorithm.
_TURNS = "\u202a-\u202e\u2066-\u2069"
_INVISIBLE = (
    "\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028\u2029\u2060-\u2065\u206a-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff"
)
_HIDDEN = re.compile(f"[{_TURNS}{_INVISIBLE}]")
_TURN = re.compile(f"[{_TURNS}]")
_HELP_TURN = 'delete it; put a message in such a script into its own file: `file("…")`'
_HELP_NAME = "delete it, or type the name again"


def hidden(file: str, text: str, tokens: Iterable[Token], count_max: int) -> list[Diagnostic]:
    """Return a diagnostic for each such character, at most `count_max`."""
    # Nearly all files end here, after one search.
    if not _HIDDEN.search(text):
        return []
    # The grammar allows letters and marks in plain names. Some of them are invisible, such as U+3164.
    names = [token for token in tokens if "`" in token or _HIDDEN.search(token)]
    starts = [token.start_pos or 0 for token in names]

    def found() -> Iterator[Diagnostic]:
        for match in _HIDDEN.finditer(text):
            at = bisect_right(starts, match.start()) - 1
            is_name = at >= 0 and match.start() < (names[at].end_pos or 0)
            if _TURN.match(match[0]) or (is_name and names[at].type != "TEXT"):
                yield _fault(file, text, match.start())

    return list(islice(found(), count_max))


def _fault(file: str, text: str, at: int) -> Diagnostic:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    span = Span(file, at, at + 1, line, column, line, column + 1)
    code = f"U+{ord(text[at]):04X}"
    if _TURN.match(text[at]):
        message = f"the character {code} changes the direction of the text"
        return HIDDEN_CHARACTER.at(span, message, help=_HELP_TURN)
    message = f"the character {code} is invisible, and this is a name"
    return HIDDEN_CHARACTER.at(span, message, help=_HELP_NAME)
