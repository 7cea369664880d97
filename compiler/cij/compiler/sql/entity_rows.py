"""The statements that fill the table of an entity from its source."""

from sqlglot import exp

from cij.compiler.program import Entity, Program, Source
from cij.compiler.sql.columns import SQL_TYPES, cast, column, named, select
from cij.compiler.sql.condition import Scope, storable
from cij.compiler.sql.entities import KEY, entity_table
from cij.compiler.sql.load import table_of
from cij.compiler.sql.template import Statement, fill, query


def columns_of(entity: Entity) -> list[tuple[str, str]]:
    """Return the columns of the table of an entity, in order: (name, SQL type)."""
    return [(KEY, "VARCHAR"), *((f.name, SQL_TYPES[f.type.kind]) for f in entity.fields)]


def empty(entity: Entity) -> Statement:
    """Return the statement that deletes all rows of an entity."""
    return query("DELETE FROM {t}", t=entity_table(entity.name))


def filled(entity: Entity, source: Source) -> Statement:
    """Return the statement that inserts a row for each row of the source."""
    # Relations compare keys as text, so that a number in one source matches a text in another.
    key = fill("CAST({k} AS VARCHAR)", k=column("s", source.key))
    values = [
        named(cast(storable(f.value, f.type, Scope.source("s", source)), f.type), f.name)
        for f in entity.fields
        if f.value is not None
    ]
    rows = select([named(key, KEY), *values], "SELECT 1 FROM {t} AS s", t=table_of(source.name))
    names = [exp.to_identifier(name, quoted=True) for name, _ in columns_of(entity)]
    table = exp.Table(this=exp.to_identifier(entity_table(entity.name), quoted=True))
    return Statement(exp.Insert(this=exp.Schema(this=table, expressions=names), expression=rows))


def source_of(entity: Entity, program: Program) -> Source:
    """Return the source of an entity. The resolver has checked that it exists."""
    return next(s for s in program.sources if s.name == entity.source)
