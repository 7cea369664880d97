"""What a condition promises: the customer's fields that are known wherever it holds."""

from collections.abc import Mapping

from cij.compiler import expression as ex
from cij.compiler.program import Segment

_NOTHING: frozenset[str] = frozenset()


def known_fields(
    condition: ex.Expression | None, segments: Mapping[str, Segment]
) -> frozenset[str]:
    """Return the fields that cannot be missing where `condition` is true.

    Nulls: an atom over a missing value is false (S1), so a true atom has no missing part; a
    negation promises nothing, for it is true where the value is missing.
    """
    match condition:
        case ex.And(items=items):
            return _NOTHING.union(*(known_fields(i, segments) for i in items))
        case ex.Or(items=items):
            found = [known_fields(i, segments) for i in items]
            return found[0].intersection(*found[1:]) if found else _NOTHING
        case ex.Compare(operator=operator) if operator != "!=":
            return _read(condition.left) | _read(condition.right)
        case ex.InSet(value=value) | ex.Known(value=value) | ex.TopShare(value=value):
            return _read(value)
        case ex.Member(segment=name) if name in segments:
            return known_fields(segments[name].condition, segments)
        case ex.Field():
            return _read(condition)
    return _NOTHING


def _read(node: ex.Expression) -> frozenset[str]:
    match node:
        case ex.Field(name=name):
            return frozenset((name,))
        case ex.Arithmetic(left=left, right=right):
            return _read(left) | _read(right)
        case ex.Call(arguments=arguments):
            return _NOTHING.union(*(_read(a) for a in arguments))
    return _NOTHING


def may_be_missing(node: ex.Expression, known: frozenset[str]) -> bool:
    """Tell whether a value can be missing where the fields `known` are known."""
    match node:
        case ex.Field(name=name):
            return node.is_nullable and name not in known
        case ex.Coalesce(default=default):
            return may_be_missing(default, known)
        case ex.Arithmetic(operator="+" | "-" | "*", left=left, right=right):
            return may_be_missing(left, known) or may_be_missing(right, known)
        case ex.Call(function=function, arguments=arguments) if function != "number":
            return any(may_be_missing(a, known) for a in arguments)
    return node.is_nullable
