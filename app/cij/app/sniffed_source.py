"""The declaration of a source, written from what its file holds."""

import re
from collections.abc import Iterator
from pathlib import Path

from cij.app.project import open_project
from cij.compiler.program import Source
from cij.compiler.source_kinds import SOURCE_KINDS, texts
from cij.grammar.format import format_text
from cij.grammar.reserved import FIELD
from cij.runtime.errors import ConfigError, DataError
from cij.runtime.sources.file_form import NOWHERE, FileForm, form_of
from cij.runtime.sources.loader import open_loader


def sniffed_source(
    path: str, project: Path, *, name: str | None = None, table: str | None = None
) -> tuple[FileForm, str]:
    """Return how a file is written, and the declaration that reads it.

    `path` is from the project folder, or from here if it leads into that folder. Raises: DataError;
    ConfigError where there is no project.
    """
    root = open_project(project).root
    with open_loader() as loader:
        try:
            form = form_of(loader, name or _name(path), _from_root(path, root), root, table)
        except DataError as error:
            # It is declared nowhere yet.
            raise DataError(str(error).replace(f" ({NOWHERE})", "")) from error
    return form, declaration(form)


def _from_root(path: str, root: Path) -> str:
    if (root / path).exists() or not Path(path).exists():
        return path
    try:
        return Path(path).resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        raise ConfigError(f"{path} is not in the project's folder {root}") from None


def _name(path: str) -> str:
    stem = re.sub(r"\W+", "_", Path(path).name.partition(".")[0]).strip("_").lower()
    parent = re.sub(r"\W+", "_", Path(path).parent.name).strip("_").lower()
    name = stem or parent or "source"
    return f"source_{name}" if name[0].isdigit() else name


def declaration(form: FileForm) -> str:
    """Return the text of the declaration, formatted, with what its author has to decide as comments."""
    text = "\n".join(_lines(form)) + "\n"
    return format_text("sniffed.journey", text).text or text


def _lines(form: FileForm) -> Iterator[str]:
    source, names = form.source, _names(form.source)
    yield from (f"# {_one_line(doubt)}" for doubt in form.doubts)
    yield f"source {_quoted(source.name)} {{"
    yield f"kind = {source.kind}"
    for setting in SOURCE_KINDS[source.kind].settings:
        if setting.word in source.settings:
            yield f"{setting.word} = {_value(source.settings[setting.word], setting.form)}"
    yield f"key = {_quoted(names[source.key])}"
    yield "columns {"
    yield from (f"{_quoted(names[c.name])} = {c.type}" for c in source.columns)
    yield "}"
    others = [(inner, outer) for outer, inner in names.items() if inner != outer]
    if others:
        yield "names {"
        yield from (f"{_quoted(inner)} = {_text(outer)}" for inner, outer in others)
        yield "}"
    yield "}"


def _names(source: Source) -> dict[str, str]:
    """Return the name inside the project of each column: without points, and none twice."""
    found: dict[str, str] = {}
    for column in source.columns:
        plain = re.sub(r"[^\w -]+", "_", column.name).strip("_ -") or "column"
        name = column.name if column.name == plain else plain.replace(" ", "_")
        taken = {other.casefold() for other in found.values()}
        while name.casefold() in taken:
            name += "_"
        found[column.name] = name
    return found


def _quoted(name: str) -> str:
    is_plain = re.fullmatch(r"[^\W\d]\w*", name) and name not in FIELD
    return name if is_plain else f"`{name}`"


def _value(value: str, form: str) -> str:
    if form == "flag":
        return value
    several = texts(value) if form == "texts" else (value,)
    written = [_text(text) for text in several]
    return written[0] if len(written) == 1 else f"[{', '.join(written)}]"


def _text(value: str) -> str:
    for sign, written in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t")):
        value = value.replace(sign, written)
    return f'"{value}"'


def _one_line(text: str) -> str:
    return " ".join(text.split())
