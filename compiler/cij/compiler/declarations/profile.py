"""`profile`: the unified customer."""

from dataclasses import dataclass, field

from cij.compiler import expression as ex, program as pg
from cij.compiler.channels import CHANNELS
from cij.compiler.declarations.body import Body, read_body
from cij.compiler.declarations.environments import source_environment
from cij.compiler.declarations.renamed_sources import renamed_sources
from cij.compiler.declarations.written_type import type_of
from cij.compiler.model import place
from cij.compiler.naming import did_you_mean
from cij.compiler.pass_state import Build
from cij.compiler.typecheck import check, check_condition
from cij.compiler.types import DATETIME, Type, join
from cij.compiler.unparse import words
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Label
from cij.grammar.span import Span

# Columns of the unified customer that no mapping writes.
_MADE = {
    "id": "it is made by the unification",
    "zone": "it is made of `timezone`, which you can map",
}


@dataclass(slots=True)
class _Draft:
    """The profile while it is read; `first` is where a field was mapped first."""

    build: Build
    name: str
    types: dict[str, Type] = field(default_factory=dict)
    first: dict[str, Span] = field(default_factory=dict)
    mappings: list[pg.Mapping] = field(default_factory=list)
    matches: list[pg.ExactMatch] = field(default_factory=list)
    merges: dict[str, pg.Prefer | pg.Latest] = field(default_factory=dict)
    own: dict[str, Type] = field(default_factory=dict)
    broken_sources: set[str] = field(default_factory=set)


def define(node: syntax.Declaration, build: Build) -> None:
    """Make the profile of the model, or report what is wrong with it."""
    if build.model.profile is not None:
        message = (
            f"a project has one profile, and this one already has `{build.model.profile.name}`"
        )
        build.report(codes.DUPLICATE_NAME.at(node.name.span, message))
        return
    body = read_body(
        f"profile `{node.name.text}`",
        node.name.span,
        node.items,
        build.report,
        settings=("gone_after",),
        blocks=("from", "fields", "match", "merge"),
        clauses=(syntax.Renamed,),
    )
    draft = _Draft(build, node.name.text)
    for word, read in (("from", _mapping), ("fields", _own), ("match", _match), ("merge", _merge)):
        for block in body.blocks:
            if block.word.text == word:
                read(block, draft)
    if not any(block.word.text == "from" for block in body.blocks):
        message = f"profile `{draft.name}` needs a source"
        build.report(
            codes.MISSING_SETTING.at(node.name.span, message, help="add `from SOURCE {…}`")
        )
    renamed = renamed_sources(body.renames, [m.source for m in draft.mappings], build)
    build.model.profile = _finish(node, draft, _gone_after(body), renamed)


_DAY_S = 86400
_GONE_AFTER_S = 30 * _DAY_S
_UNIT_S = {"hour": 3600, "day": _DAY_S, "week": 7 * _DAY_S}


def _gone_after(body: Body) -> int:
    """Return how long somebody may be in no source until their passages end, in seconds (S24)."""
    duration = body.duration("gone_after")
    if duration is None:
        return _GONE_AFTER_S
    lengths = [count * _UNIT_S[unit] for count, unit in duration.lengths if unit in _UNIT_S]
    if len(lengths) < len(duration.lengths) or sum(lengths) > 3650 * _DAY_S:
        body.wrong(body.settings["gone_after"], "hours, days or weeks, up to 3650 days")
        return _GONE_AFTER_S
    return sum(lengths)


def _finish(
    node: syntax.Declaration,
    draft: _Draft,
    gone_after_s: int,
    renamed: tuple[pg.RenamedSource, ...],
) -> pg.Profile:
    order = tuple(m.source for m in draft.mappings)
    fields = tuple(
        pg.ProfileField(
            name=name, type=type, merge=draft.merges.get(name, pg.Prefer(sources=order))
        )
        for name, type in draft.types.items()
    )
    fields += tuple(
        pg.ProfileField(name=name, type=type, merge=pg.Own()) for name, type in draft.own.items()
    )
    return pg.Profile(
        name=draft.name,
        fields=fields,
        mappings=tuple(draft.mappings),
        matches=tuple(draft.matches),
        gone_after_s=gone_after_s,
        renamed=renamed,
        place=place(node.name.span),
    )


# --- from -------------------------------------------------------------------------------------


def _mapping(block: syntax.Block, draft: _Draft) -> None:
    source = _source(block, draft)
    if source is None:
        if isinstance(block.argument, syntax.Name):
            draft.broken_sources.add(block.argument.text)
        draft.build.broken |= {i.key.text for i in block.items if isinstance(i, syntax.Setting)}
        return
    body = read_body(
        f"`from {source.name}`", block.span, block.items, draft.build.report, settings=None
    )
    fields: dict[str, ex.Expression] = {}
    consents: list[pg.ConsentMapping] = []
    for setting in body.settings.values():
        if setting.key.parts[0] == "consent":
            consents += _consent(setting, source, draft)
        else:
            _field(setting, source, fields, draft)
    draft.mappings.append(
        pg.Mapping(
            source=source.name, fields=fields, consents=tuple(consents), place=place(block.span)
        )
    )


