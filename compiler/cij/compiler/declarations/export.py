"""`export`: rows that are written to a file, when and how."""

from fnmatch import fnmatch

from cij.compiler import program as pg
from cij.compiler.declarations.body import Body, read_body
from cij.compiler.declarations.entering import schedule_of
from cij.compiler.declarations.explain_lines import Lines, heading
from cij.compiler.export_kinds import EXPORT_KINDS, fault_of_path
from cij.compiler.export_part import DATE, INSTANT
from cij.compiler.model import Model, place
from cij.compiler.naming import did_you_mean
from cij.compiler.pass_state import Build
from cij.compiler.unparse import schedule_words
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Edit, Fix, Label

_SETTINGS = ("segment", "fields", "measure", "by", "kind", "path", "rows", "when")


def define(node: syntax.Declaration, build: Build) -> None:
    """Add the export to the model, or report what is wrong with it."""
    what = f"export `{node.name.text}`"
    schedules = [item for item in node.items if isinstance(item, syntax.Schedule)]
    others = [item for item in node.items if not isinstance(item, syntax.Schedule)]
    body = read_body(what, node.name.span, others, build.report, settings=_SETTINGS)
    content = _content(body, build)
    kind = body.choice("kind", [*EXPORT_KINDS]) if body.need("kind", "kind = csv") else None
    path = _path(body, kind, node.name.text, build)
    rows, when = body.choice("rows", ["whole", "changes"]), body.choice("when", ["refresh"])
    every = _every(body, schedules, build)
    if content is None or kind is None or path is None:
        return
    if rows == "changes" and not _can_be_changes(body, content, path, build):
        return
    written = {"rows": rows or "whole", "when": "calendar" if every else when, "every": every}
    build.model.exports[node.name.text] = pg.Export.model_validate(
        {"name": node.name.text, "kind": kind, "path": path, "place": place(node.name.span)}
        | content
        | written
    )


# --- what -------------------------------------------------------------------------------------


def _content(body: Body, build: Build) -> dict[str, object] | None:
    """Return what is exported, as fields of `Export`; None where a part of it was reported."""
    if "segment" not in body.settings and "measure" not in body.settings:
        if not body.is_misspelt("segment") and not body.is_misspelt("measure"):
            message = f"{body.what} needs a segment or a measure"
            hint = "add `segment = regulars` and `fields = [email]`"
            build.report(codes.EXPORT_CONTENT.at(body.span, message, help=hint))
        return None
    other = "fields" if "measure" in body.settings else "by"
    if other in body.settings:
        message = f"an export of a {'measure' if other == 'fields' else 'segment'} has no `{other}`"
        span = body.settings[other].span
        fix = Fix(f"remove `{other}`", (Edit(span, ""),), is_safe=False)
        build.report(codes.EXPORT_CONTENT.at(span, message, help=fix.title, fixes=(fix,)))
        return None
    return _of_measure(body, build) if "measure" in body.settings else _of_segment(body, build)


def _of_segment(body: Body, build: Build) -> dict[str, object] | None:
    segment = _known(body, "segment", "segment", [*build.declared["segment"]], build)
    fields = _fields(body, build)
    return None if segment is None or fields is None else {"segment": segment, "fields": fields}


def _of_measure(body: Body, build: Build) -> dict[str, object] | None:
    measure = _known(body, "measure", "measure", [*build.declared["measure"]], build)
    is_grouped = body.need("by", "by = country") is not None
    by = _known(body, "by", "field", _customer_fields(build), build) if is_grouped else None
    segment = None
    if "segment" in body.settings:
        segment = _known(body, "segment", "segment", [*build.declared["segment"]], build)
        if segment is None:
            return None
    if measure is None or by is None or measure not in build.model.measures:
        return None
    return {"measure": measure, "by": by, "segment": segment}


def _customer_fields(build: Build) -> list[str]:
    profile = build.model.profile
    return [field.name for field in profile.fields] if profile is not None else []


