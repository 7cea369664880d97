"""`source`: a table from outside."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from cij.compiler import program as pg
from cij.compiler.column_statistics import ColumnStatistics
from cij.compiler.declarations.body import Body, read_body
from cij.compiler.declarations.environments import source_environment
from cij.compiler.declarations.outside_value import written_or_named
from cij.compiler.declarations.written_type import type_of
from cij.compiler.mistake_list import MistakeList
from cij.compiler.model import Model, ProjectSettings, place
from cij.compiler.naming import column_mark, did_you_mean, near_hint
from cij.compiler.pass_state import Build
from cij.compiler.source_kinds import (
    BETWEEN_TEXTS,
    LATER_SOURCE_KINDS,
    MAY_LOSE,
    REMOTE_SETTINGS,
    SOURCE_KINDS,
    SourceKind,
    SourceSetting,
    scheme_of,
    texts,
)
from cij.compiler.typecheck import check_condition
from cij.compiler.typecheck.checker import all_of
from cij.compiler.types import NAMED
from cij.grammar import codes, syntax

# What every source has.
_COMMON = ("kind", "key", "tolerate", MAY_LOSE, "timezone", "personal", "public")


def define(node: syntax.Declaration, build: Build) -> None:
    """Add the source to the model, or report what is wrong with it."""
    kind = _kind(node, build)
    if kind is None:
        return
    body = _body(node, kind, build)
    own = _own_settings(body, kind)
    missing = [word for word in kind.needed if body.need(word, f'{word} = "…"') is None]
    missing += _one_of(node, kind, own, body)
    _check_own(body, kind, own)
    zone, tolerate = body.zone("timezone", build.is_zone), _share(body, "tolerate")
    may_lose = _share(body, MAY_LOSE)
    key = body.name("key") if body.need("key", "key = COLUMN") else None
    columns = _columns(node, body, build)
    if missing or key is None or columns is None or None in own.values():
        return
    if not _has_key(node.name.text, key, columns, body, build):
        return
    source = pg.Source(
        name=node.name.text,
        kind=kind.word,
        settings={word: value for word, value in own.items() if value is not None}
        | ({MAY_LOSE: may_lose} if may_lose else {}),
        key=key,
        personal=_named_columns("personal", node.name.text, body, columns, build),
        columns=columns,
        tolerate=tolerate or "0.01",
        timezone=zone or build.model.settings.timezone,
        place=place(node.name.span),
    )
    # Only the catalog reads it, but a slip would allow nothing.
    _named_columns("public", node.name.text, body, columns, build)
    build.model.sources[source.name] = _filtered(source, body, build)


def _body(node: syntax.Declaration, kind: SourceKind, build: Build) -> Body:
    return read_body(
        f"source `{node.name.text}`",
        node.name.span,
        node.items,
        build.report,
        settings=(*_COMMON, *(setting.word for setting in kind.settings)),
        blocks=("columns", "names"),
        clauses=(syntax.Where,),
        later=("refresh", "derive"),
    )


def _own_settings(body: Body, kind: SourceKind) -> dict[str, str | None]:
    """Return the settings of this kind that are written; None for one with a mistake."""
    return {s.word: _written(body, s) for s in kind.settings if s.word in body.settings}


def _one_of(
    node: syntax.Declaration, kind: SourceKind, own: Mapping[str, str | None], body: Body
) -> list[str]:
    """Report a source that has none of the settings of which it needs one, or more than one."""
    given = [word for word in kind.either if word in own]
    if len(given) == 1 or not kind.either or any(body.is_misspelt(w) for w in kind.either):
        return []
    first, *others = kind.either
    if given:
        message = f"`{given[1]}` beside `{given[0]}`: a source has one of them"
        body.report(codes.UNKNOWN_SETTING.at(body.settings[given[1]].span, message))
        return given
    hint = f'add `{first} = "…"`' + "".join(f' or `{word} = "…"`' for word in others)
    message = f"source `{node.name.text}` needs `{first}`"
    body.report(codes.MISSING_SETTING.at(node.name.span, message, help=hint))
    return [first]


def _check_own(body: Body, kind: SourceKind, own: Mapping[str, str | None]) -> None:
    for setting in kind.settings:
        value = own.get(setting.word)
        whole = () if value is None else (value,)
        several = texts(value) if setting.form == "texts" else whole
        wanted = next((found for text in several if (found := setting.check(text))), None)
        if wanted is not None:
            body.wrong(body.settings[setting.word], wanted)
    if "decimal" in own or "thousands" in own:
        _check_signs(body, own)
    path = own.get("path")
    if path is not None and not path.startswith("env:"):
        _check_network(body, own, scheme_of(path))


def _check_network(body: Body, own: Mapping[str, str | None], scheme: str) -> None:
    """Report a setting that this path has no use for: it would say less than it seems to."""
    for_others = {word for words in REMOTE_SETTINGS.values() for word in words}
    for word in own:
        if word in for_others.difference(REMOTE_SETTINGS.get(scheme, ())):
            place = f"{scheme}://" if scheme else "a path in the project"
            message = f"`{word}` has no meaning for {place}"
            body.report(codes.UNKNOWN_SETTING.at(body.settings[word].key.span, message))


def _check_signs(body: Body, own: Mapping[str, str | None]) -> None:
    """Report a sign that would mean two things in one number."""
    point, thousands = own.get("decimal") or ".", own.get("thousands")
    if point == thousands:
        word = "thousands" if "thousands" in body.settings else "decimal"
        body.wrong(body.settings[word], f'another sign than `decimal`, which is "{point}"')


def _has_key(
    source: str, key: str, columns: Sequence[pg.SourceColumn], body: Body, build: Build
) -> bool:
    """Report a key that is no column. A column with a mistake of its own has been reported."""
    if column_mark(source, key) in build.broken:
        return False
    if key in {c.name for c in columns}:
        return True
    hint = did_you_mean(key, [c.name for c in columns])
    message = f"source `{source}` has no column `{key}` to be its key"
    build.report(codes.UNKNOWN_NAME.at(body.settings["key"].value.span, message, help=hint))
    return False


def _named_columns(
    setting: str, source: str, body: Body, columns: Sequence[pg.SourceColumn], build: Build
) -> tuple[str, ...]:
    found = body.names(setting) or ()
    known = [c.name for c in columns]
    for path in found:
        if path.text not in known and column_mark(source, path.text) not in build.broken:
            hint = did_you_mean(path.text, known)
            message = f"source `{source}` has no column `{path.text}`"
            build.report(codes.UNKNOWN_NAME.at(path.span, message, help=hint))
    return tuple(path.text for path in found)


def public_columns(node: syntax.Declaration) -> tuple[str, ...]:
    """Return the columns whose values the author lets the catalog keep. Nothing is reported."""
    found = (i for i in node.items if isinstance(i, syntax.Setting) and i.key.text == "public")
    items = (i for each in found if isinstance(each.value, syntax.ListOf) for i in each.value.items)
    return tuple(item.text for item in items if isinstance(item, syntax.Path))


def unresolved_source(node: syntax.Declaration, timezone: str) -> pg.Source | None:
    """Return a source as far as it is known without a catalog; None if it has a mistake.

    Nothing is reported: the project is compiled once the columns are known. There are no columns
    where the source does not declare them.
    """
    build = Build(Model(ProjectSettings("", timezone)), MistakeList(), {}, {}, {}, {}, {})
    kind = _kind(node, build)
    if kind is None:
        return None
    body = Body(f"source `{node.name.text}`", node.name.span, build.report)
    body.settings |= {i.key.text: i for i in node.items if isinstance(i, syntax.Setting)}
    own = _own_settings(body, kind)
    blocks = {i.word.text: i for i in node.items if isinstance(i, syntax.Block)}
    columns = (
        _declared_columns(node.name.text, blocks["columns"], build) if "columns" in blocks else ()
    )
    columns = _renamed(node.name.text, columns, blocks.get("names"), build)
    personal = body.names("personal") or ()
    lacks = any(word not in own for word in kind.needed)
    # Of the settings `either` it needs exactly one.
    lacks |= bool(kind.either) and sum(word in own for word in kind.either) != 1
    if None in own.values() or lacks or build.diagnostics:
        return None
    return pg.Source(
        name=node.name.text,
        kind=kind.word,
        settings={word: value for word, value in own.items() if value is not None},
        key=body.name("key") or "",
        columns=columns,
        timezone=body.text("timezone") or timezone,
        personal=tuple(path.text for path in personal),
        place=place(node.name.span),
    )


def _share(body: Body, setting: str) -> str | None:
    share = body.percent(setting)
    return str(share.value / Decimal(100)) if share else None


def _filtered(source: pg.Source, body: Body, build: Build) -> pg.Source:
    """Return the source with its `where`, of which there may be several."""
    if not body.wheres:
        return source
    env = source_environment(build, source)
    tests = [check_condition(where.condition, env) for where in body.wheres]
    return source.model_copy(update={"where": all_of(tests)})


def _kind(node: syntax.Declaration, build: Build) -> SourceKind | None:
    setting = next(
        (i for i in node.items if isinstance(i, syntax.Setting) and i.key.text == "kind"), None
    )
    if setting is None:
        message = f"source `{node.name.text}` needs `kind`"
        hint = "add " + " or ".join(f"`kind = {word}`" for word in SOURCE_KINDS)
        build.report(codes.MISSING_SETTING.at(node.name.span, message, help=hint))
        return None
    kind = setting.value.text if isinstance(setting.value, syntax.Path) else ""
    if kind in LATER_SOURCE_KINDS:
        message = f"a source of kind `{kind}` is understood, but not available in this version"
        build.report(codes.NOT_YET_AVAILABLE.at(setting.value.span, message))
        return None
    if kind not in SOURCE_KINDS:
        message = "`kind` is one of " + ", ".join(f"`{k}`" for k in SOURCE_KINDS)
        near = near_hint(kind, SOURCE_KINDS) if kind else None
        if isinstance(setting.value, syntax.Text):
            near = "it is a name, written without quotes"
        build.report(codes.BAD_SETTING.at(setting.value.span, message, help=near))
        return None
    return SOURCE_KINDS[kind]


def _written(body: Body, setting: SourceSetting) -> str | None:
    """Return the value of a setting as a program keeps it; None if it was reported."""
    value = body.settings[setting.word].value
    if setting.form == "flag":
        if isinstance(value, syntax.Boolean):
            return str(value.value).lower()
        body.wrong(body.settings[setting.word], "`true` or `false`")
        return None
    if setting.form == "number":
        number = body.whole(setting.word)
        return None if number is None else str(number)
    if setting.form == "texts" and isinstance(value, syntax.ListOf):
        items = [item.value for item in value.items if isinstance(item, syntax.Text)]
        if len(items) == len(value.items) and items and not any("\n" in i for i in items):
            return BETWEEN_TEXTS.join(items)
        body.wrong(body.settings[setting.word], 'a text, or texts such as ["NULL", "n/a"]')
        return None
    return written_or_named(body, setting.word)


def _columns(
    node: syntax.Declaration, body: Body, build: Build
) -> tuple[pg.SourceColumn, ...] | None:
    blocks = {block.word.text: block for block in body.blocks}
    known = build.catalog.get(node.name.text)
    columns: tuple[pg.SourceColumn, ...] | None = None
    if "columns" in blocks:
        columns = _declared_columns(node.name.text, blocks["columns"], build)
    elif known is not None:
        columns = _catalog_columns(known)
    if columns is not None:
        return _renamed(node.name.text, columns, blocks.get("names"), build)
    message = f"the columns of source `{node.name.text}` are not known"
    hint = "write them in a block `columns { … }`, or run `cij catalog refresh`"
    build.report(codes.UNKNOWN_COLUMNS.at(node.name.span, message, help=hint))
    return None


def _catalog_columns(known: Mapping[str, ColumnStatistics]) -> tuple[pg.SourceColumn, ...]:
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


def _renamed(
    source: str,
    columns: tuple[pg.SourceColumn, ...],
    block: syntax.Block | None,
    build: Build,
) -> tuple[pg.SourceColumn, ...]:
    """Return the columns with the names that they have in the source, as `names` says."""
    if block is None:
        return columns
    inner = read_body("`names`", block.span, block.items, build.report, settings=None)
    known = [c.name for c in columns]
    for name, setting in inner.settings.items():
        if name not in known and column_mark(source, name) not in build.broken:
            message = f"source `{source}` has no column `{name}`"
            hint = did_you_mean(name, known)
            build.report(codes.UNKNOWN_NAME.at(setting.key.span, message, help=hint))
    found = {name: inner.text(name) for name in inner.settings}
    return tuple(
        c.model_copy(update={"written": found[c.name]}) if found.get(c.name) else c for c in columns
    )


def _separator(node: syntax.Expression) -> str | None:
    """Return what stands between the items of `list(text, ";")`."""
    second = (
        node.arguments[1].value if isinstance(node, syntax.Call) and node.arguments[1:] else None
    )
    return second.value if isinstance(second, syntax.Text) else None
