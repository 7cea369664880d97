"""`source`: a table from outside."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal, cast

from cij.compiler import program as pg
from cij.compiler.build import Build
from cij.compiler.declarations.body import Body, read_body
from cij.compiler.declarations.written_type import type_of
from cij.compiler.environments import source_environment
from cij.compiler.model import Model, ProjectSettings, place
from cij.compiler.naming import column_mark, did_you_mean, near_hint
from cij.compiler.seen import Seen
from cij.compiler.typecheck import check_condition
from cij.compiler.typecheck.check import all_of
from cij.compiler.types import NAMED
from cij.grammar import codes, syntax

# What each kind needs and may have, besides what every source has.
_KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "csv": (("path",), ("delimiter", "quote", "encoding", "null", "date_format")),
    "sqlite": (("path", "table"), ("null", "date_format")),
}
_LATER_KINDS = ("json", "jsonl", "parquet", "postgres", "delta", "dbt", "api", "cloud")
_COMMON = ("kind", "key", "tolerate", "timezone", "personal")


def define(node: syntax.Declaration, build: Build) -> None:
    """Add the source to the model, or report what is wrong with it."""
    kind = _kind(node, build)
    if kind is None:
        return
    needed, optional = _KINDS[kind]
    body = read_body(
        f"source `{node.name.text}`",
        node.name.span,
        node.items,
        build.report,
        settings=(*_COMMON, *needed, *optional),
        blocks=("columns",),
        clauses=(syntax.Where,),
        later=("refresh", "derive"),
    )
    own = {k: _plain(body, k) for k in (*needed, *optional) if k in body.settings}
    missing = [k for k in needed if body.need(k, f'{k} = "…"') is None]
    _check_signs(body, own)
    _check_date_format(body, own)
    zone, tolerate = body.zone("timezone", build.is_zone), _tolerate(body)
    key = body.name("key") if body.need("key", "key = COLUMN") else None
    columns = _columns(node, body, build)
    if missing or key is None or columns is None or None in own.values():
        return
    if column_mark(node.name.text, key) in build.broken:
        return
    if key not in {c.name for c in columns}:
        hint = did_you_mean(key, [c.name for c in columns])
        message = f"source `{node.name.text}` has no column `{key}` to be its key"
        build.report(codes.UNKNOWN_NAME.at(body.settings["key"].value.span, message, help=hint))
        return
    source = pg.Source(
        name=node.name.text,
        kind=cast(Literal["csv", "sqlite"], kind),
        settings={k: v for k, v in own.items() if v is not None},
        key=key,
        personal=_personal(node.name.text, body, columns, build),
        columns=columns,
        tolerate=tolerate or "0.01",
        timezone=zone or build.model.settings.timezone,
        place=place(node.name.span),
    )
    build.model.sources[source.name] = _filtered(source, body, build)


def _check_signs(body: Body, own: Mapping[str, str | None]) -> None:
    for key, longest in (("delimiter", ("tab", "\\t")), ("quote", ())):
        value = own.get(key)
        if value is not None and len(value) > 1 and value not in longest:
            body.wrong(body.settings[key], "one character")


# What DuckDB reads after a percent sign; `-` takes numbers without a zero in front.
_DIRECTIVES = re.compile(r"%(?:-?[dHIjmMSy]|[aAbBcfgGnpuUVwWxXYzZ%])")


def _check_date_format(body: Body, own: Mapping[str, str | None]) -> None:
    """Report a format of dates that no date can be read by."""
    text = own.get("date_format")
    if text is None or text.startswith("env:"):
        return
    rest = _DIRECTIVES.sub("", text)
    parts = {part.lstrip("%-") for part in _DIRECTIVES.findall(text)}
    is_whole = all(parts & some for some in ({"d"}, {"m", "b", "B"}, {"y", "Y"}))
    has_day = is_whole or parts & {"c", "x"} or (parts & {"j"} and parts & {"y", "Y"})
    setting = body.settings["date_format"]
    if "%" in rest:
        body.wrong(setting, 'a letter such as d, m or Y after each `%`: "%d.%m.%Y"')
    elif not has_day:
        body.wrong(setting, 'a format with day, month and year: "%d.%m.%Y"')


def _personal(
    source: str, body: Body, columns: Sequence[pg.SourceColumn], build: Build
) -> tuple[str, ...]:
    found = body.names("personal") or ()
    known = [c.name for c in columns]
    for path in found:
        if path.text not in known and column_mark(source, path.text) not in build.broken:
            hint = did_you_mean(path.text, known)
            message = f"source `{source}` has no column `{path.text}`"
            build.report(codes.UNKNOWN_NAME.at(path.span, message, help=hint))
    return tuple(path.text for path in found)


def unresolved_source(node: syntax.Declaration, timezone: str) -> pg.Source | None:
    """Return a source as far as it is known without a catalog; None if it has a mistake.

    Nothing is reported: the project is compiled once the columns are known. There are no columns
    where the source does not declare them.
    """
    build = Build(Model(ProjectSettings("", timezone)), [], {}, {}, {}, {}, {})
    kind = _kind(node, build)
    if kind is None:
        return None
    needed, optional = _KINDS[kind]
    body = Body(f"source `{node.name.text}`", node.name.span, build.report)
    body.settings |= {i.key.text: i for i in node.items if isinstance(i, syntax.Setting)}
    own = {k: _plain(body, k) for k in (*needed, *optional) if k in body.settings}
    blocks = [i for i in node.items if isinstance(i, syntax.Block) and i.word.text == "columns"]
    columns = _declared_columns(node.name.text, blocks[0], build) if blocks else ()
    personal = body.names("personal") or ()
    if None in own.values() or any(k not in own for k in needed) or build.diagnostics:
        return None
    return pg.Source(
        name=node.name.text,
        kind=cast(Literal["csv", "sqlite"], kind),
        settings={k: v for k, v in own.items() if v is not None},
        key=body.name("key") or "",
        columns=columns,
        timezone=body.text("timezone") or timezone,
        personal=tuple(path.text for path in personal),
        place=place(node.name.span),
    )


def _tolerate(body: Body) -> str | None:
    share = body.percent("tolerate")
    return str(share.value / Decimal(100)) if share else None


def _filtered(source: pg.Source, body: Body, build: Build) -> pg.Source:
    """Return the source with its `where`, of which there may be several."""
    if not body.wheres:
        return source
    env = source_environment(build, source)
    tests = [check_condition(where.condition, env) for where in body.wheres]
    return source.model_copy(update={"where": all_of(tests)})


def _kind(node: syntax.Declaration, build: Build) -> str | None:
    setting = next(
        (i for i in node.items if isinstance(i, syntax.Setting) and i.key.text == "kind"), None
    )
    if setting is None:
        message = f"source `{node.name.text}` needs `kind`"
        hint = "add `kind = csv` or `kind = sqlite`"
        build.report(codes.MISSING_SETTING.at(node.name.span, message, help=hint))
        return None
    kind = setting.value.text if isinstance(setting.value, syntax.Path) else ""
    if kind in _LATER_KINDS:
        message = f"a source of kind `{kind}` is understood, but not available in this version"
        build.report(codes.NOT_YET_AVAILABLE.at(setting.value.span, message))
        return None
    if kind not in _KINDS:
        message = "`kind` is one of " + ", ".join(f"`{k}`" for k in _KINDS)
        near = near_hint(kind, _KINDS) if kind else None
        if isinstance(setting.value, syntax.Text):
            near = "it is a name, written without quotes"
        build.report(codes.BAD_SETTING.at(setting.value.span, message, help=near))
        return None
    return kind


def _plain(body: Body, key: str) -> str | None:
    """Return a text, or `env:NAME` for `env("NAME")`, which is read when the program runs."""
    value = body.settings[key].value
    if isinstance(value, syntax.Call) and value.function.text == "env" and value.arguments:
        name = value.arguments[0].value
        if isinstance(name, syntax.Text):
            return f"env:{name.value}"
    return body.text(key)


def _columns(
    node: syntax.Declaration, body: Body, build: Build
) -> tuple[pg.SourceColumn, ...] | None:
    if body.blocks:
        return _declared_columns(node.name.text, body.blocks[0], build)
    known = build.catalog.get(node.name.text)
    if known is not None:
        return _catalog_columns(known)
    message = f"the columns of source `{node.name.text}` are not known"
    hint = "write them in a block `columns { … }`, or run `cij catalog refresh`"
    build.report(codes.UNKNOWN_COLUMNS.at(node.name.span, message, help=hint))
    return None


def _catalog_columns(known: Mapping[str, Seen]) -> tuple[pg.SourceColumn, ...]:
    return tuple(
        pg.SourceColumn(name=name, type=NAMED.get(seen.type, NAMED["text"]))
        for name, seen in known.items()
    )


def _declared_columns(
    source: str, block: syntax.Block, build: Build
) -> tuple[pg.SourceColumn, ...]:
    """Return the columns whose type is known; the others are broken, and using them no mistake."""
    inner = read_body("`columns`", block.span, block.items, build.report, settings=None)
    columns = []
    for name, setting in inner.settings.items():
        type = type_of(setting.value, build)
        if type is None:
            build.broken.add(column_mark(source, name))
        else:
            separator = _separator(setting.value) if type.kind == "list" else None
            columns.append(pg.SourceColumn(name=name, type=type, separator=separator))
    return tuple(columns)


def _separator(node: syntax.Expression) -> str | None:
    """Return what stands between the items of `list(text, ";")`."""
    second = (
        node.arguments[1].value if isinstance(node, syntax.Call) and node.arguments[1:] else None
    )
    return second.value if isinstance(second, syntax.Text) else None
