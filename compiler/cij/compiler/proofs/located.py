"""Conditions with the places where they are written.

Typed expressions carry no spans. They have the shape of the syntax that they were made of, so the
two are walked side by side, as far as `and`, `not (… or …)` and the conditions of segments go.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from cij.compiler import expression as ex
from cij.compiler.pass_state import Build
from cij.compiler.proofs.formula import Formula, Term, terms_of
from cij.compiler.proofs.translate import truth
from cij.compiler.proofs.verdicts import negation
from cij.compiler.unparse import words
from cij.grammar import syntax
from cij.grammar.span import Span


@dataclass(frozen=True, slots=True)
class Piece:
    """One condition that holds; `reason` says why where it is not written as it stands."""

    condition: ex.Expression
    span: Span
    formula: Formula = field(compare=False)
    reason: str = ""
    terms: frozenset[Term] = field(default=frozenset(), compare=False)

    @property
    def text(self) -> str:
        return words(self.condition)


def piece_of(condition: ex.Expression, span: Span, build: Build, reason: str = "") -> Piece:
    """Return a condition at a place."""
    formula = truth(condition, build.model)
    return Piece(condition, span, formula, reason, terms_of(formula))


def pieces(node: ex.Expression, written: syntax.Expression, build: Build) -> list[Piece]:
    """Return the conditions that must all hold for `node`, each with its place."""
    match node, written:
        case ex.And(items=items), syntax.Binary(operator="and"):
            pairs = zip(items, operands(written), strict=True)
            return [piece for i, w in pairs for piece in pieces(i, w, build)]
        case ex.Member(segment=name), _:
            return segment_pieces(name, build) or [piece_of(node, written.span, build)]
        case ex.Not(item=inner), syntax.Unary(operator="not", operand=operand):
            return refuted(inner, operand, build)
    return [piece_of(node, written.span, build)]


def refuted(
    node: ex.Expression, written: syntax.Expression, build: Build, reason: str = ""
) -> list[Piece]:
    """Return the conditions that must all hold where `node` does not."""
    match node, written:
        case ex.Or(items=items), syntax.Binary(operator="or"):
            pairs = zip(items, operands(written), strict=True)
            return [piece for i, w in pairs for piece in refuted(i, w, build, reason)]
    return [piece_of(negation(node), written.span, build, reason)]


def operands(written: syntax.Binary) -> list[syntax.Expression]:
    """Return `a`, `b`, `c` of `a and b and c`, which is one node in the typed form."""
    found: list[syntax.Expression] = []
    node: syntax.Expression = written
    while isinstance(node, syntax.Binary) and node.operator == written.operator:
        found.append(node.right)
        node = node.left
    return [node, *reversed(found)]


def segment_pieces(name: str, build: Build) -> list[Piece]:
    """Return the conditions of a segment at its declaration."""
    segment, node = build.model.segments.get(name), build.declared["segment"].get(name)
    if segment is None or node is None:
        return []
    clauses = list(_clauses(node))
    whole = segment.condition
    parts = whole.items if isinstance(whole, ex.And) and len(clauses) > 1 else (whole,)
    pairs = zip(parts, clauses, strict=True)
    return [piece for part, clause in pairs for piece in _clause(part, clause, build)]


def where_clauses(name: str, build: Build) -> Iterator[tuple[ex.Expression, syntax.Expression]]:
    """Yield each `where` of a segment as it is typed and as it is written."""
    segment, node = build.model.segments.get(name), build.declared["segment"].get(name)
    if segment is None or node is None:
        return
    clauses, whole = list(_clauses(node)), segment.condition
    typed = whole.items if isinstance(whole, ex.And) and len(clauses) > 1 else (whole,)
    for part, clause in zip(typed, clauses, strict=True):
        if isinstance(clause, syntax.Where):
            yield part, clause.condition


def _clauses(node: syntax.Declaration) -> Iterator[syntax.Where | syntax.Except]:
    """Yield the clauses in the order of the typed condition."""
    yield from (i for i in node.items if isinstance(i, syntax.Where))
    yield from (i for i in node.items if isinstance(i, syntax.Except))


def _clause(part: ex.Expression, clause: syntax.Where | syntax.Except, build: Build) -> list[Piece]:
    if isinstance(clause, syntax.Where):
        return pieces(part, clause.condition, build)
    assert isinstance(part, ex.Not), "an exception is a negated condition"
    return refuted(part.item, clause.condition, build)


def relevant(facts: Sequence[Piece], asked: Sequence[Piece]) -> list[Piece]:
    """Return the facts that share a term with what is asked, or with each other and so with it.

    The others cannot conflict with it, as long as facts do not conflict among themselves.
    """
    reached = frozenset[Term]().union(*(p.terms for p in asked))
    found: list[Piece] = []
    left = list(facts)
    while near := [p for p in left if p.terms & reached]:
        found += near
        left = [p for p in left if not p.terms & reached]
        reached = reached.union(*(p.terms for p in near))
    kept = {id(p) for p in found}
    return [p for p in facts if id(p) in kept]


def distinct(found: Iterable[Piece]) -> list[Piece]:
    """Leave out what is said twice."""
    return list({piece.condition: piece for piece in reversed(list(found))}.values())[::-1]


def is_within(span: Span, outer: Span) -> bool:
    """Tell whether one span lies in another."""
    return span.file == outer.file and outer.start <= span.start and span.end <= outer.end
