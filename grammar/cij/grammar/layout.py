"""What the formatter knows of the language: where lines begin, and how tokens are written.

`format.py` makes the lines from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lark import Token

from cij.grammar import literal_values
from cij.grammar.expressions import ParseTree
from cij.grammar.grammar_text import alternatives

INDENT = "  "
# Rules whose first token begins a line.
_LINES = frozenset(
    [
        *alternatives("_top"),
        *alternatives("_header"),
        *alternatives("_statement"),
        "where",
        "except",
        "add",
        "stage",
        "block",
        "steps",
        "step",
        "on_arm",
        "when_arm",
        "case",
        "case_row",
        "share",
        "winner",
        "require_consent",
        "quiet",
        "at_most",
        "never_send",
        "on_cap_wait",
    ]
)
# In these rules `else` is one of several arms and begins a line. Elsewhere it follows a `}`.
_ARMS = frozenset({"wait_first", "switch"})
_LAST_ARMS = ("otherwise", "timeout")
# Each part of these conditions begins a line, so that a change of one part changes one line.
_CONDITIONS = frozenset({"where", "except"})
_TIGHT_BEFORE = frozenset({"COMMA", "RPAR", "RSQB", "COLON"})
_TIGHT_AFTER = frozenset({"LPAR", "LSQB"})
# Tokens of several words, which have exactly one space between them; below, those without any.
_SPACED = frozenset(
    [
        "DURATION",
        "MONEY",
        "DATETIME",
        "AND_STAY",
        "AT_ENTRY",
        "BEST_OF",
        "CONTAINS_ANY",
        "DOWN_FOR",
        "GO_TO",
        "IN_SEGMENT",
        "LAST_KNOWN",
        "NO_OTHER",
        "NOT_BETWEEN",
        "NOT_IN",
        "NOT_IN_SEGMENT",
        "STARTS_WITH",
        "STARTS_WITH_ANY",
        "UP_TO",
    ]
)
_UNSPACED = frozenset({"PERCENT", "TIME_RANGE"})


@dataclass(slots=True)
class Layout:
    """Offsets of tokens by their role in the layout.

    `top` and `lines` begin a declaration and a line.
    """

    top: set[int] = field(default_factory=set)
    lines: set[int] = field(default_factory=set)
    # Tokens of `lines` that stay on the line of the statement before them.
    joined: set[int] = field(default_factory=set)
    # Each `and` and `or` of a condition; those that always begin a line; each minus before its
    # operand.
    joints: set[int] = field(default_factory=set)
    fixed_joints: set[int] = field(default_factory=set)
    # Those of `joints` that are inside a case, which begins a line itself.
    inner_joints: set[int] = field(default_factory=set)
    signs: set[int] = field(default_factory=set)


def layout(tree: ParseTree) -> Layout:
    found = Layout(top={_start(part) for part in tree.children})
    for part in _walk(tree):
        _note(part, found)
    found.lines -= found.joined
    return found


def _walk(tree: ParseTree) -> Iterator[ParseTree]:
    """Yield all trees from the top down. There is no recursion, because a tree may be very deep."""
    left = [tree]
    while left:
        part = left.pop()
        yield part
        left.extend(child for child in part.children if isinstance(child, ParseTree))


def _note(tree: ParseTree, found: Layout) -> None:
    if tree.data in _LINES:
        found.lines.add(_start(tree))
    if tree.data == "body":
        # Behind `enter from segment` a calendar stays on the line.
        found.lines.update(map(_start, _children(tree, "schedule")))
    if tree.data in _ARMS:
        found.lines.update(_start(p) for rule in _LAST_ARMS for p in _children(tree, rule))
    if tree.data in _CONDITIONS:
        found.fixed_joints.update(_joints(tree.children[1]))
    if tree.data in ("and", "or"):
        found.joints.add(tree.children[1].start_pos)
    if tree.data == "cases":
        _note_cases(tree, found)
    if tree.data == "negative":
        found.signs.add(_start(tree))
    if tree.data == "test":
        _join_events(tree, found)


def _note_cases(tree: ParseTree, found: Layout) -> None:
    """Begin a line at each case behind the first, and at `else`; one case may stay on its line."""
    tokens = [part for part in tree.children if isinstance(part, Token)]
    _, *others = [t for t in tokens if t.type in ("FIRST_WHEN", "WHEN", "ELSE")]
    starts = {token.start_pos for token in others if token.start_pos is not None}
    found.joints |= starts
    found.fixed_joints |= starts if len(starts) > 1 else set()
    inside = (p for p in _walk(tree) if p.data in ("and", "or"))
    found.inner_joints.update(p.children[1].start_pos for p in inside)


def _join_events(tree: ParseTree, found: Layout) -> None:
    """Keep `after 2 days event …` on one line where it is written on one: two are two statements."""
    for before, part in zip(tree.children, tree.children[1:], strict=False):
        is_pair = isinstance(before, ParseTree) and before.data == "after"
        is_event = isinstance(part, ParseTree) and part.data == "happens"
        if is_pair and is_event and before.meta.end_line == part.meta.line:
            found.joined.add(_start(part))


def _joints(condition: object) -> Iterator[int]:
    left = [condition]
    while left:
        part = left.pop()
        if isinstance(part, ParseTree) and part.data in ("and", "or"):
            yield part.children[1].start_pos
            left += [part.children[0], part.children[2]]


def _children(tree: ParseTree, rule: str) -> list[ParseTree]:
    return [part for part in tree.children if isinstance(part, ParseTree) and part.data == rule]


def _start(tree: ParseTree) -> int:
    start: int = tree.meta.start_pos
    return start


def is_spaced(before: Token, after: Token, found: Layout) -> bool:
    """Tell whether a space belongs between two tokens of one line."""
    if after.type in _TIGHT_BEFORE or before.type in _TIGHT_AFTER:
        return False
    if after.type == "LPAR" and before.type in ("PATH", "NAME", "LAST_KNOWN"):
        return False
    if before.type == "LBRACE" and after.type == "RBRACE":
        return False
    return before.start_pos not in found.signs


def written(token: Token, indent: str) -> str:
    """Return the formatted text of a token in a line with this indent."""
    if token.type in _SPACED:
        return " ".join(token.split())
    if token.type in _UNSPACED:
        return "".join(token.split())
    if token.type == "TEXT" and literal_values.is_long(token):
        return _long_text(token, indent)
    return str(token)


def _long_text(raw: str, indent: str) -> str:
    """Move a long text to the indent of its line, if this does not change its value."""
    raw = raw.replace("\r\n", "\n")
    value = literal_values.dedented(raw)
    inner = indent + INDENT
    lines = [inner + line if line else "" for line in value.split("\n")] if value else []
    moved = "\n".join(['"""', *lines, indent + '"""'])
    is_movable = literal_values.dedented(moved) == value and not raw[3:].partition("\n")[0].strip()
    return moved if is_movable else raw
