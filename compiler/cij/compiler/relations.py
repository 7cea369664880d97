"""Paths through relations: `product.category`, `store.region.name`."""

from collections.abc import Iterable, Sequence

from cij.compiler import expression as ex, program as pg


def field_of(entity: pg.Entity, base: ex.Expression, name: str) -> ex.Related | None:
    """Return a field of what `base` leads to, None where the entity has no such field."""
    for field in entity.fields:
        if field.name == name:
            return ex.Related(type=field.type, base=base, entity=entity.name, name=name)
    return None


def follow(
    base: ex.Expression, names: Sequence[str], entities: Iterable[pg.Entity]
) -> ex.Expression | None:
    """Return what a path leads to, None where it leads nowhere."""
    known = {entity.name: entity for entity in entities}
    found: ex.Expression | None = base
    for name in names:
        entity = known.get(found.type.entity or "") if found is not None else None
        found = field_of(entity, found, name) if entity is not None and found is not None else None
    return found
