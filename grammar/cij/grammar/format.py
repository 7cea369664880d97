"""Formats a file. There is one format and no options.

The indent is two spaces. Each statement has its own line, nothing is aligned, and there is at most
one blank line. A change of the text changes few lines: each part of a segment's condition has its
own line.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lark import Token

from cij.grammar.diagnostic import Diagnostic
from cij.grammar.layout import INDENT, Layout, is_spaced, layout, written
from cij.grammar.parser import parse_tree

COLUMNS_MAX = 100


@dataclass(frozen=True, slots=True)
class Formatted:
    """The formatted text; the original text where `diagnostics` contain an error."""

    text: str
    diagnostics: list[Diagnostic]


def format_text(file: str, text: str) -> Formatted:
    """Format a file. A file with syntax errors is not changed."""
    node, diagnostics, reading = parse_tree(file, text)
    if reading is None or any(found.is_error for found in diagnostics):
        return Formatted(text, diagnostics)
    pieces = list(_pieces(text, reading.tokens))
    result = "".join(_write(pieces, layout(reading.tree)))
    # The result is parsed again, because a formatter must never change the meaning of a file.
    again, faults, reread = parse_tree(file, result)
    assert again == node and not faults, f"formatting {file} would change what it means"
    assert reread is not None
    kept = [str(piece.token) for piece in _pieces(result, reread.tokens) if piece.is_comment]
    comments = [str(piece.token) for piece in pieces if piece.is_comment]
    assert kept == comments, f"formatting {file} would change its comments"
    return Formatted(result, diagnostics)


# --- tokens and comments in order -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Piece:
    """A token or a comment, with the number of line ends before it."""

    token: Token
    newlines: int

    @property
    def is_comment(self) -> bool:
        return self.token.type == "COMMENT"

    @property
    def is_own_line(self) -> bool:
        return self.is_comment and self.newlines > 0

    @property
    def start(self) -> int:
        return self.token.start_pos or 0


def _pieces(text: str, tokens: list[Token]) -> Iterator[_Piece]:
    end, is_first = 0, True
    for token in [*tokens, Token("$END", "", start_pos=len(text))]:
        # The text between two tokens is only space and comments.
        newlines = int(is_first)
        for index, line in enumerate(text[end : token.start_pos].split("\n")):
            newlines += index > 0
            _, sign, comment = line.partition("#")
            if sign:
                yield _Piece(Token("COMMENT", "#" + comment.rstrip()), newlines)
                newlines = 0
        if token.type != "$END":
            yield _Piece(token, newlines)
        end, is_first = token.end_pos or end, False


# --- statements -------------------------------------------------------------------------------


@dataclass(slots=True)
class _Line:
    """One statement, or one comment between statements."""

    indent: str
    has_blank: bool
    is_top: bool
    pieces: list[_Piece] = field(default_factory=list)


def _write(pieces: list[_Piece], found: Layout) -> Iterator[str]:
    before: _Line | None = None
    for line in _lines(pieces, found):
        if before is not None and _is_apart(before, line):
            yield "\n"
        yield _statement(line, found)
        before = line


def _is_apart(before: _Line, line: _Line) -> bool:
    """Tell whether a blank line belongs between two lines."""
    last = _last_token(before)
    if last == "LBRACE" or line.pieces[0].token.type == "RBRACE":
        return False
    ends = last == "RBRACE" and not before.indent
    return line.has_blank or ends or _begins_declaration(before, line)


def _last_token(line: _Line) -> str:
    """Return the type of the last token; COMMENT for a line of comments."""
    types = [piece.token.type for piece in line.pieces if not piece.is_comment]
    return types[-1] if types else "COMMENT"


def _begins_declaration(before: _Line, line: _Line) -> bool:
    is_use = before.pieces[0].token.type == "USE" and line.pieces[0].token.type == "USE"
    return line.is_top and not before.pieces[0].is_comment and not is_use


def _lines(pieces: list[_Piece], found: Layout) -> list[_Line]:
    """Split the pieces into lines. The depth of braces decides the indent."""
    lines: list[_Line] = []
    depth = 0
    for piece, begins in zip(pieces, _beginnings(pieces, found), strict=True):
        depth -= piece.token.type == "RBRACE"
        if begins or not lines:
            is_top = not piece.is_comment and piece.start in found.top
            lines.append(_Line(INDENT * depth, piece.newlines > 1, is_top))
        lines[-1].pieces.append(piece)
        depth += piece.token.type == "LBRACE"
    return lines


def _beginnings(pieces: list[_Piece], found: Layout) -> list[bool]:
    """Return for each piece whether it begins a line.

    A comment on its own line begins one if the next token does. Otherwise it is inside a statement.
    So the pieces are visited from the last to the first.
    """
    begins: list[bool] = []
    is_next = True
    for index in range(len(pieces) - 1, -1, -1):
        piece, before = pieces[index], pieces[index - 1] if index else None
        if piece.is_comment:
            begins.append(is_next and piece.is_own_line)
            continue
        is_empty_block = before is not None and before.token.type == "LBRACE"
        is_closing = piece.token.type == "RBRACE" and not is_empty_block
        is_next = piece.start in found.lines or is_closing
        begins.append(is_next)
    return begins[::-1]


# --- one statement ----------------------------------------------------------------------------

Breaks = dict[int, int]


def _statement(line: _Line, found: Layout) -> str:
    """Write a statement on one line, or on several where it is long or has comments inside.

    The breaks are tried in order: none, at `and`, `or` and cases, and around the items of lists.
    """
    pieces = _without_last_commas(line.pieces)
    # Commas before `]` are removed first, so that the result does not depend on the author's
    # breaks.
    rows = _rows(line.indent, pieces, _joints(pieces, found.fixed_joints, found), found)
    if _is_long(rows):
        rows = _rows(line.indent, pieces, _joints(pieces, found.joints, found), found)
    if _is_long(rows):
        pieces = _with_last_commas(pieces)
        breaks = _list_breaks(pieces, _joints(pieces, found.joints, found))
        rows = _rows(line.indent, pieces, breaks, found)
    return "".join(f"{text}\n" for text, _ in rows)


def _is_long(rows: list[tuple[str, int]]) -> bool:
    return any(width > COLUMNS_MAX for _, width in rows)


def _rows(
    indent: str, pieces: list[_Piece], breaks: Breaks, found: Layout
) -> list[tuple[str, int]]:
    """Return the lines of a statement, each with its width without comments and long texts.

    `breaks` maps the pieces that begin a line to their depth below the statement.
    """
    rows: list[tuple[str, int]] = []
    text, width, level = indent, 0, 0
    for index, piece in enumerate(pieces):
        before = pieces[index - 1] if index else None
        if before is not None and (index in breaks or before.is_comment or piece.is_own_line):
            is_arm = piece.token.type in ("ELSE", "TIMEOUT")
            level = breaks.get(index, 0 if is_arm else level or 1)
            rows.append((text, width))
            text = indent + INDENT * level
        elif before is not None and is_spaced(before.token, piece.token, found):
            text += " "
        text += written(piece.token, indent + INDENT * level)
        width = width if piece.is_comment else len(text.split("\n", 1)[0])
    return [*rows, (text, width)]


def _joints(pieces: list[_Piece], offsets: set[int], found: Layout) -> Breaks:
    """Return the breaks at each `and`, `or` and case outside of brackets."""
    return {
        index: 2 if piece.start in found.inner_joints else 1
        for index, (piece, brackets) in enumerate(zip(pieces, _brackets(pieces), strict=True))
        if not piece.is_comment and piece.start in offsets and not brackets
    }


def _list_breaks(pieces: list[_Piece], joints: Breaks) -> Breaks:
    """Return the breaks with those around each item of the outermost lists."""
    breaks = dict(joints)
    level = 0
    for index, brackets in enumerate(_brackets(pieces)):
        kind = pieces[index].token.type
        level = joints.get(index, level)
        if brackets == "[" and kind in ("LSQB", "COMMA") and not _is_closing(pieces, index + 1):
            breaks[_past_comments(pieces, index + 1)] = level + 1
        if kind == "RSQB" and not brackets and pieces[index - 1].token.type != "LSQB":
            breaks[index] = level
    return breaks


def _brackets(pieces: list[_Piece]) -> list[str]:
    """Return the open brackets after each piece, such as `[(`."""
    found, brackets = [], ""
    for piece in pieces:
        if piece.token.type in ("LSQB", "LPAR"):
            brackets += str(piece.token)
        if piece.token.type in ("RSQB", "RPAR"):
            brackets = brackets[:-1]
        found.append(brackets)
    return found


def _past_comments(pieces: list[_Piece], index: int) -> int:
    while pieces[index].is_comment:
        index += 1
    return index


def _is_closing(pieces: list[_Piece], index: int) -> bool:
    return pieces[_past_comments(pieces, index)].token.type == "RSQB"


def _without_last_commas(pieces: list[_Piece]) -> list[_Piece]:
    """Remove each comma directly before a `]`. A list on several lines gets it back."""
    return [
        piece
        for index, piece in enumerate(pieces)
        if piece.token.type != "COMMA" or not _is_closing(pieces, index + 1)
    ]


def _with_last_commas(pieces: list[_Piece]) -> list[_Piece]:
    result: list[_Piece] = []
    for piece, brackets in zip(pieces, _brackets(pieces), strict=True):
        if piece.token.type == "RSQB" and not brackets and result[-1].token.type != "LSQB":
            place = max(i for i, before in enumerate(result) if not before.is_comment) + 1
            result.insert(place, _Piece(Token("COMMA", ",", start_pos=-1), 0))
        result.append(piece)
    return result
