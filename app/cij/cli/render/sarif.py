"""Diagnostics as SARIF 2.1.0, which code scanning services read."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from cij.grammar.codes import CODES
from cij.grammar.diagnostic import Diagnostic, Edit, Fix, Suppressed
from cij.grammar.span import Span

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render_sarif(
    diagnostics: Sequence[Diagnostic], version: str, suppressed: Sequence[Suppressed] = ()
) -> str:
    """Return one SARIF log with one run. `version` is the version of cij."""
    codes = sorted({d.code for d in (*diagnostics, *(s.diagnostic for s in suppressed))})
    driver = {"name": "cij", "version": version, "rules": [_rule(code) for code in codes]}
    results = [_result(d, codes.index(d.code)) for d in diagnostics]
    for allowed in suppressed:
        result = _result(allowed.diagnostic, codes.index(allowed.diagnostic.code))
        excuse = {"kind": "inSource", "justification": allowed.reason}
        results.append({**result, "suppressions": [excuse]})
    # Columns count code points here. Without `columnKind`, readers assume UTF-16 units.
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=2) + "\n"


def _rule(code: str) -> dict[str, Any]:
    row = CODES[code]
    return {
        "id": code,
        "name": row.slug,
        "shortDescription": {"text": row.summary},
        "defaultConfiguration": {"level": row.severity.value},
    }


def _result(diagnostic: Diagnostic, rule_index: int) -> dict[str, Any]:
    texts = [diagnostic.message, *diagnostic.notes, diagnostic.help or ""]
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule_index,
        "level": diagnostic.severity.value,
        "message": {"text": "\n".join(filter(None, texts))},
        "locations": [_location(diagnostic.span)],
    }
    if diagnostic.related:
        result["relatedLocations"] = [_location(r.span, r.text) for r in diagnostic.related]
    if diagnostic.fixes:
        result["fixes"] = [_fix(fix) for fix in diagnostic.fixes]
    return result


def _location(span: Span, text: str = "") -> dict[str, Any]:
    physical = {"artifactLocation": _artifact(span), "region": _region(span)}
    location: dict[str, Any] = {"physicalLocation": physical}
    return location | {"message": {"text": text}} if text else location


def _artifact(span: Span) -> dict[str, str]:
    return {"uri": quote(span.file), "uriBaseId": "%SRCROOT%"}


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    changes = [_change(edit) for edit in fix.edits]
    return {"description": {"text": fix.title}, "artifactChanges": changes}


def _change(edit: Edit) -> dict[str, Any]:
    replacement = {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
    return {"artifactLocation": _artifact(edit.span), "replacements": [replacement]}
