"""`export`: rows that are written outside, when and how."""

from cij.compiler import program as pg
from cij.compiler.declarations.body import Body, read_body
from cij.compiler.declarations.entering import schedule_of
from cij.compiler.declarations.explain_lines import Lines, heading
from cij.compiler.declarations.export_target import can_be_changes, target_of
from cij.compiler.export_kinds import EXPORT_KINDS
from cij.compiler.model import Model, place
from cij.compiler.naming import did_you_mean
from cij.compiler.pass_state import Build
from cij.compiler.unparse import schedule_words
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Edit, Fix

_SETTINGS = (
    *("segment", "fields", "measure", "by", "rows", "when"),
    *("kind", "path", "database", "table"),
)


def define(node: syntax.Declaration, build: Build) -> None:
    """Add the export to the model, or report what is wrong with it."""
    what = f"export `{node.name.text}`"
    schedules = [item for item in node.items if isinstance(item, syntax.Schedule)]
    others = [item for item in node.items if not isinstance(item, syntax.Schedule)]
    body = read_body(what, node.name.span, others, build.report, settings=_SETTINGS)
    content = _content(body, build)
    kind = body.choice("kind", [*EXPORT_KINDS]) if body.need("kind", "kind = csv") else None
    target = target_of(body, kind, node.name.text, build)
    rows, when = body.choice("rows", ["whole", "changes"]), body.choice("when", ["refresh"])
    every = _every(body, schedules, build)
    if content is None or kind is None or target is None:
        return
    if rows == "changes" and not can_be_changes(body, content, target, build):
        return
    written = {"rows": rows or "whole", "when": "calendar" if every else when, "every": every}
    build.model.exports[node.name.text] = pg.Export.model_validate(
        {"name": node.name.text, "kind": kind, "place": place(node.name.span)}
        | content
        | target
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
            if path.text == "id":
                message, hint = "`id` is always the first column", "remove `id` from `fields`"
            build.report(codes.UNKNOWN_NAME.at(path.span, message, help=hint))
    return None if unknown else tuple(dict.fromkeys(path.text for path in paths))


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
    yield f"To {export.target}, as {export.kind}."
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
