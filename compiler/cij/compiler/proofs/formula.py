"""Formulas: conditions about terms, with negation pushed down to the single statements."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Union

from cij.compiler import expression as ex
from cij.compiler.proofs.ranges import ALL, Ranges, Value
from cij.compiler.types import Type


@dataclass(frozen=True, slots=True)
class Term:
    """Something that has one value for a customer, or none.

    `base` holds all values that it can have; `shows` is an expression of that value. A term is
    `free` when it may have any of them whatever the values of others are; what is found about one
    that is not free may be more than the world allows.
    """

    key: Hashable
    type: Type = field(compare=False)
    base: Ranges = field(compare=False)
    is_nullable: bool = field(compare=False)
    is_whole: bool = field(compare=False)
    is_free: bool = field(compare=False)
    shows: ex.Expression = field(compare=False)


@dataclass(frozen=True, slots=True)
class Literal:
    """The value of a term is in `ranges`, or missing where `or_missing`.

    With a `needle` it is about texts that hold it, or do not when `is_lacking`.
    """

    term: Term
    ranges: Ranges
    or_missing: bool
    needle: str | None = None
    is_lacking: bool = False


@dataclass(frozen=True, slots=True)
class All:
    items: tuple["Formula", ...]


@dataclass(frozen=True, slots=True)
class Some:
    items: tuple["Formula", ...]


Formula = Union[Literal, All, Some]

TRUE = All(())
FALSE = Some(())

# A set of values, or the texts that hold a text.
Test = Ranges | str


def literal(term: Term, test: Test, or_missing: bool) -> Literal:
    """Return the statement that the value of `term` passes `test`, or is missing."""
    if isinstance(test, str):
        return Literal(term, ALL, or_missing, test)
    return Literal(term, test, or_missing)


def passes(value: Value, test: Test) -> bool:
    """Tell whether a known value passes a test."""
    return test in value if isinstance(test, str) else value in test


def all_of(items: Iterable[Formula]) -> Formula:
    """Return the conjunction, without what is always true."""
    flat: list[Formula] = []
    for item in items:
        if isinstance(item, All):
            flat += item.items
        elif item == FALSE:
            return FALSE
        else:
            flat.append(item)
    return flat[0] if len(flat) == 1 else All(tuple(flat))


def some_of(items: Iterable[Formula]) -> Formula:
    """Return the disjunction, without what is never true."""
    flat: list[Formula] = []
    for item in items:
        if isinstance(item, Some):
            flat += item.items
        elif item == TRUE:
            return TRUE
        else:
            flat.append(item)
    return flat[0] if len(flat) == 1 else Some(tuple(flat))


def negated(formula: Formula) -> Formula:
    """Return the formula that is true exactly where this one is false."""
    match formula:
        case All(items):
            return some_of(negated(i) for i in items)
        case Some(items):
            return all_of(negated(i) for i in items)
        case Literal(term, ranges, or_missing, None, _):
            return Literal(term, ~ranges, not or_missing)
        case Literal(term, ranges, or_missing, needle, is_lacking):
            return Literal(term, ranges, not or_missing, needle, not is_lacking)


def terms_of(formula: Formula) -> frozenset[Term]:
    """Return all that a formula is about."""
    if isinstance(formula, Literal):
        return frozenset((formula.term,))
    return frozenset[Term]().union(*map(terms_of, formula.items))
