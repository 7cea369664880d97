"""`entity`: another table that customers and events relate to, such as products or stores."""

from cij.compiler import program as pg
from cij.compiler.declarations.body import Body, read_body
from cij.compiler.declarations.environments import source_environment
from cij.compiler.declarations.explain_lines import Lines, heading
from cij.compiler.functions import FUNCTIONS
from cij.compiler.model import Model, place
from cij.compiler.naming import did_you_mean
from cij.compiler.pass_state import Build
from cij.compiler.typecheck import check
from cij.compiler.typecheck.aggregates import AGGREGATES
from cij.compiler.types import NAMED
from cij.grammar import codes, syntax

# A relation is written like a call, and as the type of a field: `product(product_id)`, `product`.
_TAKEN = {*FUNCTIONS, *AGGREGATES, *NAMED, "money", "now", "today", "enum", "list", "env", "file"}
_TAKEN |= {"consent", "trigger", "customer", "event"}


def define(node: syntax.Declaration, build: Build) -> None:
    """Add the entity to the model, or report what is wrong with it."""
    name = node.name.text
    if name in _TAKEN:
        message = (
            f"`{name}` already means something in expressions: choose another name for the entity"
        )
        build.report(codes.DUPLICATE_NAME.at(node.name.span, message))
        return
    body = _body(node, build)
    source = _source(body, build)
    key = body.name("key") if body.need("key", "key = product_id") else None
    if source is None or key is None:
        return
    if key != source.key:
        message = f"the key of `{name}` must be the key of its source"
        span = body.settings["key"].value.span
        hint = f"write `key = {source.key}`, or make `{key}` the key of source `{source.name}`"
        build.report(codes.BAD_SETTING.at(span, message, help=hint))
        return
    fields = _fields(name, body, source, build)
    build.model.entities[name] = pg.Entity(
        name=name, source=source.name, fields=tuple(fields), place=place(node.name.span)
    )


def _body(node: syntax.Declaration, build: Build) -> Body:
    return read_body(
        f"entity `{node.name.text}`",
        node.name.span,
        node.items,
        build.report,
        settings=("source", "key"),
        blocks=("fields",),
    )


def _source(body: Body, build: Build) -> pg.Source | None:
    if body.need("source", "source = products") is None:
        return None
    name = body.name("source")
    found = build.model.sources.get(name or "")
    if found is None and name is not None and name not in build.declared["source"]:
        hint = did_you_mean(name, build.declared["source"])
        span = body.settings["source"].value.span
        build.report(codes.UNKNOWN_NAME.at(span, f"there is no source `{name}`", help=hint))
    return found


def _fields(
    entity: str, body: Body, source: pg.Source, build: Build
) -> list[pg.EventFieldDefinition]:
    env = source_environment(build, source)
    found = []
    for block in body.blocks:
        inner = read_body("`fields`", block.span, block.items, build.report, settings=None)
        for name, setting in inner.settings.items():
            value = check(setting.value, env)
            if len(setting.key.parts) > 1:
                message = "the name of a field has no dot"
                build.report(codes.BAD_SETTING.at(setting.key.span, message))
            elif value is None:
                build.broken.add(f"{entity}.{name}")
            else:
                field = pg.EventFieldDefinition(name=name, type=value.type, value=value)
                found.append(field)
    return found


# --- explain ---------------------------------------------------------------------------------


def explain(entity: pg.Entity, source: Model) -> Lines:
    yield heading("entity", entity.name, entity.place)
    yield f"One for each row of source {entity.source}."
    yield "Fields: " + (", ".join(f"{f.name} ({f.type})" for f in entity.fields) or "none")
