"""Texts that are compared with an enum, or with a column whose values the catalog knows."""

from collections.abc import Iterable

from cij.compiler import expression as ex
from cij.compiler.naming import near
from cij.compiler.typecheck.environment import Environment
from cij.compiler.types import Type
from cij.compiler.value_statistics import values_of
from cij.grammar import codes
from cij.grammar.diagnostic import Diagnostic, Edit, Fix
from cij.grammar.span import Span

_SHOWN_MAX = 8


def fault(type: Type, other: ex.Expression, span: Span) -> Diagnostic | None:
    """Return what is wrong with `other`, if it is a constant, as a value of a type."""
    if type.values is None or not _is_text(other) or _text(other) in type.values:
        return None
    message = f'"{_text(other)}" is not a value of this enum'
    hint, fixes = _correction(_text(other), type.values, span)
    return codes.UNKNOWN_VALUE.at(span, message, label="no such value", help=hint, fixes=fixes)


def warn(node: ex.Expression, other: ex.Expression, span: Span, env: Environment) -> None:
    """Report a constant that no row was seen to have, where the catalog has all values."""
    if node.type.values is not None or not _is_text(other):
        return
    seen = values_of(node, env.model, env.catalog)
    if seen is None or _text(other) in seen:
        return
    message = f'no row had the value "{_text(other)}" when the catalog was refreshed'
    hint, fixes = _correction(_text(other), sorted(seen), span)
    made = codes.UNSEEN_VALUE.at(span, message, label="never seen", help=hint, fixes=fixes)
    env.report(made)


def _is_text(node: ex.Expression) -> bool:
    return isinstance(node, ex.Constant) and node.type.kind == "text"


def _text(node: ex.Expression) -> str:
    assert isinstance(node, ex.Constant), "only what is written can be wrong"
    return str(node.value)


def _correction(written: str, values: Iterable[str], span: Span) -> tuple[str, list[Fix]]:
    known = list(values)
    close = near(written, known)
    if not close:
        more = ", …" if len(known) > _SHOWN_MAX else ""
        return "it is one of " + ", ".join(f'"{v}"' for v in known[:_SHOWN_MAX]) + more, []
    fix = Fix(f'write "{close[0]}"', (Edit(span, f'"{close[0]}"'),), is_safe=False)
    return "did you mean " + " or ".join(f'"{v}"' for v in close) + "?", [fix]