def _known(body: Body, key: str, what: str, known: list[str], build: Build) -> str | None:
    name = body.name(key)
    if name is None or name in known:
        return name
    if name not in build.broken:
        message = f"there is no {what} `{name}`"
        span, hint = body.settings[key].value.span, did_you_mean(name, known)
        build.report(codes.UNKNOWN_NAME.at(span, message, help=hint))
    return None


def _fields(body: Body, build: Build) -> tuple[str, ...] | None:
    paths = body.names("fields")
    if paths is None:
        return None if "fields" in body.settings else ()
    known = [*_customer_fields(build), *build.declared["measure"]]
    unknown = [path for path in paths if path.text not in known]
    for path in unknown:
        if path.text not in build.broken:
            message, hint = f"there is no field `{path.text}`", did_you_mean(path.text, known)
            build.report(codes.UNKNOWN_NAME.at(path.span, message, help=hint))
    return None if unknown else tuple(dict.fromkeys(path.text for path in paths))


# --- where ------------------------------------------------------------------------------------


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
    stem = path.replace("\\", "/").rpartition("/")[2].partition(".")[0].strip("{}") or "rows"
    return f'for example "exports/{stem}{EXPORT_KINDS[kind].ending}"'


def _taken(path: str, build: Build) -> str | None:
    """An export must not replace what a source reads."""
    made = path.replace(DATE, "2026-01-01").replace(INSTANT, "20260101T000000Z")
    for source in build.model.sources.values():
        if fnmatch(made, source.settings.get("path", "").removeprefix("./")):
            return f"source `{source.name}` reads this file"
    return None


def _can_be_changes(body: Body, content: dict[str, object], path: str, build: Build) -> bool:
    span = body.settings["rows"].value.span
    if "measure" in content:
        message = "an export of a measure is always whole"
        fix = Fix("write `whole`", (Edit(span, "whole"),))
        build.report(codes.EXPORT_CHANGES.at(span, message, help=fix.title, fixes=(fix,)))
        return False
    if INSTANT in path:
        return True
    message = f"changes need a new file for each run, so the path needs `{INSTANT}`"
    stem, dot, ending = path.rpartition(".")
    better = f"{stem}-{INSTANT}{dot}{ending}"
    where = body.settings["path"].value.span
    fix = Fix(f'write "{better}"', (Edit(where, f'"{better}"'),))
    build.report(codes.EXPORT_CHANGES.at(where, message, help=fix.title, fixes=(fix,)))
    return False


# --- when -------------------------------------------------------------------------------------


def _every(body: Body, schedules: list[syntax.Schedule], build: Build) -> pg.Schedule | None:
    if not schedules:
        return None
    if len(schedules) > 1 or "when" in body.settings:
        message = f"{body.what} has two times: keep one calendar entry, or `when`"
        build.report(codes.DUPLICATE_NAME.at(schedules[-1].span, message))
    return schedule_of(schedules[0], build)


# --- explain ----------------------------------------------------------------------------------


def explain(export: pg.Export, source: Model) -> Lines:
    yield heading("export", export.name, export.place)
    if export.measure is None:
        fields = ", ".join(("id", *export.fields))
        yield f"The members of segment {export.segment}, with {fields}."
    else:
        within = f", for the members of segment {export.segment}" if export.segment else ""
        yield f"The figures of measure {export.measure} for each {export.by}{within}."
    yield f"To {export.path}, as {export.kind}."
    if export.rows == "changes":
        yield "Only what was added, removed or changed since the last run of it."
    yield _when(export)


def _when(export: pg.Export) -> str:
    if export.every is not None:
        return (
            f"{schedule_words(export.every).capitalize()}, and by `cij export run {export.name}`."
        )
    if export.when == "refresh":
        return f"After each refresh that changed something, and by `cij export run {export.name}`."
    return f"Only by `cij export run {export.name}`."
