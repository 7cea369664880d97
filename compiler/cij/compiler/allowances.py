"""Comments that allow a warning: `# cij: allow CIJ605 because the code is for later`.

A comment on a line of its own is about the next statement, one behind a statement about that one.
Errors are never allowed, the reason is never left out, and a comment that allows nothing is
reported: so none outlives its warning.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from cij.compiler.naming import near_hint
from cij.grammar import codes
from cij.grammar.codes import CODES
from cij.grammar.diagnostic import Diagnostic, Edit, Fix, Suppressed
from cij.grammar.layout import layout
from cij.grammar.parser import parse_tree
from cij.grammar.span import Span

_MARK = re.compile(r"#[ \t]*cij:[^\n]*")
_FORM = re.compile(r"#[ \t]*cij:[ \t]*allow[ \t]+(\w+(?:[ \t]*,[ \t]*\w+)*)(.*)")
_REASON = re.compile(r"[ \t]+because[ \t]+(\S.*)")
_SHAPE = "write `# cij: allow CODE because REASON`"


class _Comment(NamedTuple):
    """A comment for `cij`; `start` and `end` are those of the statement that it is about."""

    span: Span
    text: str
    start: int
    end: int
    is_own_line: bool


class _Allowance(NamedTuple):
    """A comment in good form, for one of its codes."""

    comment: _Comment
    code: str
    reason: str


def allow(
    texts: Mapping[str, str], diagnostics: Sequence[Diagnostic]
) -> tuple[list[Diagnostic], list[Suppressed]]:
    """Return what is left to report, with the mistakes of the comments, and what is allowed."""
    faults: list[Diagnostic] = []
    allowances: list[_Allowance] = []
    for file in sorted(texts):
        for comment in _comments(file, texts[file]):
            allowances += _read(comment, faults)
    allowed = {a: [d for d in diagnostics if _fits(a, d)] for a in allowances}
    # Beside an error not every warning is looked for.
    if not any(d.is_error for d in diagnostics):
        faults += [_unused(a, texts) for a, found in allowed.items() if not found]
    reasons = {id(d): a.reason for a, found in allowed.items() for d in found}
    kept = [d for d in diagnostics if id(d) not in reasons]
    gone = [Suppressed(d, reasons[id(d)]) for d in diagnostics if id(d) in reasons]
    return kept + faults, gone


def _fits(allowance: _Allowance, diagnostic: Diagnostic) -> bool:
    comment, span = allowance.comment, diagnostic.span
    is_there = span.file == comment.span.file and comment.start <= span.start < comment.end
    return is_there and diagnostic.code == allowance.code and not diagnostic.is_error


# --- where the comments are -------------------------------------------------------------------


def _comments(file: str, text: str) -> Iterator[_Comment]:
    if not _MARK.search(text):
        return
    _, _, reading = parse_tree(file, text)
    if reading is None:
        return
    # Only between tokens is a `#` a comment.
    ends = [0, *(token.end_pos or 0 for token in reading.tokens)]
    starts = [*(token.start_pos or 0 for token in reading.tokens), len(text)]
    lines = sorted(layout(reading.tree).lines)
    for end, start in zip(ends, starts, strict=True):
        for match in _MARK.finditer(text, end, start) if start > end else ():
            if "#" not in text[max(text.rfind("\n", 0, match.start()) + 1, end) : match.start()]:
                yield _comment(file, text, match, start, lines)


def _comment(
    file: str, text: str, match: re.Match[str], next_token: int, lines: Sequence[int]
) -> _Comment:
    words = match[0].rstrip()
    start, line = match.start(), text.count("\n", 0, match.start()) + 1
    column = start - text.rfind("\n", 0, start)
    end_column = column + len(words)
    span = Span(file, start, start + len(words), line, column, line, end_column)
    is_own_line = not text[start - column + 1 : start].strip()
    first, last = _statement(text, next_token if is_own_line else start, lines)
    return _Comment(span, words, first, last, is_own_line)


def _statement(text: str, inside: int, lines: Sequence[int]) -> tuple[int, int]:
    """Return the start and end of the statement at an offset; a brace that closes is none."""
    if text[inside : inside + 1] in ("", "}"):
        return inside, inside
    first = max((at for at in lines if at <= inside), default=0)
    return first, min((at for at in lines if at > inside), default=len(text))


# --- what they say ----------------------------------------------------------------------------


def _read(comment: _Comment, faults: list[Diagnostic]) -> Iterator[_Allowance]:
    form = _FORM.fullmatch(comment.text)
    reason = _REASON.fullmatch(form[2]) if form else None
    if form is None or reason is None:
        what = "is not a comment that cij knows" if form is None else "does not say why"
        message = f"this comment {what}"
        faults.append(codes.BAD_SUPPRESSION.at(comment.span, message, help=_SHAPE))
        return
    for code in re.findall(r"\w+", form[1]):
        fault = _fault(code, comment.span)
        if fault is None:
            yield _Allowance(comment, code, reason[1])
        else:
            faults.append(fault)


def _fault(code: str, span: Span) -> Diagnostic | None:
    row = CODES.get(code)
    if row is None:
        help = near_hint(code, CODES)
        return codes.UNKNOWN_SUPPRESSION.at(span, f"there is no code `{code}`", help=help)
    # The severity of a diagnostic is that of its code.
    if row.severity.value == "error":
        message = f"`{code}` is an error, and only warnings can be allowed"
        return codes.ERROR_SUPPRESSION.at(span, message, help="mend the error")
    return None


def _unused(allowance: _Allowance, texts: Mapping[str, str]) -> Diagnostic:
    comment = allowance.comment
    message = f"there is no warning `{allowance.code}` here to allow"
    fix = Fix("remove the comment", (Edit(_removed(comment, texts[comment.span.file]), ""),))
    # With several codes the others may be needed.
    fixes = [fix] if "," not in comment.text.split("because")[0] else []
    help = "remove the comment, or put it on the line above the warning"
    return codes.UNUSED_SUPPRESSION.at(comment.span, message, help=help, fixes=fixes)


def _removed(comment: _Comment, text: str) -> Span:
    """Return the place of a comment with the space before it, or with its whole line."""
    span = comment.span
    start = len(text[: span.start].rstrip(" \t"))
    first = Span(span.file, start, start, span.line, 1, span.line, 1)
    if not comment.is_own_line or "\n" not in text[span.end :]:
        column = span.column - (span.start - start)
        return Span(span.file, start, span.end, span.line, column, span.line, span.end_column)
    end = text.index("\n", span.end) + 1
    return first.to(Span(span.file, end, end, span.line + 1, 1, span.line + 1, 1))