def _source(block: syntax.Block, draft: _Draft) -> pg.Source | None:
    name = block.argument.text if isinstance(block.argument, syntax.Name) else ""
    found = draft.build.model.sources.get(name)
    # A source that was declared with a mistake has been reported already.
    if found is None and name not in draft.build.declared["source"]:
        hint = did_you_mean(name, draft.build.declared["source"])
        message = f"there is no source `{name}`"
        span = block.argument.span if block.argument else block.span
        draft.build.report(codes.UNKNOWN_NAME.at(span, message, help=hint))
    return found


def _field(
    setting: syntax.Setting, source: pg.Source, fields: dict[str, ex.Expression], draft: _Draft
) -> None:
    name = setting.key.text
    if name.casefold() in _MADE or len(setting.key.parts) > 1:
        reason = _MADE.get(name.casefold(), "the name of a field has no dot")
        message = f"`{name}` cannot be a field: {reason}"
        draft.build.report(codes.BAD_SETTING.at(setting.key.span, message))
        return
    value = check(setting.value, source_environment(draft.build, source))
    if value is None:
        draft.build.broken.add(name)
        return
    if (wrong := _unfit_for_role(name, value.type)) is not None:
        hint = f"write `{name} = text({words(value)})`"
        draft.build.report(codes.TYPE_MISMATCH.at(setting.value.span, wrong, help=hint))
        draft.build.broken.add(name)
        return
    known = draft.types.get(name)
    joined = value.type if known is None else join(known, value.type)
    if joined is None:
        message = f"`{name}` is {known} in one source and {value.type} in this one"
        related = [Label(draft.first[name], str(known))] if name in draft.first else []
        draft.build.report(codes.TYPE_MISMATCH.at(setting.value.span, message, related=related))
        return
    draft.types[name] = joined
    draft.first.setdefault(name, setting.value.span)
    fields[name] = value


# Fields that the product itself reads, each with what it reads there (S29).
_ROLES = {
    **{row.address_field: f"the address for {row.name}" for row in CHANNELS.values()},
    "language": "the language that somebody gets",
    "timezone": "the zone of a customer's local times",
}


def _unfit_for_role(name: str, type: Type) -> str | None:
    """Return why a field of this type cannot have the role of its name; None where it can."""
    role = _ROLES.get(name)
    if role is None or type.kind == "text":
        return None
    return f"`{name}` is {role}, so it is text, and this is {type}"


def _consent(setting: syntax.Setting, source: pg.Source, draft: _Draft) -> list[pg.ConsentMapping]:
    build = draft.build
    parts = setting.key.parts
    topic = build.model.topics.get(parts[1]) if len(parts) in (2, 3) else None
    if topic is None and len(parts) in (2, 3) and parts[1] in build.declared["topic"]:
        return []
    channel = parts[2] if len(parts) == 3 else None
    if topic is None or (channel is not None and channel not in topic.channels):
        hint = did_you_mean(".".join(parts[1:]), build.declared["topic"])
        message = f"`{setting.key.text}` is not a consent: write `consent.TOPIC` or `consent.TOPIC.CHANNEL`"
        build.report(codes.UNKNOWN_NAME.at(setting.key.span, message, help=hint))
        return []
    value = check_condition(setting.value, source_environment(build, source))
    if value is None:
        return []
    return [pg.ConsentMapping(topic=topic.name, channel=channel, value=value)]


# --- fields of the journeys -------------------------------------------------------------------


def _own(block: syntax.Block, draft: _Draft) -> None:
    """Read `fields { vip = boolean }`: fields that `set` writes, and no source."""
    body = read_body("`fields`", block.span, block.items, draft.build.report, settings=None)
    for setting in body.settings.values():
        name = setting.key.text
        reason = _unfit(setting, draft)
        type = type_of(setting.value, draft.build) if reason is None else None
        if type is not None:
            reason = _unfit_for_role(name, type)
        if reason is not None:
            message = f"`{name}` cannot be a field that journeys write: {reason}"
            draft.build.report(codes.BAD_SETTING.at(setting.key.span, message))
        if type is None or reason is not None:
            draft.build.broken.add(name)
        else:
            draft.own[name] = type


def _unfit(setting: syntax.Setting, draft: _Draft) -> str | None:
    name = setting.key.text
    if len(setting.key.parts) > 1:
        return "the name of a field has no dot"
    if name in draft.types:
        return "a source gives it already"
    return {
        **_MADE,
        "timezone": "it decides when things happen, so it must come from a source",
    }.get(name.casefold())


