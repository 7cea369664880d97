"""Mistakes as the editor shows them, and their fixes."""

from collections.abc import Iterator, Mapping

from lsprotocol import types

from cij.app.open_texts import View
from cij.grammar.diagnostic import Diagnostic, Fix
from cij.lsp.documents import uri_of
from cij.lsp.positions import range_of

_SEVERITY = {True: types.DiagnosticSeverity.Error, False: types.DiagnosticSeverity.Warning}


def diagnostics_of(view: View) -> dict[str, list[types.Diagnostic]]:
    """Return the mistakes of a project by file name; a file without mistakes has an empty list."""
    found: dict[str, list[types.Diagnostic]] = {name: [] for name in view.compiled.texts}
    for each in view.compiled.diagnostics:
        found.setdefault(each.span.file, []).append(_shown(each, view))
    return found


def _shown(each: Diagnostic, view: View) -> types.Diagnostic:
    return types.Diagnostic(
        range=range_of(each.span, view.text(each.span.file)),
        message=_message(each),
        severity=_SEVERITY[each.is_error],
        code=each.code,
        source="cij",
        related_information=[
            types.DiagnosticRelatedInformation(
                types.Location(
                    uri_of(view.root / label.span.file),
                    range_of(label.span, view.text(label.span.file)),
                ),
                label.text,
            )
            for label in each.related
        ],
    )


def _message(each: Diagnostic) -> str:
    parts = [each.message, *each.notes]
    return "\n".join([*parts, f"help: {each.help}"] if each.help else parts)


def actions(view: View, file: str, asked: types.Range) -> Iterator[types.CodeAction]:
    """Yield the fixes of the mistakes that touch a range of a file."""
    for each in view.compiled.diagnostics:
        place = range_of(each.span, view.text(each.span.file))
        if each.span.file == file and place.start <= asked.end and asked.start <= place.end:
            for fix in each.fixes:
                yield types.CodeAction(
                    title=fix.title,
                    kind=types.CodeActionKind.QuickFix,
                    diagnostics=[_shown(each, view)],
                    is_preferred=fix.is_safe,
                    edit=types.WorkspaceEdit(changes=_edits(fix, view)),
                )


def _edits(fix: Fix, view: View) -> Mapping[str, list[types.TextEdit]]:
    found: dict[str, list[types.TextEdit]] = {}
    for edit in fix.edits:
        name = edit.span.file
        change = types.TextEdit(range_of(edit.span, view.text(name)), edit.text)
        found.setdefault(uri_of(view.root / name), []).append(change)
    return found
