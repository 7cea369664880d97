"""The values that an expression can have, according to the catalog.

They only help the author: they never decide what a program does, so no hash covers them. Data change:
a value that the catalog does not know may have arrived since its last refresh.
"""

from collections.abc import Callable, Iterator

from cij.compiler import expression as ex
from cij.compiler.column_statistics import Catalog, ColumnStatistics
from cij.compiler.model import Model


def values_of(node: ex.Expression, model: Model, catalog: Catalog) -> frozenset[str] | None:
    """Return all texts that a value was ever seen to have, None where that is not known."""
    found: set[str] = set()
    for origin in _origins(node, model):
        values = _values(origin, catalog)
        if values is None:
            return None
        found |= values
    return frozenset(found) or None


_TEXTS: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "trim": str.strip,
}


def _values(node: ex.Expression, catalog: Catalog) -> set[str] | None:
    match node:
        case ex.Column(source=source, name=name):
            return set(_seen(source, name, catalog).values) or None
        case ex.Call(function=function, arguments=(argument,)) if function in _TEXTS:
            values = _values(argument, catalog)
            return None if values is None else {_TEXTS[function](v) for v in values}
        case ex.Constant(value=str(text)):
            return {text}
    return None


def unknown_shares(node: ex.Expression, model: Model, catalog: Catalog) -> dict[str, float]:
    """Return the share of rows without a value, by `source.column` that a value comes from.

    A column without missing values is left out.
    """
    found: dict[str, float] = {}
    for origin in _origins(node, model):
        for column in _columns(origin):
            share = _seen(column.source, column.name, catalog).unknown_share
            if share:
                found[f"{column.source}.{column.name}"] = share
    return found


def _columns(node: ex.Expression) -> Iterator[ex.Column]:
    match node:
        case ex.Column():
            yield node
        case ex.Call(arguments=arguments):
            for argument in arguments:
                yield from _columns(argument)


def _origins(node: ex.Expression, model: Model) -> Iterator[ex.Expression]:
    """Yield the expressions over columns that a field is made of; no field has none."""
    match node:
        case ex.Field(name=name) if model.profile is not None:
            for mapping in model.profile.mappings:
                if name in mapping.fields:
                    yield mapping.fields[name]
        case ex.EventField(event=event, name=name) if event in model.events:
            for field in model.events[event].fields:
                if field.name == name and field.value is not None:
                    yield field.value
        case ex.Call(arguments=(argument,)) if node.function in _TEXTS:
            for origin in _origins(argument, model):
                yield node.model_copy(update={"arguments": (origin,)})
        case ex.Column() | ex.Constant():
            yield node


_NOTHING = ColumnStatistics("text")


def _seen(source: str, column: str, catalog: Catalog) -> ColumnStatistics:
    return catalog.get(source, {}).get(column, _NOTHING)
