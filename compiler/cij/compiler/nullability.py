"""Nullability: the fields that cannot be missing where a condition is true.

A field of the customer is written by its name, a field of the entering event as `trigger.NAME`.
"""

from collections.abc import Mapping

from cij.compiler import expression as ex
from cij.compiler.functions import PARTIAL
from cij.compiler.program import Segment

_NOTHING: frozenset[str] = frozenset()
# Begins the name of a field of the event that a filter looks at; no name of a field has a space.
_OWN = "event "


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
        case ex.Field() | ex.TriggerField():
            return _read(condition)
    return _NOTHING


def known_by_event(where: ex.Expression | None, segments: Mapping[str, Segment]) -> frozenset[str]:
    """Return what is known of customer and entering event where the event passed `where`."""
    found = known_fields(where, segments) if where is not None else _NOTHING
    own = {name.removeprefix(_OWN): name for name in found if name.startswith(_OWN)}
    return (found - frozenset(own.values())) | {f"trigger.{name}" for name in own} | {"trigger.at"}


def _read(node: ex.Expression) -> frozenset[str]:
    match node:
        case ex.Field(name=name):
            return frozenset((name,))
        case ex.TriggerField(name=name):
            return frozenset((f"trigger.{name}",))
        case ex.EventField(name=name):
            return frozenset((_OWN + name,))
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
        case ex.TriggerField(name=name):
            return node.is_nullable and f"trigger.{name}" not in known
        case ex.Coalesce(default=default):
            return may_be_missing(default, known)
        case ex.Cases(cases=cases, otherwise=otherwise):
            return any(may_be_missing(v, known) for v in (*(c.value for c in cases), otherwise))
        case ex.Arithmetic(operator="+" | "-" | "*", left=left, right=right):
            return may_be_missing(left, known) or may_be_missing(right, known)
        case ex.Call(function=function, arguments=arguments) if function not in PARTIAL:
            return any(may_be_missing(a, known) for a in arguments)
    return node.is_nullable
