"""Walking over the parts of a program."""

from collections.abc import Iterator
from functools import cache

from pydantic import BaseModel


def parts(node: BaseModel) -> Iterator[BaseModel]:
    """Yield a part of a program and all parts inside it, in the order of their fields."""
    yield node
    for name in _names(type(node)):
        yield from _inside(getattr(node, name))


@cache
def _names(part: type[BaseModel]) -> tuple[str, ...]:
    # Asking pydantic each time takes most of the time of a walk.
    return tuple(part.model_fields)


def _inside(value: object) -> Iterator[BaseModel]:
    if isinstance(value, BaseModel):
        yield from parts(value)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _inside(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _inside(item)
