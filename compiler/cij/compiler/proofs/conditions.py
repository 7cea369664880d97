"""Conditions that no customer can satisfy, each checked by itself."""

from collections.abc import Sequence

from cij.compiler import expression as ex
from cij.compiler.pass_state import Build
from cij.compiler.proofs.findings import conflict, report
from cij.compiler.proofs.located import Piece, is_within, pieces, segment_pieces
from cij.compiler.proofs.missing_values import check_unknowns
from cij.compiler.proofs.verdicts import are_contrary
from cij.grammar import codes, syntax
from cij.grammar.span import Span

_HELP = "no value satisfies all of these; change one of the conditions"


def check_segments(build: Build) -> None:
    """Report segments that no customer can ever be in."""
    for name in build.model.segments:
        span = build.declared["segment"][name].span
        found = segment_pieces(name, build)
        report_impossible(f"no customer can ever be in segment `{name}`", found, span, build)


def check_condition(
    what: str, typed: ex.Expression | None, written: syntax.Expression | None, build: Build
) -> bool:
    """Report a condition that can never be true. Return whether it was reported."""
    if typed is None or written is None:
        return False
    check_unknowns(typed, written, (), build)
    found = pieces(typed, written, build)
    return report_impossible(f"{what} can never be true", found, written.span, build)


def report_impossible(message: str, found: Sequence[Piece], span: Span, build: Build) -> bool:
    """Report pieces that conflict. Return whether they do.

    Where all that conflicts stands in another declaration, it is reported there.
    """
    if not are_contrary(p.formula for p in found):
        return False
    kept = conflict(found)
    if any(is_within(p.span, span) for p in kept) or not _is_elsewhere(kept, build):
        made = report(codes.IMPOSSIBLE_CONDITION, message, span, kept, _HELP)
        build.report(made)
    return True


def _is_elsewhere(kept: Sequence[Piece], build: Build) -> bool:
    """Tell whether one segment alone has the whole conflict."""
    declared = build.declared["segment"].values()
    return any(all(is_within(p.span, node.span) for p in kept) for node in declared)
