"""Text in a drawing: what is safe to show, how wide it is, and where its lines break.

A renderer of text reorders what is beside right-to-left letters, so that `x > 5` can read `5 < x`. A
name may also hold characters that change how other text looks. Both are prevented here.
"""

import re
import unicodedata
from collections.abc import Iterator

_RTL = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
_RTL_RUN = re.compile(rf"[{_RTL}][\w{_RTL}]*(?:[ ]+[{_RTL}][\w{_RTL}]*)*")
_ISOLATE, _POP = "\u2068", "\u2069"
# They join letters of Persian and parts of one emoji, and change nothing else.
_JOINERS = "\u200c\u200d"

# Shares of the font size, for a common sans-serif type; a little wide, so that no text is cut.
_NARROW, _SLIM, _USUAL, _CAPITAL, _BROAD, _EAST_ASIAN = 0.30, 0.40, 0.58, 0.70, 0.90, 1.0
_SHARES = {
    **dict.fromkeys("ijl.,:;'|!` ", _NARROW),
    **dict.fromkeys('frtI()[]{}/\\-"*', _SLIM),
    **dict.fromkeys("mwMW@%", _BROAD),
    "…": _EAST_ASIAN,
}


def shown(text: str) -> str:
    """Return `text` in one line, without the characters that make it look like another one."""
    return "".join(_shown_char(char) for char in text)


def _shown_char(char: str) -> str:
    if char in "\n\t":
        return " "
    is_odd = unicodedata.category(char) in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")
    return "\N{REPLACEMENT CHARACTER}" if is_odd and char not in _JOINERS else char


def isolated(text: str) -> str:
    """Return `text` with marks around right-to-left words, so that what is beside them stays."""
    return _RTL_RUN.sub(lambda match: f"{_ISOLATE}{match[0]}{_POP}", text)


def width(text: str, size: float) -> float:
    """Return the width that `text` takes at a font size, as nearly as one can say without it."""
    return size * sum(_share(char) for char in text)


def _share(char: str) -> float:
    found = _SHARES.get(char)
    if found is not None:
        return found
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0.0
    if unicodedata.east_asian_width(char) in "WF":
        return _EAST_ASIAN
    return _CAPITAL if char.isupper() else _USUAL


def wrapped(text: str, size: float, width_max: float, lines_max: int) -> list[str]:
    """Return `text` in lines of at most this width; what does not fit ends in an ellipsis."""
    lines = list(_lines(shown(text), size, width_max))
    if len(lines) <= lines_max:
        return lines
    return [*lines[: lines_max - 1], _shortened(lines[lines_max - 1], size, width_max)]


def _shortened(line: str, size: float, width_max: float) -> str:
    while line and width(line + "…", size) > width_max:
        line = line[:-1]
    return line.rstrip() + "…"


def _lines(text: str, size: float, width_max: float) -> Iterator[str]:
    line = ""
    for piece in _pieces(text, size, width_max):
        if line and width((line + piece).rstrip(), size) > width_max:
            yield line.rstrip()
            line = ""
        line += piece
    yield line.rstrip()


def _pieces(text: str, size: float, width_max: float) -> Iterator[str]:
    """Yield the parts between which a line may break: words, or parts of what is too long."""
    for word in re.findall(r"\S+\s*|\s+", text):
        piece = ""
        for char in word:
            if piece and width(piece + char.rstrip(), size) > width_max:
                yield piece
                piece = ""
            piece += char
            if unicodedata.east_asian_width(char) in "WF":
                yield piece
                piece = ""
        yield piece
