"""The cases of a `switch`: values that stand twice, and values that none of them takes."""

from collections.abc import Sequence

from cij.compiler import expression as ex, model
from cij.compiler.pass_state import Build
from cij.compiler.proofs.located import Piece, piece_of, relevant
from cij.compiler.proofs.terms import number_of
from cij.compiler.proofs.verdicts import are_contrary
from cij.compiler.types import BOOLEAN
from cij.compiler.unparse import words
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Label
from cij.grammar.span import Span


def report_repeats(step: model.Choose, node: syntax.Switch, build: Build) -> None:
    """Report values that stand in two cases."""
    first: dict[object, Span] = {}
    for arm, case in zip(step.arms, node.cases, strict=True):
        for typed, written in zip(_items(arm), case.values, strict=True):
            value = number_of(typed)
            if value is None:
                continue
            if value in first:
                related = [Label(first[value], "first here")]
                message = "an earlier case has this value, and it is taken"
                build.report(codes.REPEATED_CASE.at(written.span, message, related=related))
            first.setdefault(value, written.span)


def _items(arm: model.ChooseArm) -> tuple[ex.Expression, ...]:
    assert isinstance(arm.guard, ex.InSet), "a case is a set of values"
    return arm.guard.items


def is_repeat(span: Span, build: Build) -> bool:
    """Tell whether a case has been reported for a value that stands before."""
    found = (d.span for d in build.diagnostics if d.code == codes.REPEATED_CASE.code)
    return any(s.file == span.file and span.start <= s.start < span.end for s in found)


def report_missing(
    step: model.Choose, node: syntax.Switch, facts: Sequence[Piece], build: Build
) -> None:
    """Report the values of an enum that some customer may have here and that no case takes."""
    guard = step.arms[0].guard
    assert isinstance(guard, ex.InSet), "a case is a set of values"
    if node.otherwise:
        return
    taken = {number_of(item) for arm in step.arms for item in _items(arm)}
    missing = [c for c in _all_values(guard.value) if number_of(c) not in taken]
    missing = [c for c in missing if _is_possible(guard.value, c, facts, node, build)]
    if not missing:
        return
    names = ", ".join(words(c) for c in missing)
    message = f"this `switch` has no case for {names}"
    hint = f"add `case {names} {{ … }}`, which may be empty, or an `else`"
    build.report(codes.MISSING_CASE.at(node.value.span, message, label="has no case", help=hint))


def _all_values(node: ex.Expression) -> list[ex.Constant]:
    """Return all values of a type that has few."""
    if node.type == BOOLEAN:
        return [ex.Constant(type=BOOLEAN, value=value) for value in (True, False)]
    return [ex.Constant(type=node.type, value=value) for value in node.type.values or ()]


def _is_possible(
    value: ex.Expression,
    constant: ex.Constant,
    facts: Sequence[Piece],
    node: syntax.Switch,
    build: Build,
) -> bool:
    asked = piece_of(ex.InSet(value=value, items=(constant,)), node.value.span, build)
    return not are_contrary(p.formula for p in (*relevant(facts, [asked]), asked))
