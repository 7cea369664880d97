"""Correct files with one or two tokens changed by chance, and what reading makes of them."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from lark import Token

from cij.grammar import syntax
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.parser import parse, parse_tree

ROOT = Path(__file__).parents[2]
FOLDERS = ("examples", "tests/fixtures/grammar")
# Two edits are independent when so many lines lie between them.
APART = 5


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace a stretch of a text."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """A correct file, with its tokens."""

    text: str
    tokens: tuple[Token, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What reading said of a changed text. `lines` are those that were edited."""

    text: str
    lines: tuple[int, ...]
    diagnostics: list[Diagnostic]
    is_usable: bool

    @property
    def is_found(self) -> bool:
        """Whether there is one diagnostic for each edit, at most a line away from it."""
        places = sorted(found.span.line for found in self.diagnostics)
        near = zip(places, sorted(self.lines), strict=False)
        return len(places) == len(self.lines) and all(abs(a - b) <= 1 for a, b in near)


def sources() -> list[Source]:
    """Return the examples and the correct fixtures."""
    paths = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.journey"))
    texts = [path.read_text("utf-8") for path in paths if ".cij" not in path.parts]
    return [source(text) for text in texts if not parse("a.journey", text)[1]]


def source(text: str) -> Source:
    node, diagnostics, reading = parse_tree("a.journey", text)
    assert reading is not None and not diagnostics, "a source is correct"
    return Source(text, tuple(reading.tokens), tuple(_names(node)))


def _names(node: syntax.File) -> Iterator[str]:
    for part in node.declarations:
        if isinstance(part, syntax.Use):
            yield part.module.text
        else:
            yield part.title.value if isinstance(part, syntax.Test) else part.name.text


def outcomes(found: list[Source], seed: int, count: int, edits: int = 1) -> list[Outcome]:
    """Return `count` readings of changed files that are no longer correct."""
    draw = random.Random(seed)
    pool = [str(token) for part in found for token in part.tokens]
    results: list[Outcome] = []
    while len(results) < count:
        outcome = _outcome(draw, draw.choice(found), pool, edits)
        if outcome is not None:
            results.append(outcome)
    return results


def _outcome(draw: random.Random, base: Source, pool: list[str], count: int) -> Outcome | None:
    """Change a file; None when one of the edits alone leaves it correct, or when two are near."""
    edits = sorted((_edit(draw, base, pool) for _ in range(count)), key=lambda edit: edit.start)
    lines = [base.text.count("\n", 0, edit.start) + 1 for edit in edits]
    is_near = any(below - above < APART for above, below in pairwise(lines))
    if is_near or any(not parse("a.journey", _changed(base.text, [edit]))[1] for edit in edits):
        return None
    text = _changed(base.text, edits)
    node, diagnostics = parse("a.journey", text)
    shifted = _shifted(lines, edits, base.text)
    return Outcome(text, tuple(shifted), diagnostics, _is_usable(node, base, edits))


def _edit(draw: random.Random, base: Source, pool: list[str]) -> Edit:
    index = draw.randrange(len(base.tokens) - 1)
    token, following = base.tokens[index : index + 2]
    start, end = token.start_pos or 0, token.end_pos or 0
    match draw.choice(["delete", "duplicate", "replace", "insert", "swap"]):
        case "delete":
            return Edit(start, end, "")
        case "duplicate":
            return Edit(end, end, f" {token}")
        case "replace":
            return Edit(start, end, draw.choice(pool))
        case "insert":
            return Edit(start, start, f"{draw.choice(pool)} ")
    between = base.text[end : following.start_pos]
    return Edit(start, following.end_pos or 0, f"{following}{between}{token}")


def _changed(text: str, edits: Iterable[Edit]) -> str:
    for edit in reversed(list(edits)):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _shifted(lines: list[int], edits: list[Edit], text: str) -> Iterator[int]:
    """Return the lines of the edits in the changed text."""
    more = 0
    for line, edit in zip(lines, edits, strict=True):
        yield line + more
        more += edit.text.count("\n") - text.count("\n", edit.start, edit.end)


def _is_usable(node: syntax.File, base: Source, edits: list[Edit]) -> bool:
    """Tell whether all declarations are there; an edit may have changed the name of one."""
    names, missing = list(_names(node)), 0
    for name in base.names:
        missing += name not in names
    return len(names) == len(base.names) and missing <= len(edits)
