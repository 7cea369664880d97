"""Plain tables: a title, heads, and columns as wide as their widest cell."""

from collections.abc import Sequence

from cij.cli.render.width import char_width, shown


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return the table, every line indented below its title."""
    lines = [[shown(cell)[0] for cell in row] for row in (heads, *rows)]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    body = (f"  {_line(cells, widths)}\n" for cells in lines)
    return f"{shown(title)[0]}\n{''.join(body)}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)
    )
    return "  ".join(padded).rstrip()


def _width(text: str) -> int:
    return sum(map(char_width, text))
