"""For how many customers a calculation has no result although its parts are known (S30).

The parts of a condition that calculate are counted one by one: the innermost has no result, and all
around it follow from that.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from cij.compiler import expression as ex, program as pg
from cij.compiler.sql.columns import column
from cij.compiler.sql.condition import storable, value
from cij.compiler.sql.load import table_of
from cij.compiler.sql.scope import Catalog, Scope
from cij.compiler.sql.sizes import is_guarded
from cij.compiler.sql.template import Statement, query
from cij.compiler.unparse import words

# What is read from more than the row of a customer or a record.
_ELSEWHERE = (
    *(
        ex.EventField,
        ex.TriggerField,
        ex.AtEntry,
        ex.EnteredAt,
        ex.Result,
        ex.Noted,
        ex.SendOutcome,
        ex.ColumnBefore,
    ),
    *(ex.Again, ex.FirstCome, ex.Best, ex.Winner, ex.OfMessage, ex.HeldUntil, ex.Expired),
)


_Named = pg.Segment | pg.Measure | pg.Journey | pg.Policy


@dataclass(frozen=True, slots=True)
class Calculation:
    """One calculation of a declaration, in words. The statement has one row: (count, one of them)."""

    kind: str
    name: str
    text: str
    statement: Statement


def calculations(program: pg.Program) -> Iterator[Calculation]:
    """Yield every calculation over customers and over rows of sources that may have no result."""
    scope = Scope(
        Catalog.of(program),
        customer="c",
        has_own_zone=any(f.name == "timezone" for f in program.profile.fields),
    )
    for kind, wholes in _of_customers(program):
        for whole in wholes:
            yield from _over(kind, whole.name, whole, scope, "customer", "c", "id")
    sources = {source.name: source for source in program.sources}
    for mapping in program.profile.mappings:
        source = sources[mapping.source]
        for field, mapped in mapping.fields.items():
            table, rows = table_of(source.name), Scope.source("s", source)
            yield from _over("field", field, mapped, rows, table, "s", source.key)


def _of_customers(program: pg.Program) -> Iterator[tuple[str, Iterable[_Named]]]:
    """Yield what calculates with customers, by kind. A journey is asked of all customers, and not
    only of those inside, because a calculation may also keep customers from entering."""
    yield "segment", program.segments
    yield "measure", program.measures
    yield "journey", program.journeys
    yield "policy", program.policies


def _over(
    kind: str, name: str, whole: BaseModel, scope: Scope, table: str, alias: str, key: str
) -> Iterator[Calculation]:
    found = dict.fromkeys(_arithmetic(whole))
    for node in found:
        # What is mapped as a whole has to fit into a column, too.
        is_mapped = node is whole
        if not is_mapped and not _may_fail(node, scope):
            continue
        statement = query(
            "SELECT COUNT(*), MIN(CAST({key} AS TEXT)) FROM {table} AS {alias} "
            "WHERE NOT {left} IS NULL AND NOT {right} IS NULL AND {whole} IS NULL",
            key=column(alias, key),
            table=table,
            alias=alias,
            left=value(node.left, scope),
            right=value(node.right, scope),
            whole=storable(node, node.type, scope) if is_mapped else value(node, scope),
        )
        yield Calculation(kind, name, words(node), statement)


def _arithmetic(whole: BaseModel) -> Iterator[ex.Arithmetic]:
    """Yield the calculations of a whole, but those over single events."""
    is_number = isinstance(whole, ex.Arithmetic) and not isinstance(whole.right, ex.Period)
    if is_number and isinstance(whole, ex.Arithmetic) and not _reads_elsewhere(whole):
        yield whole
    for part in _parts(whole):
        yield from _arithmetic(part)


def _parts(whole: BaseModel) -> Iterator[BaseModel]:
    if isinstance(whole, ex.Aggregate):
        return
    for name in type(whole).model_fields:
        found = getattr(whole, name)
        several = found.values() if isinstance(found, Mapping) else found
        for part in several if isinstance(found, (tuple, list, Mapping)) else (found,):
            if isinstance(part, BaseModel):
                yield part


def _reads_elsewhere(node: BaseModel) -> bool:
    return isinstance(node, _ELSEWHERE) or any(_reads_elsewhere(part) for part in _parts(node))


def _may_fail(node: ex.Arithmetic, scope: Scope) -> bool:
    is_division = node.operator == "/" and not isinstance(node.right, ex.Constant)
    return is_division or is_guarded(node, lambda name: scope.catalog.measures[name].value)
