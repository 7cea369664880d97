"""The width of text on a terminal, and a safe form of it."""

import unicodedata

TAB_STOP = 4
_INVISIBLE = ("Mn", "Me", "Cf")


def char_width(char: str) -> int:
    """Return the number of terminal cells of one character. Tabs are handled by `shown`."""
    if unicodedata.category(char) in _INVISIBLE:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def shown(text: str) -> tuple[str, list[int]]:
    """Return `text` as it is printed, and the cell at which each character starts.

    The list has one more entry than `text`: the cell after its end. Tabs become spaces. Control and
    bidirectional characters become a replacement character, because they can make a terminal show a
    different text from the one in the file.
    """
    cells, out, cell = [], [], 0
    for char in text:
        cells.append(cell)
        if char == "\t":
            char = " " * (TAB_STOP - cell % TAB_STOP)
            cell += len(char)
        else:
            char = "\N{REPLACEMENT CHARACTER}" if _is_unsafe(char) else char
            cell += char_width(char)
        out.append(char)
    return "".join(out), [*cells, cell]


def _is_unsafe(char: str) -> bool:
    is_bidi = "\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069"
    return is_bidi or unicodedata.category(char) == "Cc"