# --- match and merge --------------------------------------------------------------------------


def _match(block: syntax.Block, draft: _Draft) -> None:
    name = block.argument.text if isinstance(block.argument, syntax.Name) else "exact"
    later = next((i for i in block.items if _key(i) in _LATER_MATCHES), None)
    if later is not None:
        message = (
            f"`{_key(later)}` of match `{name}` is understood, but not available in this version"
        )
        draft.build.report(codes.NOT_YET_AVAILABLE.at(later.span, message))
        return
    body = read_body(
        f"match `{name}`",
        block.span,
        block.items,
        draft.build.report,
        settings=("exact", "at_most"),
        later=("at_least", "same"),
    )
    if body.need("exact", "exact = [email]") is None:
        return
    fields = body.names("exact") or ()
    for path in fields:
        if path.text in draft.build.broken:
            return
        if path.text not in draft.types:
            hint = did_you_mean(path.text, draft.types)
            message = f"`{draft.name}` has no field `{path.text}`"
            draft.build.report(codes.UNKNOWN_NAME.at(path.span, message, help=hint))
            return
    names = tuple(p.text for p in fields)
    draft.matches.append(pg.ExactMatch(name=name, fields=names, at_most=_at_most(body)))


_AT_MOST = 20


def _at_most(body: Body) -> int:
    """Return how many records may have one value before it joins nobody (S26)."""
    found = body.whole("at_most")
    if found is not None and found < 2:
        wanted = "how many records one person may have, from 2 on"
        body.wrong(body.settings["at_most"], wanted)
        return _AT_MOST
    return _AT_MOST if found is None else found


_LATER_MATCHES = ("similar", "normalised", "probabilistic")


def _key(item: syntax.Item) -> str:
    return item.key.text if isinstance(item, syntax.Setting) else ""


def _merge(block: syntax.Block, draft: _Draft) -> None:
    name = block.argument.text if isinstance(block.argument, syntax.Name) else ""
    body = read_body(
        f"merge `{name}`", block.span, block.items, draft.build.report, settings=("prefer",)
    )
    if name in draft.build.broken:
        return
    if name not in draft.types:
        hint = did_you_mean(name, draft.types)
        message = f"`{draft.name}` has no field `{name}`"
        span = block.argument.span if block.argument else block.span
        draft.build.report(codes.UNKNOWN_NAME.at(span, message, help=hint))
        return
    setting = body.need("prefer", "prefer = [shop, cards]` or `prefer = latest(cards.updated_at)")
    if setting is None:
        return
    value = setting.value
    if isinstance(value, syntax.Call) and value.function.text in _LATEST:
        rule: pg.Prefer | pg.Latest | None = _latest(value, draft)
    else:
        rule = _prefer(body, name, draft)
    if rule is not None:
        draft.merges[name] = rule


# The value of the latest record, or of the latest one that has a value (S5).
_LATEST = ("latest", "last known")


def _prefer(body: Body, name: str, draft: _Draft) -> pg.Prefer | None:
    mapped = {m.source for m in draft.mappings} | draft.broken_sources
    names = body.names("prefer")
    for path in names or ():
        if path.text not in mapped:
            hint = did_you_mean(path.text, mapped)
            message = f"`{draft.name}` has no `from {path.text}`"
            draft.build.report(codes.UNKNOWN_NAME.at(path.span, message, help=hint))
            return None
    rest = [m.source for m in draft.mappings if m.source not in {p.text for p in names or ()}]
    return pg.Prefer(sources=(*(p.text for p in names), *rest)) if names else None


def _latest(call: syntax.Call, draft: _Draft) -> pg.Latest | None:
    columns: dict[str, str] = {}
    for argument in call.arguments:
        path = argument.value
        if isinstance(path, syntax.Path) and path.parts[0] in draft.broken_sources:
            return None
        source, column = _time_column(path, draft)
        if source is None or column is None:
            name = call.function.text
            message = f"`{name}` takes columns of mapped sources: `{name}(cards.updated_at)`"
            draft.build.report(codes.BAD_SETTING.at(path.span, message))
            return None
        if column.type not in (DATETIME,) and column.type.kind != "date":
            message = (
                f"`{call.function.text}` needs a date or an instant, and this is {column.type}"
            )
            draft.build.report(codes.TYPE_MISMATCH.at(path.span, message))
            return None
        columns[source.name] = column.name
    return pg.Latest(columns=columns, is_known=call.function.text == "last known")


def _time_column(
    path: syntax.Expression, draft: _Draft
) -> tuple[pg.Source | None, pg.SourceColumn | None]:
    if not isinstance(path, syntax.Path) or len(path.parts) != 2:
        return None, None
    source = draft.build.model.sources.get(path.parts[0])
    if source is None or source.name not in {m.source for m in draft.mappings}:
        return None, None
    return source, next((c for c in source.columns if c.name == path.parts[1]), None)
