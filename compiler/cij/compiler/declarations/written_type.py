"""Types as they are written, in the columns of a source and the fields of an event."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from cij.compiler.naming import near_hint
from cij.compiler.pass_state import Build
from cij.compiler.typecheck.checker import is_currency
from cij.compiler.types import IN_LISTS, NAMED, Type, enum, list_of, money, relation
from cij.grammar import codes, syntax

_FORMS = ("money(EUR)", 'enum("open", "closed")', "list(text)")


def type_of(
    node: syntax.Expression, build: Build, more: Mapping[str, Type] = MappingProxyType({})
) -> Type | None:
    """Return the type that is written: `text`, `money(EUR)`, `enum("a", "b")`, `list(text)`.

    `more` are names that types have in this place only.
    """
    named = {**NAMED, **more}
    if isinstance(node, syntax.Path) and node.text in named:
        return named[node.text]
    if isinstance(node, syntax.Path) and node.text in build.declared.get("entity", {}):
        return relation(node.text)
    if isinstance(node, syntax.Call) and (read := _READERS.get(node.function.text)):
        return read(node, build)
    _report(node, build, more)
    return None


def _report(node: syntax.Expression, build: Build, more: Iterable[str] = ()) -> None:
    written = node.text if isinstance(node, syntax.Path) else ""
    simple = (*NAMED, *more)
    names = [*simple, *(form.partition("(")[0] for form in _FORMS)]
    hint = near_hint(written, names) if written else None
    forms = [form for form in _FORMS if form.partition("(")[0] == written]
    if forms:
        hint = f"write `{forms[0]}`"
    message = "a type is one of " + ", ".join(f"`{n}`" for n in (*simple, *_FORMS))
    build.report(codes.BAD_SETTING.at(node.span, message, help=hint))


def _money(node: syntax.Call, build: Build) -> Type | None:
    currency = node.arguments[0].value if len(node.arguments) == 1 else None
    if isinstance(currency, syntax.Path) and is_currency(currency.text):
        return money(currency.text)
    _report(node, build)
    return None


def _enum(node: syntax.Call, build: Build) -> Type | None:
    texts = [a.value for a in node.arguments if isinstance(a.value, syntax.Text)]
    if not texts or len(texts) < len(node.arguments) or not all(t.value.strip() for t in texts):
        message = "`enum` takes its values, which are texts that are not empty"
        build.report(codes.BAD_SETTING.at(node.span, message, help=f"write `{_FORMS[1]}`"))
        return None
    seen: set[str] = set()
    for text in texts:
        if text.value in seen:
            message = f'the value "{text.value}" is listed twice in this `enum`'
            build.report(codes.DUPLICATE_NAME.at(text.span, message))
            return None
        seen.add(text.value)
    return enum(*(text.value for text in texts))


def _list(node: syntax.Call, build: Build) -> Type | None:
    written, *rest = [*(argument.value for argument in node.arguments), None]
    rest = rest[:-1]
    item = type_of(written, build) if written is not None else None
    if written is not None and item is None:
        return None
    is_separated = all(isinstance(r, syntax.Text) and r.value for r in rest)
    if item is None or item.kind not in IN_LISTS or len(rest) > 1 or not is_separated:
        kinds = " or ".join(f"`{kind}`" for kind in IN_LISTS)
        message = f"a list holds {kinds}, and its second argument is the separator"
        hint = 'write `list(text)` for JSON arrays, `list(text, ";")` for `a;b`'
        build.report(codes.BAD_SETTING.at(node.span, message, help=hint))
        return None
    return list_of(item)


_READERS: dict[str, Callable[[syntax.Call, Build], Type | None]] = {
    "money": _money,
    "enum": _enum,
    "list": _list,
}
