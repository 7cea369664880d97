"""Diagnostics for editors, scripts and GitHub: one line for each, or JSON."""

import json
from collections.abc import Sequence
from typing import Any

from cij.cli.render.diagnostic_text import printable
from cij.grammar.diagnostic import Diagnostic, Fix, Suppressed
from cij.grammar.span import Span

JSON_VERSION = 1


def render_concise(diagnostics: Sequence[Diagnostic]) -> str:
    """Return a line `file:line:column: CODE message` for each, which editors can jump to."""
    return "".join(f"{d.span}: {d.code} {printable(d.message)}\n" for d in diagnostics)


def render_json(diagnostics: Sequence[Diagnostic], suppressed: Sequence[Suppressed] = ()) -> str:
    """Return one JSON object.

    Within one `version` keys are only added, never removed or changed.
    """
    errors = sum(d.is_error for d in diagnostics)
    content = {
        "version": JSON_VERSION,
        "diagnostics": [_as_json(d) for d in diagnostics],
        "suppressed": [{**_as_json(s.diagnostic), "reason": s.reason} for s in suppressed],
        "summary": {"errors": errors, "warnings": len(diagnostics) - errors},
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _as_json(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "slug": diagnostic.slug,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "place": _place(diagnostic.span),
        "label": diagnostic.label,
        "related": [{"place": _place(r.span), "text": r.text} for r in diagnostic.related],
        "notes": list(diagnostic.notes),
        "help": diagnostic.help,
        "fixes": [_fix(fix) for fix in diagnostic.fixes],
    }


def _fix(fix: Fix) -> dict[str, Any]:
    edits = [{"place": _place(edit.span), "text": edit.text} for edit in fix.edits]
    return {"title": fix.title, "is_safe": fix.is_safe, "edits": edits}


def _place(span: Span) -> dict[str, Any]:
    return {
        "file": span.file,
        "start": {"offset": span.start, "line": span.line, "column": span.column},
        "end": {"offset": span.end, "line": span.end_line, "column": span.end_column},
    }


def render_github(diagnostics: Sequence[Diagnostic]) -> str:
    """Return workflow commands, which GitHub shows as annotations of the changed lines."""
    return "".join(map(_annotation, diagnostics))


def _annotation(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    where = {"file": span.file, "line": str(span.line), "endLine": str(span.end_line)}
    if span.line == span.end_line:
        # GitHub accepts columns only within one line. Its end column is inclusive.
        end = max(span.end_column - 1, span.column)
        where |= {"col": str(span.column), "endColumn": str(end)}
    where["title"] = f"{diagnostic.code} {diagnostic.slug}"
    parameters = ",".join(f"{key}={_escaped_property(value)}" for key, value in where.items())
    text = "\n".join(filter(None, [diagnostic.message, diagnostic.help and _help(diagnostic.help)]))
    return f"::{diagnostic.severity.value} {parameters}::{_escaped(text)}\n"


def _help(text: str) -> str:
    return f"help: {text}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
