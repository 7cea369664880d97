"""Versions: the content hash of a journey with all it refers to (S21)."""

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import BaseModel

from cij.compiler import program as pg
from cij.compiler.declaration_kinds import DECLARATION_KINDS, DeclarationKind
from cij.compiler.model import Model
from cij.compiler.walk import walk


def versioned(journey: pg.Journey, source: Model) -> pg.Journey:
    """Set the content hash of the journey with all it refers to (S21)."""
    referred: dict[str, BaseModel] = {}
    _collect(journey, source, referred)
    version = pg.content_hash([journey, [referred[key] for key in sorted(referred)]])
    return journey.model_copy(update={"version": version})


def _collect(part: BaseModel, source: Model, referred: dict[str, BaseModel]) -> None:
    for inner in walk(part):
        for key, target in _references(inner, source):
            if key not in referred and target is not None:
                referred[key] = target
                _collect(target, source, referred)


def _references(part: BaseModel, source: Model) -> Iterator[tuple[str, BaseModel | None]]:
    for kind, name_of in _NAMING.get(type(part), ()):
        name = name_of(part)
        yield f"{kind.word} {name}", kind.made(source).get(name)


# By each class of node that names a declaration: the kind, and how to get the name.
_NAMING: dict[type, list[tuple[DeclarationKind, Callable[[Any], str]]]] = {}
for _kind in DECLARATION_KINDS:
    for _type, _name_of in _kind.references.items():
        _NAMING.setdefault(_type, []).append((_kind, _name_of))
