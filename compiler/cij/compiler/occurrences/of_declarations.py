"""The names that declarations declare, and those that they use."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cij.compiler.declaration_kinds import KIND_OF
from cij.compiler.model import Model, sent_messages
from cij.compiler.occurrences.of_cases import of_cases
from cij.compiler.occurrences.of_paths import of_path, span_of_part
from cij.compiler.occurrences.of_steps import named, of_node
from cij.compiler.occurrences.of_templates import of_template
from cij.compiler.occurrences.place_scope import Occurrence, Scope, Texts
from cij.compiler.review.lineage import Node
from cij.grammar import syntax

Found = Iterator[Occurrence]


def of_file(file: syntax.File, model: Model, texts: Texts) -> Found:
    """Yield the names of one file, in the order of its declarations."""
    for node in file.declarations:
        if isinstance(node, syntax.Test):
            scope = Scope(model, texts, node.subject.text)
            yield from _test(node, scope.inside([node.subject.text]))
        elif not isinstance(node, syntax.Use):
            kind = node.kind.text if isinstance(node, syntax.Declaration) else _word(node)
            yield Occurrence(Node(kind, node.name.text), node.name.span, True)
            yield from _body(node, kind, Scope(model, texts, node.name.text))


def _word(node: syntax.Journey | syntax.Fragment | syntax.Policy) -> str:
    return type(node).__name__.lower()


def _body(node: syntax.TopLevel, kind: str, scope: Scope) -> Found:
    if isinstance(node, syntax.Declaration):
        yield from _of_declaration(node, kind, scope)
    elif isinstance(node, syntax.Journey):
        yield from _journey(node, scope)
    elif isinstance(node, syntax.Fragment):
        for step in node.steps:
            yield from of_node(step, scope)
    elif isinstance(node, syntax.Policy):
        for rule in node.rules:
            yield from of_node(rule, scope)


def _of_declaration(node: syntax.Declaration, kind: str, scope: Scope) -> Found:
    if node.channel is not None:
        yield from _message(node, scope)
    elif kind == "source":
        yield from _source(node, scope)
    elif kind in KIND_OF and KIND_OF[kind].is_single:
        yield from _profile(node, scope)
    elif any(_has_rows(item) for item in node.items):
        yield from _rows(node, f"{kind} field", scope)
    elif kind == "export":
        yield from _export(node, scope)
    elif kind != "topic":
        # The settings of a topic take words of the language, and a field may have the same name.
        yield from _plain_items(node.items, scope)


def _journey(node: syntax.Journey, scope: Scope) -> Found:
    entries = (h.pattern.event.text for h in node.headers if isinstance(h, syntax.EnterOn))
    scope = replace(scope, triggers=tuple(entries)).inside([node.name.text])
    for part in (*node.headers, *node.steps):
        if isinstance(part, syntax.Setting) and part.key.text == "per":
            yield from _per(part.value, scope)
        else:
            yield from of_node(part, scope)


def _per(value: syntax.Expression, scope: Scope) -> Found:
    """Yield the field of `per cart_id`: each entering event has it."""
    if isinstance(value, syntax.Path):
        for event in scope.triggers:
            yield from of_path(value, scope.within(event))


def _test(node: syntax.Test, scope: Scope) -> Found:
    yield from named("journey", node.subject)
    tables = (s for s in node.statements if isinstance(s, syntax.CaseTable))
    scope = replace(scope, columns=frozenset(c.text for t in tables for c in t.columns))
    for statement in node.statements:
        if isinstance(statement, syntax.CaseTable):
            yield from of_cases(statement, node, scope)
        else:
            yield from of_node(statement, scope)


def _plain_items(items: Sequence[syntax.Item], scope: Scope) -> Found:
    for item in items:
        if isinstance(item, syntax.Block):
            yield from _plain_items(item.items, scope)
        else:
            yield from of_node(item, scope)


# --- data -------------------------------------------------------------------------------------


def _source(node: syntax.Declaration, scope: Scope) -> Found:
    own = replace(scope, source=scope.declaration)
    for item in node.items:
        if isinstance(item, syntax.Block) and item.word.text == "columns":
            yield from _declared(item, "column", f"{scope.declaration}.")
        elif isinstance(item, syntax.Where) or _names_columns(item):
            yield from of_node(item, own)


def _export(node: syntax.Declaration, scope: Scope) -> Found:
    for item in node.items:
        if not isinstance(item, syntax.Setting):
            continue
        if item.key.text == "segment" and isinstance(item.value, syntax.Path):
            yield Occurrence(Node("segment", item.value.text), item.value.span)
        elif item.key.text in ("fields", "measure", "by"):
            yield from of_node(item, scope)


def _names_columns(item: syntax.Item) -> bool:
    return isinstance(item, syntax.Setting) and item.key.text in ("key", "personal")


def _declared(block: syntax.Block, kind: str, prefix: str) -> Found:
    for item in block.items:
        if isinstance(item, syntax.Setting):
            yield Occurrence(Node(kind, prefix + item.key.text), item.key.span, True)


def _profile(node: syntax.Declaration, scope: Scope) -> Found:
    scope = replace(scope, is_profile=True)
    for item in node.items:
        if isinstance(item, syntax.Block) and item.word.text == "fields":
            yield from _declared(item, "field", "")
        elif isinstance(item, syntax.Block) and isinstance(item.argument, syntax.Name):
            yield from _of_customers(item, item.argument, scope)
        elif isinstance(item, syntax.Renamed):
            yield from named("source", item.new)


def _of_customers(block: syntax.Block, argument: syntax.Name, scope: Scope) -> Found:
    """Yield the names in a block of the profile: `from SOURCE`, `merge FIELD`, `match RULE`."""
    if block.word.text == "from":
        yield from named("source", argument)
        for item in block.items:
            if isinstance(item, syntax.Setting):
                yield from _mapped(item, argument.text, scope)
        return
    if block.word.text == "merge":
        yield from of_path(syntax.Path((argument.text,), span=argument.span), scope)
    yield from _plain_items(block.items, scope)


def _mapped(item: syntax.Setting, source: str, scope: Scope) -> Found:
    """Yield the names in `points = loyalty_points`: the field is declared here, the column used."""
    key = item.key
    if key.parts[0] == "consent" and len(key.parts) > 1:
        yield Occurrence(Node("topic", key.parts[1]), span_of_part(key, 1, scope))
    else:
        yield from (each._replace(is_declaration=True) for each in of_path(key, scope))
    yield from of_node(item.value, replace(scope, source=source, is_profile=False))


def _rows(node: syntax.Declaration, kind: str, scope: Scope) -> Found:
    """Yield the names of an event or an entity, whose fields come from a source."""
    source = next(filter(None, map(_named_source, node.items)), None)
    own = replace(scope, source=source)
    for item in node.items:
        if isinstance(item, syntax.Block) and item.word.text == "fields":
            yield from _declared(item, kind, f"{scope.declaration}.")
            if source is None:
                yield from _types(item, scope)
        yield from _plain_items([item], own)


def _has_rows(item: syntax.Item) -> bool:
    is_fields = isinstance(item, syntax.Block) and item.word.text == "fields"
    return is_fields or _named_source(item) is not None


def _named_source(item: syntax.Item) -> str | None:
    is_source = isinstance(item, syntax.Setting) and item.key.text == "source"
    value = item.value if is_source and isinstance(item, syntax.Setting) else None
    return value.text if isinstance(value, syntax.Path) else None


def _types(block: syntax.Block, scope: Scope) -> Found:
    """Yield the entities in the fields of an event that is handed in: `product = product`."""
    for item in block.items:
        value = item.value if isinstance(item, syntax.Setting) else None
        if isinstance(value, syntax.Path) and value.text in scope.model.entities:
            yield Occurrence(Node("entity", value.text), value.span)


def _message(node: syntax.Declaration, scope: Scope) -> Found:
    scope = scope.inside(_senders(node.name.text, scope.model))
    for item in node.items:
        if isinstance(item, syntax.Block):
            for each in item.items:
                if isinstance(each, syntax.Setting):
                    yield from of_template(each, scope)
        else:
            yield from of_node(item, scope)


def _senders(message: str, model: Model) -> list[str]:
    return [j.name for j in model.journeys.values() if message in sent_messages(j.steps)]
