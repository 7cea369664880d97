"""Walk over a program or a part of it."""

from collections.abc import Iterator
from functools import cache

from pydantic import BaseModel

# Most values of fields are these, and have nothing inside.
_PLAIN = (str, int, float, type(None))


def walk(node: BaseModel) -> Iterator[BaseModel]:
    """Yield the node and all nodes inside it, in the order of their fields."""
    found: list[BaseModel] = []
    _add(node, found)
    yield from found


def _add(node: BaseModel, found: list[BaseModel]) -> None:
    found.append(node)
    for name in _names(type(node)):
        value = getattr(node, name)
        if not isinstance(value, _PLAIN):
            _add_inside(value, found)


def _add_inside(value: object, found: list[BaseModel]) -> None:
    if isinstance(value, BaseModel):
        _add(value, found)
    elif isinstance(value, (tuple, list)):
        for item in value:
            _add_inside(item, found)
    elif isinstance(value, dict):
        for item in value.values():
            _add_inside(item, found)


@cache
def _names(part: type[BaseModel]) -> tuple[str, ...]:
    # Asking pydantic each time takes most of the time of a walk.
    return tuple(part.model_fields)
