"""The questions that can be asked about conditions, and their answers.

An `Unsat` is a proof. A `Sat` has values that make the condition true; where it names `assumed`
parts, those were taken as free to be anything, so it is no promise about the world.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Union

from cij.compiler import expression as ex
from cij.compiler.proofs.formula import Formula, all_of
from cij.compiler.proofs.search import Assignment, Outcome, search
from cij.compiler.proofs.terms import shown
from cij.compiler.proofs.translate import Catalog, truth
from cij.compiler.unparse import words

WitnessValue = Union[bool, int, str, Decimal, date, datetime, None]


@dataclass(frozen=True, slots=True)
class Sat:
    """`witness` has a value for each thing that matters, in the words of the language."""

    witness: dict[str, WitnessValue]
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unsat:
    """`conflict` are conditions that cannot all be true; without any one of them they could."""

    conflict: tuple[ex.Expression, ...]


@dataclass(frozen=True, slots=True)
class NotProved:
    """The search was given up."""


Answer = Union[Sat, Unsat, NotProved]


def satisfiable(condition: ex.Expression, catalog: Catalog) -> Answer:
    """Tell whether some customer can satisfy a condition."""
    parts = conjuncts(condition, catalog)
    found = search(truth(condition, catalog))
    if isinstance(found, dict):
        return _sat(found)
    if found is Outcome.NOT_FOUND:
        return NotProved()
    kept = minimal_conflict([truth(p, catalog) for p in parts])
    return Unsat(tuple(parts[i] for i in kept))


def implies(left: ex.Expression, right: ex.Expression, catalog: Catalog) -> bool:
    """Tell whether it is proved that `right` is true wherever `left` is."""
    return is_conflict((left, negation(right)), catalog)


def disjoint(left: ex.Expression, right: ex.Expression, catalog: Catalog) -> bool:
    """Tell whether it is proved that no customer satisfies both."""
    return is_conflict((left, right), catalog)


def always(condition: ex.Expression, catalog: Catalog) -> bool:
    """Tell whether it is proved that every customer satisfies the condition."""
    return is_conflict((negation(condition),), catalog)


def negation(condition: ex.Expression) -> ex.Expression:
    """Return `not` of a condition."""
    return condition.item if isinstance(condition, ex.Not) else ex.Not(item=condition)


def is_conflict(conditions: Iterable[ex.Expression], catalog: Catalog) -> bool:
    """Tell whether it is proved that the conditions cannot all be true."""
    return are_contrary(truth(c, catalog) for c in conditions)


def are_contrary(formulas: Iterable[Formula]) -> bool:
    """Tell whether it is proved that the formulas cannot all be true."""
    return search(all_of(formulas)) is Outcome.NONE_THERE


def together(formulas: Iterable[Formula]) -> Answer:
    """Tell whether some customer can satisfy all formulas. A conflict is not looked for."""
    found = search(all_of(formulas))
    if isinstance(found, dict):
        return _sat(found)
    return NotProved() if found is Outcome.NOT_FOUND else Unsat(())


def minimal_conflict(formulas: Sequence[Formula]) -> list[int]:
    """Return the numbers of formulas that conflict, none of which can be left out.

    The last are kept rather than the first: they are what the author wrote at the place.
    """
    kept = list(range(len(formulas)))
    for number in range(len(formulas)):
        rest = [k for k in kept if k != number]
        if are_contrary(formulas[k] for k in rest):
            kept = rest
    return kept


def conjuncts(condition: ex.Expression, catalog: Catalog) -> list[ex.Expression]:
    """Return the conditions that must all be true, segments looked into."""
    match condition:
        case ex.And(items=items):
            return [c for item in items for c in conjuncts(item, catalog)]
        case ex.Member(segment=name) if name in catalog.segments:
            return conjuncts(catalog.segments[name].condition, catalog)
        case ex.Not(item=ex.Or(items=items)):
            return [c for item in items for c in conjuncts(negation(item), catalog)]
    return [condition]


def _sat(values: Assignment) -> Sat:
    witness = {
        words(t.shows): None if v is None else shown(v, t.type)
        for t, v in values.items()
        if t.is_free
    }
    assumed = tuple(words(t.shows) for t in values if not t.is_free)
    return Sat(witness, assumed)
