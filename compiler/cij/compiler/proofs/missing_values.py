"""Conditions that are also true for people of whom a value is not known (S1).

`country != "US"` is true where `country` is missing. That is no mistake; it surprises where the
catalog says that there are such rows, and nothing in the condition shows that the author knew.
"""

from collections.abc import Iterator, Sequence

from cij.compiler import expression as ex
from cij.compiler.pass_state import Build
from cij.compiler.proofs.formula import negated
from cij.compiler.proofs.located import Piece, operands, where_clauses
from cij.compiler.proofs.translate import known, truth
from cij.compiler.proofs.verdicts import are_contrary, negation
from cij.compiler.unparse import words
from cij.compiler.value_statistics import unknown_shares
from cij.compiler.walk import walk
from cij.grammar import codes, syntax
from cij.grammar.span import Span

_Atom = tuple[ex.Expression, Span]


def check_segments(build: Build) -> None:
    """Report conditions of segments; what `except` takes out says whom it means."""
    for name, segment in build.model.segments.items():
        for typed, written in where_clauses(name, build):
            _report(typed, written, segment.condition, (), build)


def check_unknowns(
    typed: ex.Expression | None,
    written: syntax.Expression | None,
    facts: Sequence[Piece],
    build: Build,
) -> None:
    """Report the atoms of a condition that hold where a value is missing; `facts` hold before."""
    if typed is not None and written is not None:
        _report(typed, written, typed, facts, build)


def _report(
    typed: ex.Expression,
    written: syntax.Expression,
    whole: ex.Expression,
    facts: Sequence[Piece],
    build: Build,
) -> None:
    asked = [part.value for part in walk(whole) if isinstance(part, ex.Known)]
    for atom, span in _negative(typed, written):
        for value in _missing(atom):
            shares = unknown_shares(value, build.model, build.catalog)
            if shares and value not in asked and not _is_known(value, whole, facts, build):
                _warn(atom, value, shares, span, build)


def _is_known(
    value: ex.Expression, whole: ex.Expression, facts: Sequence[Piece], build: Build
) -> bool:
    """Tell whether the whole condition is false wherever the value is missing."""
    formulas = [fact.formula for fact in facts]
    formulas += [truth(whole, build.model), negated(known(value, build.model))]
    return are_contrary(formulas)


def _warn(
    atom: ex.Expression, value: ex.Expression, shares: dict[str, float], span: Span, build: Build
) -> None:
    name = words(value)
    rows = ", ".join(f"{share:.1%} of the rows of `{of}`" for of, share in shares.items())
    message = f"this is also true if `{name}` is unknown, as in {rows}"
    build.report(
        codes.INCLUDES_UNKNOWN.at(
            span,
            message,
            label=f"`{words(atom)}`",
            notes=["`cij explain S1` says what a missing value means"],
            help=f"add `and {name} is known` (or `or {name} is unknown`, if that is meant)",
        )
    )


# --- atoms that are true of a missing value ---------------------------------------------------


def _negative(
    node: ex.Expression, written: syntax.Expression, *, is_denied: bool = False
) -> Iterator[_Atom]:
    """Yield what is negated, with its place."""
    match node, written:
        case ((ex.And(items=items) | ex.Or(items=items)), syntax.Binary(operator="and" | "or")):
            for item, part in zip(items, operands(written), strict=True):
                yield from _negative(item, part, is_denied=is_denied)
        case ex.Not(item=item), syntax.Unary(operator="not", operand=operand):
            yield from _negative(item, operand, is_denied=not is_denied)
        case ex.Not(item=item), _:
            if not is_denied:
                yield node, written.span
        case ex.Compare(operator="!="), _:
            if not is_denied:
                yield node, written.span
        case _ if is_denied:
            yield negation(node), written.span


def _missing(atom: ex.Expression) -> Iterator[ex.Expression]:
    """Yield the values without which a negated statement is true."""
    inner = atom.item if isinstance(atom, ex.Not) else atom
    match inner:
        case ex.Compare(left=left, right=right):
            candidates = [left, right]
        case ex.InSet(value=value):
            candidates = [value]
        case ex.And(items=(ex.Compare(left=left), *_)):
            # `not between`: one value, compared twice.
            candidates = [left]
        case ex.Field() | ex.EventField():
            candidates = [inner]
        case _:
            candidates = []
    yield from (c for c in candidates if c.is_nullable)
