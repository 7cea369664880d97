"""Plain tables: a title, heads, and columns as wide as their widest cell.

This is not a library, because the one that was used before took 65 to 100 ms to load. That is more
than everything else that an idle `cij run` needs.
"""

from collections.abc import Iterable, Sequence

from cij.cli.render.width import char_width, shown


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table with its lines indented below the title.

    Columns of whole numbers are right-aligned.
    """
    body = [[_text(cell) for cell in row] for row in rows]
    lines = [[shown(head)[0] for head in heads], *body]
    columns = list(zip(*lines, strict=True))
    widths = [max(map(_width, column)) for column in columns]
    is_right = [_is_of_numbers(column[1:]) for column in columns]
    texts = (f"  {_line(cells, widths, is_right)}\n" for cells in lines)
    return f"{shown(title)[0]}\n{''.join(texts)}"


def tables(*made: str) -> str:
    """Return tables with an empty line between them, without those that have no rows."""
    return "\n".join(text for text in made if text.count("\n") > 2)


def _text(cell: object) -> str:
    return "" if cell is None else shown(str(cell))[0]


def _is_of_numbers(cells: Sequence[str]) -> bool:
    written = [cell for cell in cells if cell]
    return bool(written) and all(cell.isdigit() for cell in written)


def _line(cells: Sequence[str], widths: Sequence[int], is_right: Sequence[bool]) -> str:
    padded = map(_padded, cells, widths, is_right)
    return "  ".join(padded).rstrip()


def _padded(cell: str, width: int, is_right: bool) -> str:
    blanks = " " * (width - _width(cell))
    return blanks + cell if is_right else cell + blanks


def _width(text: str) -> int:
    return sum(map(char_width, text))
