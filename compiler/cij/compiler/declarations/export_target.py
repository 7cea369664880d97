"""Where an `export` writes: a file of the project, or a table of a database."""

import re
from collections.abc import Mapping
from fnmatch import fnmatch

from cij.compiler.declarations.body import Body
from cij.compiler.declarations.outside_value import written_or_named
from cij.compiler.export_kinds import EXPORT_KINDS, fault_of_path, fault_of_table
from cij.compiler.export_part import DATE, INSTANT
from cij.compiler.pass_state import Build
from cij.grammar import codes
from cij.grammar.diagnostic import Edit, Fix, Label

_IN_BRACES = re.compile(r"\{[^{}]*\}?|\}")
_OF_TABLES, _OF_FILES = ("database", "table"), ("path",)


def target_of(body: Body, kind: str | None, name: str, build: Build) -> dict[str, str] | None:
    """Return where an export writes, as fields of `Export`; None where a part of it was reported."""
    if kind is None:
        return None
    is_table = EXPORT_KINDS[kind].ending is None
    for word in _OF_FILES if is_table else _OF_TABLES:
        if word in body.settings:
            message = f"an export of kind `{kind}` has no setting `{word}`"
            build.report(codes.UNKNOWN_SETTING.at(body.settings[word].key.span, message))
            return None
    if is_table:
        return _table(body, name, build)
    path = _path(body, kind, name, build)
    return None if path is None else {"path": path}


def _table(body: Body, name: str, build: Build) -> dict[str, str] | None:
    is_whole = body.need("database", 'database = env("WAREHOUSE")') is not None
    is_whole = body.need("table", f'table = "{name}"') is not None and is_whole
    if not is_whole:
        return None
    database, table = written_or_named(body, "database"), body.text("table")
    if database is None or table is None:
        return None
    if not database.startswith("env:"):
        body.wrong(body.settings["database"], 'a variable of the environment: env("WAREHOUSE")')
        return None
    fault = fault_of_table(table)
    related = []
    for twin in build.model.exports.values():
        if (twin.database, twin.table) == (database, table):
            fault = f"export `{twin.name}` writes to the same table"
            related = [Label(build.declared["export"][twin.name].name.span, "the other export")]
    if fault is not None:
        span = body.settings["table"].value.span
        build.report(codes.EXPORT_TABLE.at(span, fault, related=related))
        return None
    return {"database": database, "table": table}


def _path(body: Body, kind: str | None, name: str, build: Build) -> str | None:
    setting = body.need("path", f'path = "exports/{name}.csv"')
    path = body.text("path")
    if setting is None or path is None or kind is None:
        return None
    fault = fault_of_path(path, kind) or _taken(path, build)
    if fault is not None:
        build.report(codes.EXPORT_PATH.at(setting.value.span, fault, help=_better(path, kind)))
        return None
    twin = next((e for e in build.model.exports.values() if e.path == path), None)
    if twin is not None:
        related = [Label(build.declared["export"][twin.name].name.span, "the other export")]
        message = f"export `{twin.name}` writes to the same file"
        build.report(codes.EXPORT_PATH.at(setting.value.span, message, related=related))
        return None
    return path


def _better(path: str, kind: str) -> str:
    stem = path.replace("\\", "/").rpartition("/")[2].partition(".")[0] or "rows"
    known = _IN_BRACES.sub(lambda found: found[0] if found[0] in (DATE, INSTANT) else DATE, stem)
    return f'for example "exports/{known}{EXPORT_KINDS[kind].ending}"'


def _taken(path: str, build: Build) -> str | None:
    """An export must not replace what a source reads."""
    made = path.replace(DATE, "2026-01-01").replace(INSTANT, "20260101T000000Z")
    for source in build.model.sources.values():
        if fnmatch(made, source.settings.get("path", "").removeprefix("./")):
            return f"source `{source.name}` reads this file"
    return None


def can_be_changes(
    body: Body, content: Mapping[str, object], target: Mapping[str, str], build: Build
) -> bool:
    """Tell whether an export can write changes alone, or report why not."""
    span = body.settings["rows"].value.span
    if "measure" in content or "table" in target:
        message = (
            "an export of a measure is always whole"
            if "measure" in content
            else "a table always has all rows"
        )
        fix = Fix("write `whole`", (Edit(span, "whole"),))
        build.report(codes.EXPORT_CHANGES.at(span, message, help=fix.title, fixes=(fix,)))
        return False
    path = target["path"]
    if INSTANT in path:
        return True
    message = f"changes need a new file for each run, so the path needs `{INSTANT}`"
    stem, dot, ending = path.rpartition(".")
    better = f"{stem}-{INSTANT}{dot}{ending}"
    where = body.settings["path"].value.span
    fix = Fix(f'write "{better}"', (Edit(where, f'"{better}"'),))
    build.report(codes.EXPORT_CHANGES.at(where, message, help=fix.title, fixes=(fix,)))
    return False
