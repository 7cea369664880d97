"""ANSI colours, only on a terminal."""

import os
from collections.abc import Callable
from typing import TextIO

Paint = Callable[[str, str], str]

_CODES = {"error": "1;31", "warning": "1;33", "gutter": "34", "bold": "1", "good": "32"}


def painter(stream: TextIO) -> Paint:
    """Return a function (style, text) that adds colour if `stream` supports it, else no colour."""
    return painted if wants_colour(stream) else plain


def wants_colour(stream: TextIO) -> bool:
    """Tell whether `stream` is a terminal, and neither NO_COLOR nor TERM=dumb is set."""
    is_refused = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return stream.isatty() and not is_refused


def plain(style: str, text: str) -> str:
    """Return `text` without colour."""
    return text


def painted(style: str, text: str) -> str:
    """Return `text` in ANSI colour."""
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if text else text
