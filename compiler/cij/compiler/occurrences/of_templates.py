"""The names that templates of messages print."""

from collections.abc import Iterator

from cij.compiler.declarations.message import file_of
from cij.compiler.occurrences.of_paths import meanings
from cij.compiler.occurrences.place_scope import Occurrence, Scope
from cij.compiler.placeholders import placeholders
from cij.compiler.text_places import in_file, inside_text
from cij.grammar import syntax
from cij.grammar.span import Span


def of_template(setting: syntax.Setting, scope: Scope) -> Iterator[Occurrence]:
    """Yield the names that a text of a message prints; its text may be in a file of its own."""
    text = _text(setting.value, scope)
    for placeholder in placeholders(text)[0] if text is not None else ():
        for node, index in meanings(placeholder.path, scope):
            start = placeholder.index + sum(len(each) + 1 for each in placeholder.path[:index])
            name = placeholder.path[index]
            span = _place(setting.value, text or "", start, len(name), scope)
            # Escapes before the name may shift it, and a wrong place would be worse than none.
            if scope.texts.at(span) == name:
                yield Occurrence(node, span)


def _text(value: syntax.Expression, scope: Scope) -> str | None:
    path = file_of(value)
    if path is not None:
        return scope.texts.by_file.get(path)
    return value.value if isinstance(value, syntax.Text) else None


def _place(value: syntax.Expression, text: str, start: int, length: int, scope: Scope) -> Span:
    path = file_of(value)
    if path is not None:
        return in_file(path, text, start, length)
    return inside_text(value.span, scope.texts.by_file[value.span.file], text, start, length)
